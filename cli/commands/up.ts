import { ExitCode, UserError } from "../../base/errors.js";
import { singleAddress } from "../../hosts/learner-address.js";
import { CLOUD_WISHES } from "../../labs/cloud-wishes.js";
import { parseTargets } from "../../labs/targets.js";
import { type Endpoints, endpointWords, sameEndpoint } from "../../model/endpoint.js";
import { type RunningCost, runningCost } from "../../model/prices.js";
import type { SeatPlan, SeatWish } from "../../seats/plan.js";
import { type SeatRecord, targetsOf } from "../../seats/seat-record.js";
import type { Unapplied } from "../../seats/unapplied.js";
import type { Brought } from "../../seats/up.js";
import { budgetOf, budgetOption } from "../budget.js";
import { type Context, report, type Style } from "../context.js";
import { type Args, defineCommand, flag, seatOptions, text, yesOption } from "../define-command.js";
import { duration, lifetime } from "../duration.js";
import { chosenEndpoints, endpointOptions } from "../endpoints.js";
import { parityLines, parityVerdict } from "../parity-table.js";
import { readyHost } from "../ready-host.js";
import { agreeToRent, cloudNotes, emulationNote } from "../rented.js";
import { DEFAULT_LAB, meantSeat } from "../seats.js";
import { timeLeft } from "../time-left.js";

/** How long a guest may take to answer SSH before `up` gives up: emulated ones on a busy host are slow. */
const DEFAULT_WAIT = "5m";

export const up = defineCommand({
  usage: "up [lab]",
  description: "bring a seat up: the same machine as every target the lab names",
  positionals: {
    lab: { type: "string", describe: `a lab's name, or the path of its folder; default: ${DEFAULT_LAB}` },
  },
  options: {
    ...seatOptions,
    on: { type: "string", describe: "targets, with commas: container,guest,vps; default: what the lab says" },
    cloud: {
      choices: CLOUD_WISHES,
      describe:
        "who rents the vps out: local (a rehearsal here), aws, or auto (aws where there are credentials); default: what the lab says",
    },
    "ssh-from": {
      type: "string",
      describe: "the one address that may reach a rented vps; default: your public one, or TRILAB_SSH_FROM",
    },
    ...endpointOptions,
    ...budgetOption,
    ttl: {
      type: "string",
      describe: "how long the seat lives before it ends itself: 3h, 1h30m, none; default: the lab's",
    },
    replace: {
      type: "boolean",
      describe:
        "allow it to replace machines and disks, with the work in them, where a change can't be made otherwise",
    },
    wait: { type: "string", default: DEFAULT_WAIT, describe: "how long to wait for a guest to answer SSH" },
    yes: {
      ...yesOption.yes,
      describe: "don't ask before installing or starting what is missing, or renting what costs money",
    },
  },
  examples: [
    ["trilab up", `the lab ${DEFAULT_LAB}, with everything it needs`],
    ["trilab up --on container", "only the container (works without libvirt)"],
    ["trilab up --on container,guest,vps", "with a VPS too, rehearsed on this host"],
    ["trilab up --on vps --cloud aws --budget 2", "a rented one, if it costs no more than $2 by its end"],
    ["trilab up ./my-lab --seat alice", "a lab of your own, for alice"],
  ],
  handler: deploy,
});

async function deploy(args: Args, ctx: Context): Promise<number> {
  const started = Date.now();
  const waitMs = duration("--wait", text(args, "wait") ?? DEFAULT_WAIT) * 1000;
  const { planSeat } = await import("../../seats/plan.js");
  const plan = await planSeat(await wishOf(args));
  if (plan.existing) refuseMove(args, plan.existing, plan.request.endpoints);
  if (plan.spending && !plan.spending.agreed) await agreeToRent(ctx, plan.spending, flag(args, "yes"));
  await readyHost(ctx, plan.drivers, flag(args, "yes"));
  const { bringUp } = await import("../../seats/up.js");
  const brought = await ctx.follow(
    bringUp(plan, { waitMs, replace: flag(args, "replace"), signal: ctx.signal }),
  );
  return show(ctx, plan, { ...brought, seconds: (Date.now() - started) / 1000 });
}

