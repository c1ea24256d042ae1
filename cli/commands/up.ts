import { ExitCode, UserError } from "../../base/errors.js";
import { parseTargets } from "../../labs/targets.js";
import { type Endpoints, endpointWords, sameEndpoint } from "../../model/endpoint.js";
import { type RunningCost, runningCost } from "../../model/prices.js";
import type { SeatPlan, SeatWish } from "../../seats/plan.js";
import type { SeatRecord } from "../../seats/seat-record.js";
import type { Unapplied } from "../../seats/unapplied.js";
import type { Brought } from "../../seats/up.js";
import { agreeToRent } from "../agree-to-rent.js";
import { budgetOf, budgetOption } from "../budget-option.js";
import { type Context, report, type Style } from "../context.js";
import { type Args, defineCommand, flag, seatOptions, text, yesOption } from "../define-command.js";
import { lifetime } from "../duration.js";
import { chosenEndpoints, endpointOptions } from "../endpoints.js";
import { cloudNotes, emulationNote } from "../machine-notes.js";
import { readyHost } from "../make-host-ready.js";
import { parityLines, parityVerdict } from "../parity-table.js";
import { rentingOf, rentingOptions } from "../rent-options.js";
import { DEFAULT_LAB, meantSeat } from "../seat-meant.js";
import { timeLeft } from "../time-left.js";
import { answerWait, waitOption } from "../wait.js";

export const up = defineCommand({
  usage: "up [lab]",
  description: "start a seat: the same machine as each target of the lab",
  positionals: {
    lab: {
      type: "string",
      describe: `a lab's name, or the path of its folder; default: that of the only seat there is, else ${DEFAULT_LAB}`,
    },
  },
  options: {
    ...seatOptions,
    on: { type: "string", describe: "targets, with commas: container,guest,vps; default: the lab's" },
    ...rentingOptions("the lab's"),
    ...endpointOptions,
    ...budgetOption,
    ttl: {
      type: "string",
      describe:
        "how long the seat lives before its machines stop themselves: 3h, 1h30m, none; default: the lab's",
    },
    replace: {
      type: "boolean",
      describe:
        "let trilab up replace machines and disks, and lose the work in them, if a change is not possible otherwise",
    },
    resume: {
      type: "boolean",
      describe:
        "let a new guest go on from the memory of one that has booted (made once per host), instead of booting. Faster; compare restarts such a guest before it measures",
    },
    ...waitOption,
    yes: {
      ...yesOption.yes,
      describe: "don't ask before installing or starting what is missing, or before renting",
    },
  },
  examples: [
    ["trilab up", `the lab ${DEFAULT_LAB}, with everything it needs`],
    ["trilab up --on container", "only the container (works without libvirt)"],
    ["trilab up --on container,guest,vps", "with a VPS too, a stand-in on this host"],
    ["trilab up --on vps --cloud aws --budget 2", "a rented VPS, if it costs at most $2 until its end"],
    ["trilab up --seat bob --resume", "a second seat, whose guest does not boot"],
    ["trilab up ./my-lab --seat alice", "a lab of your own, for alice"],
  ],
  handler: deploy,
});

async function deploy(args: Args, ctx: Context): Promise<number> {
  const started = Date.now();
  const waitMs = answerWait(args);
  const { planSeat } = await import("../../seats/plan.js");
  const plan = await inLearnersClass(await planSeat(await wishOf(args)), ctx);
  if (plan.existing) refuseMove(args, plan.existing, plan.request.endpoints);
  if (plan.spending && !plan.spending.agreed) await agreeToRent(ctx, plan.spending, flag(args, "yes"));
  const { earlyFacts } = await import("../../seats/early-facts.js");
  const early = plan.existing && earlyFacts(plan.existing);
  // The host's answers come while this is loaded.
  const [, { bringUp }] = await Promise.all([
    readyHost(ctx, plan.drivers, flag(args, "yes")),
    loadUp(plan.existing?.deployed === undefined),
  ]);
  const brought = await ctx.follow(
    bringUp(plan, {
      ...{ waitMs, early, signal: ctx.signal },
      ...{ replace: flag(args, "replace"), resume: flag(args, "resume") },
    }),
  );
  const { setUpLab } = await import("../../tasks/set-up.js");
  await ctx.follow(setUpLab(brought.record, plan.lab, { signal: ctx.signal }));
  return show(ctx, plan, { ...brought, seconds: (Date.now() - started) / 1000 });
}

