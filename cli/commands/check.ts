import { setTimeout as sleep } from "node:timers/promises";
import { ExitCode } from "../../base/errors.js";
import { type Context, report } from "../context.js";
import { type Args, defineCommand, flag, labAndSeatOptions, text } from "../define-command.js";
import { type LabSession, labSession, taskNamed } from "../lab-session.js";

/** Seconds between two looks of --watch. */
const PAUSE = 5;

export const check = defineCommand({
  usage: "check [task]",
  description: "look at what you did in the lab's tasks, and count the points",
  positionals: { task: { type: "string", describe: "one task; default: all" } },
  options: {
    ...labAndSeatOptions,
    watch: {
      type: "boolean",
      conflicts: "json",
      describe: `look again every ${PAUSE} seconds, until all is met or Ctrl-C; not with --json`,
    },
  },
  examples: [
    ["trilab check", "every task that is not met yet"],
    ["trilab check pushed", "only this task"],
  ],
  handler: checkTasks,
});

async function checkTasks(args: Args, ctx: Context): Promise<number> {
  const session = await labSession(args);
  const id = text(args, "task");
  if (id !== undefined) await taskNamed(session, id);
  for (;;) {
    const verdict = await once(session, id, ctx);
    if (!flag(args, "watch") || verdict === ExitCode.done || ctx.signal.aborted) return verdict;
    await sleep(PAUSE * 1000, undefined, { signal: ctx.signal }).catch(() => {});
    if (ctx.signal.aborted) return verdict;
  }
}

async function once({ lab, record }: LabSession, id: string | undefined, ctx: Context): Promise<number> {
  const { checkSeat } = await import("../../tasks/check.js");
  const { valuesOf } = await import("../../tasks/script-options.js");
  const { verdictOf } = await import("../../tasks/score.js");
  const { scoreLines } = await import("../score-lines.js");
  const only = id === undefined ? {} : { only: [id] };
  const { broken, score, setUp } = await ctx.follow(checkSeat(record, lab, { ...only, signal: ctx.signal }));
  const shown = id === undefined ? score : { ...score, tasks: score.tasks.filter((task) => task.id === id) };
  const verdict = verdictOf(shown);
  const data = { lab: record.lab, seat: record.seat, ...score, verdict, broken, setUp };
  const values = await valuesOf(lab, record.seat);
  report(ctx, "check", data, () => [
    ctx.style.bold(`lab ${record.lab} · seat ${record.seat}`),
    ...scoreLines(shown, values, ctx.style),
    ...(broken.length > 0
      ? [
          ctx.style.warn(
            `the record of your attempts was edited or damaged (line ${broken.join(", ")}); it is kept as it is`,
          ),
        ]
      : []),
  ]);
  if (verdict === "met") return ExitCode.done;
  return verdict === "could-not-look" ? ExitCode.couldNotLook : ExitCode.checksNotPassed;
}
