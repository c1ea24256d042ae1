import { classMeant, classPositional } from "../class-meant.js";
import { defineCommand } from "../define-command.js";
import { gradeOptions, printGrades } from "../print-grades.js";
import { labOf } from "../seat-meant.js";

const { roster: _, labs, ...options } = gradeOptions;

export const classGrades = defineCommand({
  usage: "grades [class]",
  description: "grade every learner of a class, also after class down",
  positionals: classPositional,
  options: { ...options, labs: { ...labs, describe: "a folder with labs; default: the class's own lab" } },
  examples: [["trilab class grades --csv > grades.csv", "a table that Moodle and Canvas import"]],
  handler: async (args, ctx) => {
    const record = await classMeant(args);
    const { seatOf } = await import("../../classes/class-record.js");
    const { workOf } = await import("../../tasks/seat-work.js");
    const works = await Promise.all(record.members.map((member) => workOf(seatOf(record, member))));
    const emails = new Map(record.members.map(({ email, seat }) => [seat, email]));
    return printGrades(works, emails, args, ctx, () => labOf(record));
  },
});
