import { defineCommand, flag, labAndSeatOptions, text } from "../define-command.js";
import { duration } from "../duration.js";
import { switchPower, targetOrAll } from "../power.js";

/** How long a machine may take to end by itself. */
const DEFAULT_WAIT = "2m";

export const stop = defineCommand({
  usage: "stop [target]",
  description: "shut targets down, and keep their disks, addresses and end",
  positionals: targetOrAll,
  options: {
    ...labAndSeatOptions,
    wait: {
      type: "string",
      default: DEFAULT_WAIT,
      describe: "how long a target may take to shut down by itself before it is switched off",
    },
    force: {
      type: "boolean",
      describe: "switch it off at once: what it has not written to its disk is lost",
    },
  },
  examples: [
    ["trilab stop", "all targets of your seat"],
    ["trilab stop guest --force", "as if its plug was pulled"],
  ],
  handler: (args, ctx) =>
    switchPower("stop", args, ctx, {
      stop: {
        force: flag(args, "force"),
        graceMs: duration("--wait", text(args, "wait") ?? DEFAULT_WAIT) * 1000,
      },
    }),
});
