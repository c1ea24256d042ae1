import { ExitCode, UserError } from "../../base/errors.js";
import { defineCommand } from "../define-command.js";
import { explain } from "../explain.js";
import { emailsOf, gradeOptions, printGrades, type Source } from "../print-grades.js";

export const grade = defineCommand({
  usage: "grade <files..>",
  description:
    "grade what learners handed in: answers are judged again here, and what looks copied or edited is named",
  positionals: {
    files: { type: "string", array: true, describe: "files of trilab submit", demandOption: true },
  },
  options: gradeOptions,
  examples: [["trilab grade *.submission.json --csv > grades.csv", "a table for Moodle or Canvas"]],
  handler: async (args, ctx) => {
    const { readSubmission } = await import("../../tasks/submission.js");
    const files = Array.isArray(args.files) ? args.files.map(String) : [];
    const works: Source[] = [];
    let unreadable: number = ExitCode.done;
    for (const file of files) {
      try {
        works.push({ ...(await readSubmission(file)), file });
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        unreadable = explain(error, ctx);
      }
    }
    refuseTwice(works);
    const graded =
      works.length > 0 ? await printGrades(works, await emailsOf(args), args, ctx) : ExitCode.done;
    return unreadable === ExitCode.done ? graded : unreadable;
  },
});

/** @throws UserError (exit 2) when two files are of one seat: a learner has one grade in a lab. */
function refuseTwice(works: readonly Source[]): void {
  for (const [i, { file, lab, seat }] of works.entries()) {
    const earlier = works.slice(0, i).find((work) => work.lab === lab && work.seat === seat);
    if (earlier === undefined) continue;
    throw new UserError(`two files are of seat "${seat}" of lab "${lab}"`, {
      why: `a learner has one grade in a lab; these are ${earlier.file} and ${file}`,
      fix: "give only the one that counts",
      exitCode: ExitCode.usage,
    });
  }
}
