import { ExitCode } from "../../base/errors.js";
import { parseTargets } from "../../labs/targets.js";
import { TARGETS } from "../../model/naming.js";
import { answerLines } from "../compare-answers.js";
import { type Context, report } from "../context.js";
import { type Args, commandAfter, defineCommand, flag, labAndSeatOptions, text } from "../define-command.js";
import { resolveSeat, runningEnvironmentOf } from "../seat-meant.js";

export const run = defineCommand({
  usage: "run",
  description:
    "run one command, given after --, in every target at once, and mark what differs between the answers; ends with the exit code of the first target in which it failed",
  takesRest: true,
  options: {
    ...labAndSeatOptions,
    on: { type: "string", describe: "targets, with commas: container,guest,vps; default: all of the seat's" },
    root: { type: "boolean", describe: "run it as root" },
  },
  examples: [
    ["trilab run -- uname -a", "one command: a program and its arguments, passed on unchanged"],
    ["trilab run -- 'ps aux | wc -l'", "one word: a line for the shell in each machine, as with ssh"],
    ["trilab run --on container,guest --root -- apt-get install -y tree", "as root, in two of three targets"],
  ],
  handler: runCommand,
});

async function runCommand(args: Args, ctx: Context): Promise<number> {
  const [command, root, on] = [commandAfter(args, "run"), flag(args, "root"), text(args, "on")];
  const wanted = on === undefined ? undefined : parseTargets(on);
  const record = await resolveSeat(text(args, "lab"), text(args, "seat"));
  const { targetsOf } = await import("../../seats/seat-record.js");
  const chosen = wanted ?? targetsOf(record);
  const targets = TARGETS.filter((target) => chosen.includes(target));
  const environments = await Promise.all(targets.map((target) => runningEnvironmentOf(record, target)));
  const { runEverywhere } = await import("../../seats/run.js");
  const { lab, seat } = record;
  const answers = await ctx.follow(
    runEverywhere({ lab, seat }, environments, { command, root, signal: ctx.signal }),
  );
  const exitCode = answers.find((answer) => answer.exitCode !== 0)?.exitCode ?? ExitCode.done;
  report(ctx, "run", { lab, seat, command, root, answers, exitCode }, () =>
    answerLines(answers, ctx.style, ctx.screen),
  );
  return exitCode;
}
