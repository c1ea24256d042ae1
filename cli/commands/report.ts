import { mkdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { ExitCode, messageOf, UserError } from "../../base/errors.js";
import { readUserFile } from "../../base/files.js";
import type { RunDocument } from "../../probes/run-document.js";
import { type Context, report as print } from "../context.js";
import { type Args, defineCommand, labAndSeatOptions, text } from "../define-command.js";
import { defaultSeat, labName } from "../seat-meant.js";

/** The values of `-o` that mean standard output. */
const STANDARD_OUTPUT = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];

export const report = defineCommand({
  usage: "report [run..]",
  description: "make one HTML page of what compare measured: conclusions, plots, and every sample",
  positionals: {
    run: {
      type: "string",
      array: true,
      describe: "runs, by id or by file; several are shown in the same plots; default: the seat's newest",
    },
  },
  options: {
    ...labAndSeatOptions,
    output: {
      alias: "o",
      type: "string",
      requiresArg: true,
      describe: "the file to write; - for standard output; default: trilab-<run>.html in the current folder",
    },
  },
  examples: [
    ["trilab report -o report.html", "the newest run of your seat"],
    ["trilab report 2026-11-21T03 ./alice.json -o both.html", "two runs in the same plots"],
  ],
  handler: makeReport,
});

async function makeReport(args: Args, ctx: Context): Promise<undefined> {
  const runs = await chosenRuns(args);
  const { makePage } = await import("../../report/page.js");
  const { guessedLate } = await import("../../report/run-store.js");
  const { solvedIn } = await import("../../tasks/solved.js");
  const late = await Promise.all(runs.map(async (run) => ((await guessedLate(run)) ? [run.id] : [])));
  const solved = await Promise.all(runs.map(solvedIn));
  const page = await makePage(runs, { late: new Set(late.flat()), solved: new Map(solved.flat()) });
  const wanted = text(args, "output");
  if (wanted !== undefined && STANDARD_OUTPUT.includes(wanted)) {
    if (ctx.json) {
      throw new UserError(`--json and -o ${wanted} both write to standard output`, {
        fix: "give -o a file name, or leave --json out",
        exitCode: ExitCode.usage,
      });
    }
    ctx.print(page.trimEnd());
    return undefined;
  }
  const file = resolve(
    wanted ??
      `trilab-${runs
        .map((r) => r.id)
        .join("+")
        .slice(0, 120)}.html`,
  );
  await writePage(file, page);
  const bytes = Buffer.byteLength(page);
  print(ctx, "report", { file, bytes, runs: runs.map((r) => r.id) }, () => [
    `${ctx.style.bold(file)} ${ctx.style.dim(`(${Math.round(bytes / 1024)} KiB, ${runs.length === 1 ? "run" : "runs"} ${runs.map((r) => r.id).join(", ")})`)}`,
  ]);
  return undefined;
}

/** The runs given, once each, in that order; else the newest run of the seat, even if the seat is down. */
async function chosenRuns(args: Args): Promise<RunDocument[]> {
  const { findRun, newestRun } = await import("../../report/run-store.js");
  const named = Array.isArray(args.run) ? args.run.map(String) : [];
  const runs: RunDocument[] = [];
  for (const word of named) runs.push(await findRun(word));
  if (runs.length > 0)
    return [...new Map(runs.map((run) => [`${run.lab}/${run.seat}/${run.id}`, run])).values()];
  return [await newestRun(await seatMeant(text(args, "lab"), text(args, "seat")))];
}

/** Chooses among the seats that have runs, because runs outlive their seats. */
async function seatMeant(lab: string | undefined, seat: string | undefined) {
  const { seatsWithRuns } = await import("../../report/run-store.js");
  const seats = await seatsWithRuns(lab === undefined ? undefined : labName(lab), seat);
  const own = seats.filter((s) => s.seat === defaultSeat());
  const [only, second] = seats.length > 1 && own.length === 1 ? own : seats;
  if (only === undefined) {
    const whose = [seat && `seat "${seat}"`, lab && `lab "${labName(lab)}"`].filter(Boolean).join(" of ");
    throw new UserError(`there is no run${whose ? ` of ${whose}` : ""}`, {
      why: "nothing has been measured yet",
      fix: "measure first: trilab compare; or give a run's file: trilab report ./run.json",
      exitCode: ExitCode.notFound,
    });
  }
  if (second !== undefined) {
    throw new UserError("several seats have runs", {
      why: seats.map((s) => `lab ${s.lab}, seat ${s.seat}`).join("\n"),
      fix: "choose one: --lab LAB --seat SEAT; or give the runs: trilab report RUN…",
      exitCode: ExitCode.usage,
    });
  }
  return only;
}

/** Writes the page atomically, and overwrites only pages of trilab. */
async function writePage(file: string, page: string): Promise<void> {
  const { GENERATOR } = await import("../../report/page.js");
  try {
    // Refuses anything but a regular file: the page is renamed over it, which would replace a device.
    const there = await readUserFile(file, "the page's file");
    if (there && !there.includes(`<meta name="generator" content="${GENERATOR}">`)) {
      throw new UserError(`${file} exists and is not a trilab report`, {
        why: "only an older report may be overwritten",
        fix: "give -o another file name, or move that file away",
        exitCode: ExitCode.usage,
      });
    }
    await mkdir(dirname(file), { recursive: true });
    const { default: writeFileAtomic } = await import("write-file-atomic");
    await writeFileAtomic(file, page, { mode: 0o644 });
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`the page can't be written to ${file}`, {
      why: messageOf(error),
      fix: "give -o a file in a folder in which you may write",
      cause: error,
    });
  }
}
