import { ExitCode, UserError } from "../../base/errors.js";
import { interruptible } from "../../base/working.js";
import type { Target } from "../../model/naming.js";
import { formatDuration } from "../../model/units.js";
import type { Probe } from "../../probes/probe.js";
import type { RunDocument } from "../../probes/run-document.js";
import type { Step } from "../../probes/schedule.js";
import { type SeatRecord, targetsOf } from "../../seats/seat-record.js";
import { type Context, columns, report } from "../context.js";
import { type Args, defineCommand, flag, labAndSeatOptions, text } from "../define-command.js";
import { guessFirst } from "../guesses.js";
import { labName, labOf, resolveSeat } from "../seats.js";
import { timeLeft } from "../time-left.js";
import { readVersion } from "../version.js";

/** Milliseconds for a target that was started just now. */
const STARTING = 120_000;

export const compare = defineCommand({
  usage: "compare",
  description: "measure the targets of a seat side by side, and store what was found",
  options: {
    ...labAndSeatOptions,
    quick: { type: "boolean", describe: "fewer runs, for a demonstration: under 3 minutes; marked so" },
    probes: { type: "string", describe: "only these, with commas: start,memory,cpu; default: the lab's" },
    seed: { type: "string", describe: "of the order in which probes run: a whole number; default: random" },
    csv: { type: "boolean", describe: "the samples as CSV on standard output" },
    predict: {
      type: "boolean",
      default: true,
      describe: "ask for the learner's guesses first, where there are none; --no-predict measures at once",
    },
  },
  examples: [
    ["trilab compare --quick", "a demonstration in under 3 minutes"],
    ["trilab compare --probes start,memory", "only what it costs to start and to be there"],
    ["trilab compare history", "the runs there are"],
  ],
  handler: measure,
  subcommands: [
    defineCommand({
      usage: "history",
      description: "the stored runs, newest first",
      options: labAndSeatOptions,
      handler: showHistory,
    }),
  ],
});

/** What two targets take, of which one is emulated, on two CPUs. */
const [QUICK_MS, FULL_MS] = [3 * 60_000, 15 * 60_000];
/** So many times that a busy host may take; what is not measured by then is left out. */
const PATIENCE = 2.5;

async function measure(args: Args, ctx: Context): Promise<number> {
  const { loadLab } = await import("../../labs/define-lab.js");
  const { withSeatLock } = await import("../../seats/deploy-seat.js");
  const { compareTable } = await import("../../report/table.js");
  const { removeClones } = await import("../../seats/clones.js");
  const { saveRun } = await import("../../report/store.js");
  const { toCsv } = await import("../../report/table.js");
  const record = await resolveSeat(text(args, "lab"), text(args, "seat"));
  const lab = await loadLab(await labOf(record));
  const probes = await chosenProbes(text(args, "probes"), lab.probes);
  const seed = wholeNumber(text(args, "seed"));
  const declined = args.predict === false || ctx.json || flag(args, "csv");
  await guessFirst(record, { required: lab.predict === "required", declined }, ctx);
  const { run, interrupted } = await withSeatLock(record, async () => {
    for (const { kind, name } of await removeClones(record))
      ctx.tell(`removed ${kind} ${name}, which a compare that was killed had left`);
    return compareSeat(
      record,
      { spec: { ...lab.machine, disk: record.disk }, probes, seed, quick: flag(args, "quick") },
      ctx,
    );
  });
  const path = await saveRun(run);
  if (ctx.json) ctx.print(JSON.stringify(run, null, 2));
  else if (flag(args, "csv")) ctx.print(toCsv(run).trimEnd());
  else for (const line of compareTable(run, ctx.style)) ctx.print(line);
  ctx.tell("");
  const late = run.partial && !interrupted;
  if (late)
    ctx.tell(
      ctx.style.warn(
        "the host is too busy, or too slow, for all of it: measuring was ended; fewer probes fit (--probes start,memory)",
      ),
    );
  ctx.tell(`run ${run.id}${run.partial ? " (ended early: what was measured so far)" : ""}: ${path}`);
  if (!run.partial) ctx.tell(`  a page of it:  trilab report ${run.id} -o report.html`);
  if (late) return ExitCode.failed;
  return run.partial ? ExitCode.interrupted : ExitCode.done;
}

interface Request {
  spec: Parameters<typeof import("../../seats/parity.js").compareFacts>[0];
  probes: readonly Probe[];
  seed: number | undefined;
  quick: boolean;
}

