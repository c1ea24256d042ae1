import { parseTargets } from "../../labs/targets.js";
import type { TargetAnswer } from "../../seats/run.js";
import { classMeant, classPositional } from "../class-meant.js";
import { type Context, columns, report } from "../context.js";
import { type Args, commandAfter, defineCommand, flag, text } from "../define-command.js";
import { runningEnvironmentOf } from "../seat-meant.js";

export const classRun = defineCommand({
  usage: "run [class]",
  description: "run one command, given after --, in every target of every seat",
  takesRest: true,
  positionals: classPositional,
  options: {
    on: { type: "string", describe: "targets, with commas: container,guest,vps; default: all of each seat" },
    root: { type: "boolean", describe: "run it as root" },
  },
  examples: [["trilab class run --on container -- uptime", "a line for each learner"]],
  handler: runCommand,
});

async function runCommand(args: Args, ctx: Context): Promise<number> {
  const [command, root, on] = [commandAfter(args, "class run"), flag(args, "root"), text(args, "on")];
  const wanted = on === undefined ? undefined : parseTargets(on);
  const record = await classMeant(args);
  const { eachSeat, exitCodeOf, problemOf } = await import("../../classes/each-seat.js");
  const { runEverywhere } = await import("../../seats/run.js");
  const { targetsOf } = await import("../../seats/seat-record.js");
  const { settled } = await import("../../model/events.js");
  const ends = await ctx.follow(
    eachSeat(
      record,
      "running the command",
      async (seat): Promise<TargetAnswer[]> => {
        const targets = targetsOf(seat).filter((target) => wanted === undefined || wanted.includes(target));
        const environments = await Promise.all(targets.map((target) => runningEnvironmentOf(seat, target)));
        return settled(runEverywhere(seat, environments, { command, root, signal: ctx.signal }));
      },
      { signal: ctx.signal },
    ),
  );
  const rows = ends.map(({ end, member }) => ({
    ...{ seat: member.seat, name: member.name },
    answers: end.state === "done" ? end.result : [],
    ...(end.state === "done" ? {} : { problem: problemOf(end) }),
  }));
  const failed = rows.flatMap(({ answers }) => answers).find((answer) => answer.exitCode !== 0);
  const exitCode = failed?.exitCode ?? exitCodeOf(ends);
  report(ctx, "class-run", { class: record.name, command, root, seats: rows, exitCode }, () =>
    columns([
      ["SEAT", "TARGET", "EXIT", "ANSWER"].map(ctx.style.bold),
      ...rows.flatMap(({ answers, problem, seat }) =>
        problem === undefined
          ? answers.flatMap((answer) => answerRows(seat, answer, ctx))
          : [[seat, "", "", ctx.style.bad(problem)]],
      ),
    ]),
  );
  return exitCode;
}

/** A row for each line that a target printed; the first one names it. */
function answerRows(
  seat: string,
  { exitCode, stderr, stdout, target }: TargetAnswer,
  { style }: Context,
): string[][] {
  const lines = [stdout, stderr].flatMap((text) => (text.trimEnd() === "" ? [] : text.trimEnd().split("\n")));
  const exit = exitCode === 0 ? style.good("0") : style.bad(String(exitCode));
  return [[seat, target, exit, lines[0] ?? ""], ...lines.slice(1).map((line) => ["", "", "", line])];
}
