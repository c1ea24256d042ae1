import { ExitCode } from "../../base/errors.js";
import type { Progress } from "../../base/progress.js";
import type { Engine } from "../../engine/index.js";
import type { Facts } from "../../environments/facts.js";
import type { Sources } from "../../hosts/inventory.js";
import type { ImageSpec } from "../../images/index.js";
import { CLOUD_WISHES, type CloudWish } from "../../labs/cloud-wishes.js";
import type { Lab } from "../../labs/define-lab.js";
import { parseTargets } from "../../labs/targets.js";
import type { SeatRecord } from "../../stacks/seat-record.js";
import { budgetOf, budgetOption, requireBudget } from "../budget.js";
import { type Context, report } from "../context.js";
import { type Args, defineCommand, flag, seatOptions, text, yesOption } from "../define-command.js";
import { duration, lifetime } from "../duration.js";
import { parityLines, parityVerdict } from "../parity-table.js";
import { readyHost } from "../ready-host.js";
import { cloudNotes, emulationNote } from "../rented.js";
import { DEFAULT_LAB, defaultSeat, labOf, matchingSeats } from "../seats.js";
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
    ...budgetOption,
    ttl: {
      type: "string",
      describe: "how long the seat lives before it ends itself: 3h, 1h30m, none; default: the lab's",
    },
    wait: { type: "string", default: DEFAULT_WAIT, describe: "how long to wait for a guest to answer SSH" },
    ...yesOption,
  },
  examples: [
    ["trilab up", `the lab ${DEFAULT_LAB}, with everything it needs`],
    ["trilab up --on container", "only the container (works without libvirt)"],
    ["trilab up --on container,guest,vps", "with a VPS too, rehearsed on this host"],
    ["trilab up --on vps --cloud aws --budget 2", "a rented one, if it costs no more than $2 by its end"],
    ["trilab up ./my-lab --seat alice", "a lab of your own, for alice"],
  ],
  handler: bringUp,
});

