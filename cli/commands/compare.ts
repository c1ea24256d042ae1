import { ExitCode, UserError } from "../../base/errors.js";
import type { Probe } from "../../probes/probe.js";
import type { RunDocument } from "../../probes/run-document.js";
import { guessFirst } from "../ask-guesses.js";
import { type Context, columns, report } from "../context.js";
import {
  type Args,
  defineCommand,
  flag,
  labAndSeatOptions,
  onlySeatOptions,
  requireOneFormat,
  text,
} from "../define-command.js";
import { labName, labOf, resolveSeat } from "../seat-meant.js";
import { moment } from "../time-left.js";
import { readVersion } from "../version.js";

export const compare = defineCommand({
  usage: "compare",
  description: "measure the targets of a seat side by side, and store the results",
  options: {
    ...labAndSeatOptions,
    quick: { type: "boolean", describe: "fewer runs, for a demonstration; the results are marked as quick" },
    probes: {
      type: "string",
      describe:
        "only these probes, with commas: start,memory,cpu; default: the lab's, but --quick leaves out downtime, host-calls and moving",
    },
    seed: {
      type: "string",
      describe: "seed for the order in which probes run: a whole number; default: random",
    },
    csv: { type: "boolean", describe: "print the samples as CSV" },
    predict: {
      type: "boolean",
      default: true,
      describe: "ask for the learner's guesses first, if there are none; --no-predict measures at once",
    },
  },
  examples: [
    ["trilab compare --quick", "a demonstration"],
    ["trilab compare --probes start,memory", "only start times and memory"],
    ["trilab compare history", "list the stored runs"],
  ],
  handler: measure,
  subcommands: [
    defineCommand({
      usage: "history",
      description: "list the stored runs, newest first",
      options: onlySeatOptions,
      handler: showHistory,
    }),
  ],
});

async function measure(args: Args, ctx: Context): Promise<number> {
  requireOneFormat(args, ctx.json);
  const { loadLab } = await import("../../labs/load-lab.js");
  const { compareTable } = await import("../../report/table.js");
  const { compareSeat } = await import("../../probes/compare-seat.js");
  const { saveRun } = await import("../../report/run-store.js");
  const { toCsv } = await import("../../report/table.js");
  const record = await resolveSeat(text(args, "lab"), text(args, "seat"));
  const lab = await loadLab(await labOf(record));
  const probes = await chosenProbes(text(args, "probes"), lab.probes, flag(args, "quick"));
  const seed = wholeNumber(text(args, "seed"));
  const declined = args.predict === false || ctx.json || flag(args, "csv");
  await guessFirst(record, { required: lab.predict === "required", declined }, ctx);
  const { readPrediction } = await import("../../report/prediction-file.js");
  const { run: measured, interrupted } = await ctx.follow(
    compareSeat(record, {
      spec: { ...lab.machine, disk: record.disk },
      probes,
      seed,
      quick: flag(args, "quick"),
      version: readVersion(),
      signal: ctx.signal,
    }),
  );
  const prediction = await readPrediction(record);
  const run = prediction === undefined ? measured : { ...measured, prediction };
  const path = await saveRun(run);
  if (ctx.json) ctx.print(JSON.stringify(run, null, 2));
  else if (flag(args, "csv")) ctx.print(toCsv(run).trimEnd());
  else for (const line of compareTable(run, ctx.style)) ctx.print(line);
  ctx.tell("");
  const { exitCode, warning } = endOfRun(run, interrupted);
  if (warning) ctx.tell(ctx.style.warn(warning));
  ctx.tell(`run ${run.id}${run.partial ? " (stopped early: partial results)" : ""}: ${path}`);
  if (!run.partial) ctx.tell(`  as a page:  trilab report ${run.id} -o report.html`);
  return exitCode;
}

/** The exit code of a run, and what to tell if it did not end well. Pure. */
export function endOfRun(run: RunDocument, interrupted: boolean): { exitCode: ExitCode; warning?: string } {
  if (run.partial && interrupted) return { exitCode: ExitCode.interrupted };
  if (run.partial)
    return {
      exitCode: ExitCode.failed,
      warning:
        "the host is too busy or too slow to measure everything, so compare stopped early; choose fewer probes (--probes start,memory)",
    };
  const measured = run.probes.some(
    ({ facts, series }) => facts.length > 0 || series.some(({ samples }) => samples.length > 0),
  );
  return measured
    ? { exitCode: ExitCode.done }
    : { exitCode: ExitCode.failed, warning: "nothing was measured; the reasons are above" };
}

/** The named probes; without names the lab's, but in a quick run without the slow ones. */
async function chosenProbes(
  words: string | undefined,
  ofLab: readonly string[],
  quick: boolean,
): Promise<Probe[]> {
  const { PROBES } = await import("../../probes/index.js");
  const known = PROBES.filter((probe) => ofLab.includes(probe.id));
  if (words === undefined) return known.filter((probe) => !(quick && probe.slow));
  const ids = words.split(",").map((word) => word.trim());
  const unknown = ids.filter((id) => !known.some((probe) => probe.id === id));
  if (unknown.length > 0) {
    throw new UserError(`there is no probe "${unknown.join('", "')}"`, {
      why: `the lab's probes are: ${known.map((p) => p.id).join(", ")}`,
      fix: "choose from these, or add it to probes: in lab.yaml",
      exitCode: ExitCode.usage,
    });
  }
  return known.filter((probe) => ids.includes(probe.id));
}

function wholeNumber(word: string | undefined): number | undefined {
  if (word === undefined) return undefined;
  if (/^\d{1,10}$/.test(word)) return Number(word);
  throw new UserError(`--seed ${word} is not a whole number`, {
    why: "the seed is printed with each run; the same seed gives the same order again",
    fix: "for example: --seed 42",
    exitCode: ExitCode.usage,
  });
}

async function showHistory(args: Args, ctx: Context): Promise<undefined> {
  const { listRuns } = await import("../../report/run-store.js");
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
      ["RUN", "STARTED", "TARGETS", "PROBES", ""].map(ctx.style.bold),
      ...runs.map(({ id, run, problem }) => [
        id,
        run ? moment(run.startedAt) : "?",
        run?.targets.join(",") ?? "?",
        run ? String(run.probes.length) : "?",
        problem ?? [run?.quick ? "quick" : "", run?.partial ? "partial" : ""].filter(Boolean).join(", "),
      ]),
    ]);
  });
  return undefined;
}
