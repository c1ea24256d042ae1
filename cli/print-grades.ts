import { resolve } from "node:path";
import { ExitCode, UserError } from "../base/errors.js";
import type { Lab } from "../labs/load-lab.js";
import type { Emails } from "../tasks/export-grades.js";
import type { Grade, Work } from "../tasks/grade.js";
import { type Context, columns, report } from "./context.js";
import { type Args, flag, requireOneFormat, text } from "./define-command.js";
import { explain } from "./explain.js";

export const gradeOptions = {
  csv: { type: "boolean", describe: "a table for Moodle or Canvas: a row for each learner" },
  roster: {
    type: "string",
    describe: "the list of learners, for their e-mail addresses: see docs/classes.md",
  },
  labs: { type: "string", describe: "a folder with the labs; default: the registered ones" },
} as const;

/** The e-mail addresses of the learners in --roster, by seat. */
export async function emailsOf(args: Args): Promise<Emails> {
  const file = text(args, "roster");
  if (file === undefined) return new Map();
  const { readRoster } = await import("../classes/roster.js");
  return new Map((await readRoster(file)).map(({ email, seat }) => [seat, email]));
}

/** Work to grade, and the file that it came from; absent: it is of this state directory. */
export type Source = Work & { file?: string };

/**
 * Grades the works, and prints them as a table, CSV or JSON. Work in a lab that can't be loaded is left out, and named.
 *
 * @param folderOf A lab's name or folder, by its name, unless --labs says where it is. Default: the registered lab.
 * @returns the exit code.
 */
export async function printGrades(
  works: readonly Source[],
  emails: Emails,
  args: Args,
  ctx: Context,
  folderOf: (lab: string) => Promise<string> = async (lab) => lab,
): Promise<number> {
  requireOneFormat(args, ctx.json);
  const { owner } = await import("../seats/seat-record.js");
  const { flagShared, gradeOf } = await import("../tasks/grade.js");
  const { gradesCsv, gradesLti } = await import("../tasks/export-grades.js");
  const folder = text(args, "labs");
  const { exitCode, labs } = await labsOf(
    works,
    folder === undefined ? folderOf : async (name) => resolve(folder, name),
    ctx,
  );
  const gradable = works.filter(({ lab }) => labs.has(lab));
  if (gradable.length === 0) return exitCode;
  const graded = gradable.flatMap((work) => {
    const lab = labs.get(work.lab);
    return lab ? [gradeOf(work, lab, owner())] : [];
  });
  const grades = flagShared(graded, gradable);
  if (flag(args, "csv")) {
    ctx.print(gradesCsv(grades, emails).trimEnd());
    return exitCode;
  }
  report(ctx, "grades", { grades: gradesLti(grades, emails, new Date().toISOString()) }, () => [
    ...columns([["LAB", "SEAT", "POINTS", "MET", "OPEN", "REMARKS"].map(ctx.style.bold), ...grades.map(row)]),
  ]);
  return exitCode;
}

/** The labs of the works, by name. One that can't be loaded is explained with the files that name it. */
async function labsOf(
  works: readonly Source[],
  folderOf: (lab: string) => Promise<string>,
  ctx: Context,
): Promise<{ exitCode: number; labs: Map<string, Lab & { digest: string }> }> {
  const { loadLab } = await import("../labs/load-lab.js");
  const { labDigest } = await import("../labs/lab-scripts.js");
  const labs = new Map<string, Lab & { digest: string }>();
  let exitCode: number = ExitCode.done;
  for (const name of new Set(works.map(({ lab }) => lab))) {
    try {
      const lab = await loadLab(await folderOf(name));
      labs.set(name, { ...lab, digest: await labDigest(lab.dir) });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const files = works.flatMap(({ file, lab }) => (lab === name && file !== undefined ? [file] : []));
      const what = files.length > 0 ? `${files.join(", ")}: ${error.message}` : error.message;
      const { exitCode: code, fix = "", why = "" } = error;
      exitCode = explain(new UserError(what, { why, fix, exitCode: code, cause: error }), ctx);
    }
  }
  return { exitCode, labs };
}

function row({ flags, lab, score, seat }: Grade): string[] {
  const count = (...standings: string[]): number =>
    score.tasks.filter((task) => standings.includes(task.standing)).length;
  const left = score.tasks.length - count("met");
  return [lab, seat, `${score.points}/${score.max}`, String(count("met")), String(left), flags.join("; ")];
}