async function bringUp(args: Args, ctx: Context): Promise<number> {
  const started = Date.now();
  const { loadLab } = await import("../../labs/define-lab.js");
  const prepare = await import("../../stacks/prepare-seat.js");
  const { lab: wanted, seat } = await whichSeat(text(args, "lab"), text(args, "seat"));
  prepare.checkSeatName(seat);
  const on = text(args, "on");
  const targets = on === undefined ? undefined : parseTargets(on);
  const wantedTtl = text(args, "ttl");
  const ttl = wantedTtl === undefined ? undefined : lifetime("--ttl", wantedTtl);
  const budget = budgetOf(args);
  const waitMs = duration("--wait", text(args, "wait") ?? DEFAULT_WAIT) * 1000;
  const lab = await loadLab(wanted);
  const id = { lab: lab.name, seat };
  const { readRecord } = await import("../../stacks/seat-record.js");
  const { sourcesOf } = await import("../../stacks/sources.js");
  const existing = await readRecord(id);
  const all = [...(existing?.targets ?? []), ...(targets ?? existing?.targets ?? lab.targets)];
  const wish = {
    ...(targets ? { targets } : {}),
    ...(ttl === undefined ? {} : { ttl }),
    ...rentWish(args),
  };
  const { chooseRenting, withAddress } = await import("../../stacks/rent.js");
  const renting = all.includes("vps") ? await chooseRenting(existing?.vps, { lab, ...wish }) : undefined;
  const sources = sourcesOf(all, renting);
  if (budget !== undefined && renting?.region !== undefined)
    await keepTo(budget, { lab, existing, region: renting.region, ttl: ttl ?? lab.ttl });

  const { rentedShape } = await import("../../environments/rented.js");
  const { openEnvironment } = await import("../../environments/open.js");
  const { readFacts } = await import("../../environments/facts.js");
  // A seat that is up is asked while the engine looks whether anything changes; what it says counts if nothing does.
  const early =
    existing &&
    Promise.all(
      existing.targets.map(async (target) => readFacts(await openEnvironment(existing, target))),
    ).catch(() => undefined);

  await readyHost(ctx, sources, flag(args, "yes"));
  const { requireCapacity, requireStateSpace } = await import("../../hosts/capacity.js");
  await requireStateSpace();
  // A seat that is there keeps what it has, whatever its lab says by now.
  if (all.some((target) => !existing?.targets.includes(target))) await requireCapacity(lab.machine, sources);
  const { hostedImages, keptImage } = await import("../../stacks/image-specs.js");
  const { imageHash } = await import("../../images/index.js");
  const images = hostedImages(lab.machine, all, renting?.cloud, existing?.disk)
    .filter(({ of, spec }) => [undefined, imageHash(spec)].includes(keptImage(existing, of)))
    .map(({ spec }) => spec);
  const engine = await setUp(ctx, images, sources);

  const { withSeatLock, deploySeat } = await import("../../stacks/deploy-seat.js");
  return withSeatLock(id, async () => {
    const { ensureHost } = await import("../../stacks/ensure-host.js");
    const { compareFacts } = await import("../../environments/parity.js");
    const { moveExpiry } = await import("../../environments/lifetime.js");
    const { expiryInForce, revived } = await import("../../stacks/lifetime.js");
    const { writeRecord } = await import("../../stacks/seat-record.js");
    const { silent } = await import("../../base/progress.js");
    const prepared = await prepare.prepareRecord({ lab, seat, ...wish }, { ...silent, note: ctx.tell });
    const renewed = revived(prepared, ttl ?? lab.ttl, Date.now());
    let record = renewed ?? prepared;
    const expires = expiryInForce(record);
    if (renewed) ctx.tell(`the time of seat ${seat} was up; it gets more, and ends ${timeLeft(expires)}`);
    else if (existing && ttl !== undefined)
      ctx.tell(`seat ${seat} keeps its end (${timeLeft(expires)}); to move it: trilab extend`);
    let changes: Record<string, number> = {};
    let steps = 0;
    let emulated = false;
    await ctx.tasks.run([
      ...(sources.docker || sources.libvirt
        ? [
            {
              title: "host: image and storage",
              run: async (progress: Progress) => {
                for (const { image, daemons } of await prepare.builtImages(record, lab, progress))
                  await ensureHost(image, daemons, progress);
              },
            },
          ]
        : []),
      {
        title: `seat ${seat}: ${record.targets.join(" and ")}`,
        run: async (progress) => {
          const settings = await prepare.seatSettings(record, lab);
          const result = await deploySeat(settings, { sources, engine, progress });
          record = await withAddress(record, result.outputs);
          changes = result.changes;
          steps = result.steps.length;
          emulated = sources.libvirt && settings.accelerator === "tcg";
        },
      },
    ]);
    // Targets are only ever added, behind those that are there; to add one takes a step.
    let answers = steps === 0 && !renewed ? await early : undefined;
    if (answers === undefined) {
      const fresh: Facts[] = [];
      const environments = await Promise.all(record.targets.map((target) => openEnvironment(record, target)));
      await ctx.tasks.run(
        environments.map((environment, i) => ({
          title: `${environment.target}: answering`,
          run: async (progress) => {
            progress.update(
              environment.target === "container" ? "starting its processes" : "booting its own kernel",
            );
            // A machine started or made again knows an older expiry; it has a minute's grace to be told.
            if (record.extendedTo !== undefined)
              await moveExpiry(record, environment.target, expires, waitMs);
            fresh[i] = await readFacts(environment, { waitMs });
          },
        })),
        { concurrent: true },
      );
      answers = fresh;
      if (renewed) await writeRecord(renewed);
    }
    const facts = Object.fromEntries(record.targets.map((target, i) => [target, answers[i]]));
    const rented = rentedShape(record);
    const parity = compareFacts({ ...lab.machine, disk: record.disk }, facts, rented);
    report(
      ctx,
      "up",
      { ...id, targets: record.targets, vps: record.vps, expires, emulated, changes, parity },
      () => [
        ...parityLines(parity, record.targets, ctx.style, rented),
        "",
        ...cloudNotes(rented, ctx.style),
        ...(emulated ? [ctx.style.warn(emulationNote(record.targets, rented))] : []),
        `${parityVerdict(parity, ctx.style)}${steps === 0 ? ", nothing changed" : ""} (${((Date.now() - started) / 1000).toFixed(1)} s)`,
        "",
        ...(expires === "never" ? [] : [`  it ends itself ${timeLeft(expires)}; longer:  trilab extend`]),
        ...record.targets.map((target) => `  a shell in the ${target}:  trilab ssh ${target}`),
        "  take it all away:  trilab down",
      ],
    );
    return parity.inTolerance ? ExitCode.done : ExitCode.parityOutOfTolerance;
  });
}

