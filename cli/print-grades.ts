import { resolve } from "node:path";
import { ExitCode, UserError } from "../base/errors.js";
import type { Grade, Work } from "../tasks/grade.js";
import type { Emails } from "../tasks/grade-book.js";
import { type Context, columns, report } from "./context.js";
import { type Args, flag, text } from "./define-command.js";

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

/**
 * Grades the works, and prints them as a table, CSV or JSON.
 *
 * @param folderOf A lab's name or folder, by its name, unless --labs says where it is. Default: the registered lab.
 */
export async function printGrades(
  works: readonly Work[],
  emails: Emails,
  args: Args,
  ctx: Context,
  folderOf: (lab: string) => Promise<string> = async (lab) => lab,
): Promise<undefined> {
  if (flag(args, "csv") && ctx.json)
    throw new UserError("--csv and --json can't be used together", {
      why: "both write to standard output",
      fix: "choose one of them",
      exitCode: ExitCode.usage,
    });
  const { loadLab } = await import("../labs/load-lab.js");
  const { labDigest } = await import("../labs/lab-scripts.js");
  const { owner } = await import("../seats/seat-record.js");
  const { flagShared, gradeOf } = await import("../tasks/grade.js");
  const { gradesCsv, gradesLti } = await import("../tasks/grade-book.js");
  const folder = text(args, "labs");
  const labs = new Map(
    await Promise.all(
      [...new Set(works.map(({ lab }) => lab))].map(async (name) => {
        const lab = await loadLab(folder === undefined ? await folderOf(name) : resolve(folder, name));
        return [name, { ...lab, digest: await labDigest(lab.dir) }] as const;
      }),
    ),
  );
  const graded = works.flatMap((work) => {
    const lab = labs.get(work.lab);
    return lab ? [gradeOf(work, lab, owner())] : [];
  });
  const grades = flagShared(graded, works);
  if (flag(args, "csv")) {
    ctx.print(gradesCsv(grades, emails).trimEnd());
    return undefined;
  }
  report(ctx, "grades", { grades: gradesLti(grades, emails, new Date().toISOString()) }, () => [
    ...columns([["LAB", "SEAT", "POINTS", "MET", "OPEN", "REMARKS"].map(ctx.style.bold), ...grades.map(row)]),
  ]);
  return undefined;
}

function row({ flags, lab, score, seat }: Grade): string[] {
  const count = (...standings: string[]): number =>
    score.tasks.filter((task) => standings.includes(task.standing)).length;
  const left = score.tasks.length - count("met");
  return [lab, seat, `${score.points}/${score.max}`, String(count("met")), String(left), flags.join("; ")];
}
