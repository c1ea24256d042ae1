import { defineCommand, flag, labAndSeatOptions, text } from "../define-command.js";
import { numberOption } from "../number-option.js";
import { environmentOf, resolveSeat } from "../seat-meant.js";

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
    const lines = numberOption(args, "lines", {
      ...{ least: 1, most: 1_000_000, whole: true },
      ...{ what: "a number of lines", example: "20" },
    });
    const record = await resolveSeat(text(args, "lab"), text(args, "seat"));
    const environment = await environmentOf(record, text(args, "target") ?? "");
    return environment.logs({
      follow: flag(args, "follow"),
      raw: flag(args, "raw"),
      ...(lines === undefined ? {} : { lines }),
    });
  },
});
