import { budgetOf, budgetOption } from "../budget-option.js";
import { type Context, report } from "../context.js";
import { type Args, defineCommand, labAndSeatOptions, text } from "../define-command.js";
import { lifetime } from "../duration.js";
import { resolveSeat } from "../seat-meant.js";
import { moment } from "../time-left.js";

export const extend = defineCommand({
  usage: "extend [duration]",
  description: "give a seat more time",
  positionals: {
    duration: {
      type: "string",
      default: "1h",
      describe:
        "how much time to add to its end (or from now, if its end has passed): 1h, 1h30m; none: no end",
    },
  },
  options: { ...labAndSeatOptions, ...budgetOption },
  examples: [
    ["trilab extend 1h", "your seat lives an hour longer"],
    ["trilab extend none --seat alice", "alice's seat lives until it is taken down"],
    ["trilab extend 5h --budget 3", "with a new budget for what it rents"],
  ],
  handler: giveTime,
});

async function giveTime(args: Args, ctx: Context): Promise<undefined> {
  const seconds = lifetime("the duration", text(args, "duration") ?? "1h");
  const budget = budgetOf(args);
  const seatMeant = await resolveSeat(text(args, "lab"), text(args, "seat"));
  const { extend: extendSeat } = await import("../../seats/extend.js");
  const { targetsOf } = await import("../../seats/seat-record.js");
  const { expiryInForce } = await import("../../seats/lifetime.js");
  const record = await ctx.follow(extendSeat(seatMeant, seconds, budget));
  const { lab, seat } = record;
  const expires = expiryInForce(record);
  report(ctx, "extend", { lab, seat, targets: targetsOf(record), expires }, () => [
    expires === "never"
      ? `Seat ${seat} of lab ${lab} has no end now: it stays until trilab down.`
      : `Seat ${seat} of lab ${lab} ends at ${moment(expires)}.`,
  ]);
  return undefined;
}