/**
 * A new seat of a learner of one class that is up is a seat of that class, as if `class up` had made it. So a seat that is taken
 * down and made again stays in its class.
 */
async function inLearnersClass(plan: SeatPlan, ctx: Context): Promise<SeatPlan> {
  if (plan.existing) return plan;
  const { classesOf } = await import("../../classes/class-seats.js");
  const [name, ...others] = await classesOf(plan.id);
  if (name === undefined || others.length > 0) return plan;
  ctx.tell(`seat "${plan.id.seat}" is made for class "${name}", which has a learner of this name`);
  return { ...plan, request: { ...plan.request, class: name } };
}

/** @param engine Whether the engine will run; a seat that is as it was left needs none. */
async function loadUp(engine: boolean): Promise<typeof import("../../seats/up.js")> {
  const up = await import("../../seats/up.js");
  if (engine) await up.loadProgram();
  return up;
}

/** The checked options of the command line. */
async function wishOf(args: Args): Promise<SeatWish> {
  const [on, ttl] = [text(args, "on"), text(args, "ttl")];
  const budget = budgetOf(args);
  return {
    endpoints: await chosenEndpoints(args),
    ...(await meantSeat(text(args, "lab"), text(args, "seat"))),
    ...(on === undefined ? {} : { targets: parseTargets(on) }),
    ...(ttl === undefined ? {} : { ttl: lifetime("--ttl", ttl) }),
    ...rentingOf(args),
    ...(budget === undefined ? {} : { budget }),
  };
}

/** @throws UserError (exit 2) when a flag selects a different daemon from the one that has the seat's machines. */
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

/** Where the seat differs from lab.yaml, and how to apply lab.yaml. */
function unappliedLines(kept: readonly Unapplied[], style: Style): string[] {
  if (kept.length === 0) return [];
  return [
    style.warn("The seat keeps what it was made with. lab.yaml has changed since:"),
    ...kept.flatMap(({ what, lab, seat, apply }) => [
      `  ${what}: ${lab} in lab.yaml, ${seat} in the seat`,
      style.dim(`    to apply it:  ${apply}`),
    ]),
  ];
}

/** What its rented machine costs; `undefined` if nothing is rented, null if the price is not known. */
async function costSoFar(record: SeatRecord): Promise<RunningCost | null | undefined> {
  const { rentedSince } = await import("../../seats/rental.js");
  const rented = rentedSince(record);
  if (rented === undefined) return undefined;
  const { readPriceTable } = await import("../../drivers/ec2/price-table.js");
  return runningCost(await readPriceTable(), rented, new Date());
}

/** Prints what is up, and whether its targets match. @returns the exit code. */
async function show(
  ctx: Context,
  { id, lab }: SeatPlan,
  brought: Brought & { seconds: number },
): Promise<number> {
  const { record, changes, emulated, mended, parity, seconds, unchanged } = brought;
  const { targetsOf } = await import("../../seats/seat-record.js");
  const { rentedShape } = await import("../../seats/rented-shape.js");
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
    `${parityVerdict(parity, ctx.style)}${unchanged ? ", nothing changed" : ""}; up in ${seconds.toFixed(1)} s`,
    ...mended.map((what) => `repaired: ${what}`),
    ...unappliedLines(kept, ctx.style),
    "",
    ...(expires === "never" ? [] : [`  it stops itself ${timeLeft(expires)}; to add time:  trilab extend`]),
    ...(lab.tasks.length > 0 ? ["  to begin:  trilab guide"] : []),
    ...targets.map((target) => `  a shell in the ${target}:  trilab ssh ${target}`),
    "  to remove everything:  trilab down",
  ]);
  return parity.inTolerance ? ExitCode.done : ExitCode.parityOutOfTolerance;
}
