import { ExitCode, UserError } from "../../base/errors.js";
import { defineCommand, flag, labAndSeatOptions, text } from "../define-command.js";
import { environmentOf, resolveSeat } from "../seats.js";

export const logs = defineCommand({
  usage: "logs <target>",
  description: "the container's log, or what the console of guest or vps printed",
  positionals: { target: { type: "string", describe: "container, guest or vps", demandOption: true } },
  options: {
    ...labAndSeatOptions,
    follow: {
      alias: "f",
      type: "boolean",
      describe: "go on as more is written (guest: its live console, leave with Ctrl-])",
    },
    lines: { alias: "n", type: "string", describe: "only the last so many lines" },
    raw: {
      type: "boolean",
      describe: "with the control characters that the machine wrote, which a terminal obeys",
    },
  },
  handler: async (args) => {
    const wanted = text(args, "lines");
    const lines = wanted === undefined ? undefined : Number(wanted);
    if (lines !== undefined && !(Number.isInteger(lines) && lines > 0)) {
      throw new UserError(`--lines ${wanted} is no number of lines`, {
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
