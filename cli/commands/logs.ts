import { ExitCode, UserError } from "../../base/errors.js";
import { defineCommand, flag, labAndSeatOptions, text } from "../define-command.js";
import { environmentOf, resolveSeat } from "../seats.js";

export const logs = defineCommand({
  usage: "logs <target>",
  description: "print the container's log, or the console output of a guest or a local vps",
  positionals: { target: { type: "string", describe: "container, guest or vps", demandOption: true } },
  options: {
    ...labAndSeatOptions,
    follow: {
      alias: "f",
      type: "boolean",
      describe: "keep printing new lines (guest: its live console, leave with Ctrl-])",
    },
    lines: { alias: "n", type: "string", describe: "how many lines to print, from the end" },
    raw: {
      type: "boolean",
      describe: "keep the machine's control characters, which can change the terminal's state",
    },
  },
  handler: async (args) => {
    const wanted = text(args, "lines");
    const lines = wanted === undefined ? undefined : Number(wanted);
    if (lines !== undefined && !(Number.isInteger(lines) && lines > 0)) {
      throw new UserError(`--lines ${wanted} is not a number of lines`, {
        fix: "write a whole number: -n 20",
        exitCode: ExitCode.usage,
      });
    }
    const record = await resolveSeat(text(args, "lab"), text(args, "seat"));
    const environment = await environmentOf(record, text(args, "target") ?? "");
    return environment.logs({
      follow: flag(args, "follow"),
      raw: flag(args, "raw"),
      ...(lines === undefined ? {} : { lines }),
    });
  },
});
