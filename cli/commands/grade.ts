import { ExitCode, UserError } from "../../base/errors.js";
import { defineCommand } from "../define-command.js";
import { emailsOf, gradeOptions, printGrades } from "../print-grades.js";

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
    const works = await Promise.all(files.map(readSubmission));
    const twice = works.find(
      (work, i) => works.findIndex((w) => w.lab === work.lab && w.seat === work.seat) < i,
    );
    if (twice) {
      throw new UserError(`two files are of seat "${twice.seat}" of lab "${twice.lab}"`, {
        why: "a learner has one grade in a lab",
        fix: "give only the one that counts",
        exitCode: ExitCode.usage,
      });
    }
    return printGrades(works, await emailsOf(args), args, ctx);
  },
});
