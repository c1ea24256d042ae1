import { type Args, text } from "./define-command.js";
import { duration } from "./duration.js";

/** How long a command waits for a guest to answer SSH: emulated guests on a busy host are slow. */
const DEFAULT_WAIT = "5m";

export const waitOption = {
  wait: { type: "string", default: DEFAULT_WAIT, describe: "how long to wait for a guest to answer SSH" },
} as const;

/** The value of {@link waitOption}, in milliseconds. @throws UserError (exit 2) for what is no duration. */
export const answerWait = (args: Args): number =>
  duration("--wait", text(args, "wait") ?? DEFAULT_WAIT) * 1000;
