import { defineCommand, flag, labAndSeatOptions } from "../define-command.js";
import { switchPower, targetOrAll } from "../power.js";
import { answerWait, waitOption } from "../wait.js";

export const restart = defineCommand({
  usage: "restart [target]",
  description: "shut targets down, start them again, and wait until they answer",
  positionals: targetOrAll,
  options: {
    ...labAndSeatOptions,
    ...waitOption,
    force: {
      type: "boolean",
      describe:
        "switch it off at once, instead of shutting it down: what it has not written to its disk is lost",
    },
  },
  examples: [["trilab restart guest", "the guest boots anew"]],
  handler: (args, ctx) =>
    switchPower("restart", args, ctx, {
      stop: { force: flag(args, "force") },
      start: { waitMs: answerWait(args) },
    }),
});
