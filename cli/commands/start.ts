import { defineCommand, labAndSeatOptions } from "../define-command.js";
import { switchPower, targetOrAll } from "../power.js";
import { answerWait, waitOption } from "../wait.js";

export const start = defineCommand({
  usage: "start [target]",
  description: "start targets that are stopped, and wait until they answer",
  positionals: targetOrAll,
  options: { ...labAndSeatOptions, ...waitOption },
  examples: [
    ["trilab start", "all targets of your seat"],
    ["trilab start guest --seat alice", "alice's guest"],
  ],
  handler: (args, ctx) => switchPower("start", args, ctx, { start: { waitMs: answerWait(args) } }),
});
