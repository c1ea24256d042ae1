import { ExitCode, UserError } from "../../base/errors.js";
import { defineCommand, text } from "../define-command.js";
import { emailsOf, gradeOptions, printGrades } from "../print-grades.js";
import { labName } from "../seat-meant.js";

export const grades = defineCommand({
  usage: "grades [lab]",
  description: "grade every seat that was worked in here, up or not",
  positionals: { lab: { type: "string", describe: "only this lab" } },
  options: gradeOptions,
  examples: [["trilab grades --csv --roster roster.csv > grades.csv", "with each learner's e-mail address"]],
  handler: async (args, ctx) => {
    const { workOf, workedIn } = await import("../../tasks/seat-work.js");
    const lab = text(args, "lab");
    const seats = await workedIn(lab === undefined ? undefined : labName(lab));
    if (seats.length === 0) {
      throw new UserError(
        lab === undefined ? "nobody has worked in a lab here" : `nobody has worked in lab "${lab}" here`,
        {
          why: "there is no record of attempts",
          fix: "look at a seat's tasks first: trilab check",
          exitCode: ExitCode.notFound,
        },
      );
    }
    return printGrades(await Promise.all(seats.map(workOf)), await emailsOf(args), args, ctx);
  },
});