/** @throws UserError (exit 2) when what is rented would cost more by the seat's end. Nothing is made before. */
async function keepTo(
  budget: number,
  seat: { lab: Lab; existing: SeatRecord | undefined; region: string; ttl: number | undefined },
): Promise<void> {
  const { rentalFor, rentalOf } = await import("../../stacks/rental.js");
  const { endOf, expiryInForce } = await import("../../stacks/lifetime.js");
  const { readPriceTable } = await import("../../hosts/price-table.js");
  const { existing, lab, region } = seat;
  const machine = { ...lab.machine, disk: existing?.disk ?? lab.machine.disk };
  const rental = (existing && rentalOf(existing)) ?? rentalFor({ ...lab, machine }, region);
  // A seat that is there keeps its end, unless its time is up: then it gets a new lease.
  const end = existing ? endOf(expiryInForce(existing)) : 0;
  const fresh = seat.ttl ?? Number.POSITIVE_INFINITY;
  const ttl = existing && end > Date.now() ? (end - Date.parse(existing.created)) / 1000 : fresh;
  requireBudget(budget, { rental, seats: 1, ttl }, await readPriceTable());
}

/** The seat that a bare `up` means: one that is there, else the newcomer's. */
async function whichSeat(
  lab: string | undefined,
  seat: string | undefined,
): Promise<{ lab: string; seat: string }> {
  if (lab !== undefined && seat !== undefined) return { lab, seat };
  const own = seat ?? defaultSeat();
  if (lab !== undefined) return { lab, seat: own };
  const there = (await matchingSeats(undefined, own)).map((s) => s.lab);
  if (there.length !== 1 || there[0] === undefined) return { lab: DEFAULT_LAB, seat: own };
  const { readRecord } = await import("../../stacks/seat-record.js");
  const record = await readRecord({ lab: there[0], seat: own });
  return { lab: record ? await labOf(record) : there[0], seat: own };
}

/** Engine and image, made once a machine; side by side, as each waits on the network at times. */
async function setUp(ctx: Context, images: readonly ImageSpec[], sources: Sources): Promise<Engine> {
  const { ensureEngine } = await import("../../engine/index.js");
  const { ensureImage } = await import("../../images/index.js");
  let engine: Engine | undefined;
  await ctx.tasks.run(
    [
      {
        title: "engine: Pulumi and its providers",
        run: async (progress) => {
          engine = await ensureEngine({ progress, ...sources, aws: sources.aws !== undefined });
        },
      },
      ...(images.length > 0
        ? [
            {
              title: "image: one root file system for all",
              run: async (progress: Progress) => {
                // One after the other: each build keeps every CPU busy.
                for (const spec of images) await ensureImage(spec, { progress });
              },
            },
          ]
        : []),
    ],
    { concurrent: true },
  );
  if (engine === undefined) throw new Error("ensureEngine gave no engine");
  return engine;
}

/** What the command line says of renting. */
function rentWish(args: Args): { cloud?: CloudWish; sshFrom?: string } {
  const cloud = CLOUD_WISHES.find((wish) => wish === text(args, "cloud"));
  const sshFrom = text(args, "ssh-from");
  return { ...(cloud ? { cloud } : {}), ...(sshFrom === undefined ? {} : { sshFrom }) };
}
