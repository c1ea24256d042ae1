import { agreeToLose } from "../agree-to-lose.js";
import { classMeant, classPositional } from "../class-meant.js";
import { report } from "../context.js";
import { defineCommand, flag } from "../define-command.js";
import { answerWait, waitOption } from "../wait.js";

export const classReset = defineCommand({
  usage: "reset [class]",
  description:
    "reset all machines of a class to their state after their first start, for the next group: what was done in them is lost",
  positionals: classPositional,
  options: {
    ...waitOption,
    yes: { alias: "y", type: "boolean", describe: "don't ask" },
  },
  handler: async (args, ctx) => {
    const [record, waitMs] = [await classMeant(args), answerWait(args)];
    const lost = `This resets all machines of class ${record.name} to their state after their first start. What ${record.members.length} learners did in them is lost.`;
    if (!flag(args, "yes")) await agreeToLose(ctx, lost);
    const { eachSeat, exitCodeOf, problemOf } = await import("../../classes/each-seat.js");
    const { replaceableMachines } = await import("../../seats/replaceable.js");
    const { reset } = await import("../../seats/reset-or-restore.js");
    const { settled } = await import("../../model/events.js");
    const ends = await ctx.follow(
      eachSeat(
        record,
        "resetting the machines",
        (seat) => {
          const targets = replaceableMachines(seat, undefined).map(({ target }) => target);
          return settled(reset(seat, targets, { waitMs, signal: ctx.signal }));
        },
        { signal: ctx.signal },
      ),
    );
    const rows = ends.map(({ end, member: { seat } }) => ({
      seat,
      ...(end.state === "done" ? { machines: end.result } : {}),
      problem: problemOf(end),
    }));
    const failed = rows.filter(({ problem }) => problem !== undefined);
    report(ctx, "class-reset", { class: record.name, seats: rows }, () => [
      ...failed.map(({ problem, seat }) => ctx.style.bad(`${seat}: ${problem}`)),
      `${rows.length - failed.length} of ${rows.length} seats are as after their first start.`,
    ]);
    return exitCodeOf(ends);
  },
});