/** What the command line says, checked. */
async function wishOf(args: Args): Promise<SeatWish> {
  const [on, ttl] = [text(args, "on"), text(args, "ttl")];
  const cloud = CLOUD_WISHES.find((wish) => wish === text(args, "cloud"));
  // An address set for the whole session counts for seats that are there, too: a learner's own changes.
  const [sshFrom, budget] = [
    text(args, "ssh-from") ?? (process.env.TRILAB_SSH_FROM || undefined),
    budgetOf(args),
  ];
  return {
    endpoints: await chosenEndpoints(args),
    ...(await meantSeat(text(args, "lab"), text(args, "seat"))),
    ...(on === undefined ? {} : { targets: parseTargets(on) }),
    ...(ttl === undefined ? {} : { ttl: lifetime("--ttl", ttl) }),
    ...(cloud ? { cloud } : {}),
    ...(sshFrom === undefined ? {} : { sshFrom: singleAddress(sshFrom) }),
    ...(budget === undefined ? {} : { budget }),
  };
}

/** @throws UserError (exit 2) when a flag names another daemon than the one that has the seat's machines. */
function refuseMove(args: Args, existing: SeatRecord, chosen: Endpoints): void {
  for (const { endpoint, target } of existing.machines) {
    if (endpoint.kind === "ec2" || text(args, endpoint.kind) === undefined) continue;
    if (sameEndpoint(endpoint, chosen[endpoint.kind])) continue;
    throw new UserError(`the ${target} of seat "${existing.seat}" is at ${endpointWords(endpoint)}`, {
      why: `you asked for ${endpointWords(chosen[endpoint.kind])}; a machine can't move from one to the other`,
      fix: `leave --${endpoint.kind} out, take the seat down first (trilab down), or use another: --seat NAME`,
      exitCode: ExitCode.usage,
    });
  }
}

/** What lab.yaml asks for and the seat has otherwise, and what would apply it. */
function unappliedLines(kept: readonly Unapplied[], style: Style): string[] {
  if (kept.length === 0) return [];
  return [
    style.warn("The seat keeps what it was made with; lab.yaml says otherwise by now:"),
    ...kept.flatMap(({ what, lab, seat, apply }) => [
      `  ${what}: ${lab} in lab.yaml, ${seat} in the seat`,
      style.dim(`    to apply it:  ${apply}`),
    ]),
  ];
}

/** What its rented machine costs; `undefined` where nothing is rented, null where the price is not known. */
async function costSoFar(record: SeatRecord): Promise<RunningCost | null | undefined> {
  const { rentedSince } = await import("../../seats/rental.js");
  const rented = rentedSince(record);
  if (rented === undefined) return undefined;
  const { readPriceTable } = await import("../../drivers/ec2/price-table.js");
  return runningCost(await readPriceTable(), rented, new Date());
}

/** Says what is up, and whether its targets match. @returns the exit code. */
async function show(
  ctx: Context,
  { id, lab }: SeatPlan,
  brought: Brought & { seconds: number },
): Promise<number> {
  const { record, changes, emulated, mended, parity, seconds, unchanged } = brought;
  const { rentedShape } = await import("../../seats/rented.js");
  const { expiryInForce } = await import("../../seats/lifetime.js");
  const { unapplied } = await import("../../seats/unapplied.js");
  const { machines, vps } = record;
  const kept = unapplied(lab, record);
  const targets = targetsOf(record);
  const expires = expiryInForce(record);
  const rented = rentedShape(record);
  const cost = await costSoFar(record);
  const data = {
    ...id,
    targets,
    machines,
    vps,
    expires,
    cost,
    emulated,
    changes,
    mended,
    unapplied: kept,
    parity,
  };
  report(ctx, "up", data, () => [
    ...parityLines(parity, targets, ctx.style, rented),
    "",
    ...cloudNotes(rented, ctx.style, cost),
    ...(emulated ? [ctx.style.warn(emulationNote(targets, rented))] : []),
    `${parityVerdict(parity, ctx.style)}${unchanged ? ", nothing changed" : ""} (${seconds.toFixed(1)} s)`,
    ...mended.map((what) => `mended: ${what}`),
    ...unappliedLines(kept, ctx.style),
    "",
    ...(expires === "never" ? [] : [`  it ends itself ${timeLeft(expires)}; longer:  trilab extend`]),
    ...targets.map((target) => `  a shell in the ${target}:  trilab ssh ${target}`),
    "  take it all away:  trilab down",
  ]);
  return parity.inTolerance ? ExitCode.done : ExitCode.parityOutOfTolerance;
}