async function compareSeat(
  record: SeatRecord,
  request: Request,
  ctx: Context,
): Promise<{ run: RunDocument; interrupted: boolean }> {
  const { openEnvironment } = await import("../../seats/open.js");
  const { rentedShape } = await import("../../seats/rented.js");
  const { readFacts } = await import("../../seats/facts.js");
  const { compareFacts } = await import("../../seats/parity.js");
  const { compareTargets } = await import("../../probes/compare.js");
  const { SeatSubject } = await import("../../probes/seat-subject.js");
  const { readPrediction } = await import("../../report/prediction.js");
  const { driversOf, emulatedTargets } = await import("../../seats/seat-drivers.js");
  const { endOf, expiryInForce } = await import("../../seats/lifetime.js");
  const { vps } = record;
  const targets = await answering(record, ctx);
  const end = endOf(expiryInForce(record));
  const usual = (request.quick ? QUICK_MS : FULL_MS) * Math.max(1, targets.length / 2);
  if (end - Date.now() < usual)
    ctx.tell(
      ctx.style.warn(
        `the seat ends ${timeLeft(expiryInForce(record))}, perhaps before this does: trilab extend`,
      ),
    );
  const facts = Object.fromEntries(
    await Promise.all(
      targets.map(
        async (t) => [t, await readFacts(await openEnvironment(record, t), { waitMs: STARTING })] as const,
      ),
    ),
  );
  const parity = compareFacts(request.spec, facts, rentedShape(record));
  if (!parity.inTolerance) {
    const wrong = parity.rows.filter((row) => row.verdict === "wrong").map((row) => row.title);
    ctx.tell(
      `${ctx.style.warn("out of parity:")} ${wrong.join(", ")}; the figures concerned are marked (see trilab parity)`,
    );
  }
  const emulated = await emulatedTargets(record, targets);
  const subjects = await Promise.all(targets.map((target) => SeatSubject.open(record, target)));
  const interrupt = new AbortController();
  const onSignal = (): void => interrupt.abort();
  const over = interruptible();
  process.once("SIGINT", onSignal);
  process.once("SIGTERM", onSignal);
  try {
    let run: RunDocument | undefined;
    const title = `comparing ${targets.join(", ")}${request.quick ? ", quick" : ""}`;
    await ctx.tasks.run([
      {
        title,
        run: async (progress) => {
          const { seed, ...rest } = request;
          run = await compareTargets({
            ...rest,
            ...(seed === undefined ? {} : { seed }),
            lab: record.lab,
            seat: record.seat,
            subjects,
            parity,
            emulated,
            drivers: driversOf(record),
            ...(vps && targets.includes("vps") ? { vps: { cloud: vps.cloud, type: vps.type } } : {}),
            version: readVersion(),
            signal: interrupt.signal,
            limit: (usual * PATIENCE) / 1000,
            onStep: (step, index, count, left) => progress.update(stepText(step, index, count, left)),
          });
        },
      },
    ]);
    if (run === undefined) throw new Error("compareTargets gave no document");
    const prediction = await readPrediction(record);
    const document = prediction === undefined ? run : { ...run, prediction };
    return { run: document, interrupted: interrupt.signal.aborted };
  } finally {
    over();
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
}

/** `cpu in the guest, run 41 of 180, about 2m left`. */
function stepText(step: Step, index: number, count: number, left: number | undefined): string {
  const rest = left === undefined ? "" : `, about ${formatDuration(Math.ceil(left / 5) * 5)} left`;
  return `${step.probe.id} in the ${step.target}, run ${index} of ${count}${rest}`;
}

/** The seat's targets that answer. @throws UserError when none does. */
async function answering(record: SeatRecord, ctx: Context): Promise<Target[]> {
  const { openMachine } = await import("../../seats/open.js");
  const { TARGETS } = await import("../../model/naming.js");
  const up = await Promise.all(
    targetsOf(record).map(async (target) =>
      (await (await openMachine(record, target)).running()) ? target : undefined,
    ),
  );
  const targets = up.filter((target) => target !== undefined);
  const fix = `trilab up ${record.lab} --seat ${record.seat}`;
  if (targets.length === 0) {
    throw new UserError(`nothing of seat "${record.seat}" is running`, {
      why: `it has: ${targetsOf(record).join(", ")}`,
      fix: `bring it up: ${fix}`,
    });
  }
  if (targets.length === 1) {
    const others = TARGETS.filter((t) => !targets.includes(t)).join(" or ");
    ctx.tell(
      `${ctx.style.warn("no comparison:")} there is no ${others} running; the ${targets.join(", ")} is measured alone. For both: ${fix} --on container,guest`,
    );
  }
  return targets;
}

async function chosenProbes(words: string | undefined, ofLab: readonly string[]): Promise<Probe[]> {
  const { PROBES } = await import("../../probes/index.js");
  const known = PROBES.filter((probe) => ofLab.includes(probe.id));
  if (words === undefined) return known;
  const ids = words.split(",").map((word) => word.trim());
  const unknown = ids.filter((id) => !known.some((probe) => probe.id === id));
  if (unknown.length > 0) {
    throw new UserError(`there is no probe "${unknown.join('", "')}"`, {
      why: `the lab's probes are: ${known.map((p) => p.id).join(", ")}`,
      fix: "name some of these, or add it to probes: in lab.yaml",
      exitCode: ExitCode.usage,
    });
  }
  return known.filter((probe) => ids.includes(probe.id));
}

function wholeNumber(word: string | undefined): number | undefined {
  if (word === undefined) return undefined;
  if (/^\d{1,10}$/.test(word)) return Number(word);
  throw new UserError(`--seed ${word} is no whole number`, {
    why: "the seed of a run is printed with it and gives the same order again",
    fix: "write for example --seed 42",
    exitCode: ExitCode.usage,
  });
}

async function showHistory(args: Args, ctx: Context): Promise<undefined> {
  const { listRuns } = await import("../../report/store.js");
  const lab = text(args, "lab");
  const runs = await listRuns(lab === undefined ? undefined : labName(lab), text(args, "seat"));
  const data = runs.map(({ run, ...stored }) => ({
    ...stored,
    ...(run && {
      startedAt: run.startedAt,
      quick: run.quick,
      partial: run.partial,
      seed: run.seed,
      targets: run.targets,
    }),
  }));
  report(ctx, "history", { runs: data }, () => {
    if (runs.length === 0) return ["No runs yet. Measure with: trilab compare"];
    return columns([
      ["RUN", "TARGETS", "PROBES", ""].map(ctx.style.bold),
      ...runs.map(({ id, run, problem }) => [
        id,
        run?.targets.join(",") ?? "?",
        run ? String(run.probes.length) : "?",
        problem ?? [run?.quick ? "quick" : "", run?.partial ? "partial" : ""].filter(Boolean).join(", "),
      ]),
    ]);
  });
  return undefined;
}
