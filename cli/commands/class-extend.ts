import { classMeant, classPositional } from "../class-meant.js";
import { report } from "../context.js";
import { defineCommand, text } from "../define-command.js";
import { lifetime } from "../duration.js";

export const classExtend = defineCommand({
  usage: "extend <duration> [class]",
  description: "give all seats of a class more time",
  positionals: {
    duration: {
      type: "string",
      demandOption: true,
      describe:
        "how much time to add to each seat's end (or from now, if its end has passed): 1h, 1h30m; none: no end",
    },
    ...classPositional,
  },
  handler: async (args, ctx) => {
    const seconds = lifetime("the duration", text(args, "duration") ?? "");
    const record = await classMeant(args);
    const { eachSeat, exitCodeOf, problemOf } = await import("../../classes/each-seat.js");
    const { extend } = await import("../../seats/extend.js");
    const { expiryInForce } = await import("../../seats/lifetime.js");
    const { settled } = await import("../../model/events.js");
    const ends = await ctx.follow(
      eachSeat(
        record,
        "moving the end",
        async (seat) => expiryInForce(await settled(extend(seat, seconds, undefined))),
        {
          signal: ctx.signal,
        },
      ),
    );
    const rows = ends.map(({ end, member: { seat } }) => ({
      seat,
      ...(end.state === "done" ? { expires: end.result } : {}),
      problem: problemOf(end),
    }));
    const failed = rows.filter(({ problem }) => problem !== undefined);
    report(ctx, "class-extend", { class: record.name, seats: rows }, () => [
      ...failed.map(({ problem, seat }) => ctx.style.bad(`${seat}: ${problem}`)),
      `${rows.length - failed.length} of ${rows.length} seats have more time. See: trilab class status`,
    ]);
    return exitCodeOf(ends);
  },
});
