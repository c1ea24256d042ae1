import { messageOf, UserError } from "../../base/errors.js";
import type { Target } from "../../model/naming.js";
import { formatDuration } from "../../model/units.js";
import type { SeatRecord } from "../../seats/seat-record.js";
import { budgetOf, budgetOption, keepTo } from "../budget.js";
import { type Context, report } from "../context.js";
import { type Args, defineCommand, labAndSeatOptions, text } from "../define-command.js";
import { lifetime } from "../duration.js";
import { resolveSeat } from "../seats.js";

export const extend = defineCommand({
  usage: "extend [duration]",
  description: "give a seat more time, in each of its machines",
  positionals: {
    duration: {
      type: "string",
      default: "1h",
      describe: "by how much its end is moved on (if that is past: from now): 1h, 1h30m, none for no end",
    },
  },
  options: { ...labAndSeatOptions, ...budgetOption },
  examples: [
    ["trilab extend 1h", "your seat lives an hour longer"],
    ["trilab extend none --seat alice", "alice's lives until it is taken down"],
    ["trilab extend 5h --budget 3", "with more money for what it rents"],
  ],
  handler: giveTime,
});

async function giveTime(args: Args, ctx: Context): Promise<undefined> {
  const seconds = lifetime("the duration", text(args, "duration") ?? "1h");
  const asked = budgetOf(args);
  const id = await resolveSeat(text(args, "lab"), text(args, "seat"));
  const { withSeatLock } = await import("../../seats/deploy-seat.js");
  const { extended } = await import("../../seats/lifetime.js");
  const { budgetInForce } = await import("../../seats/rental.js");
  const { machineOf, readRecord, targetsOf, writeRecord } = await import("../../seats/seat-record.js");
  const { moveExpiry } = await import("../../seats/move-expiry.js");
  await withSeatLock(id, async () => {
    // Read under the lock: another run may have moved it just now.
    const record = (await readRecord(id)) ?? id;
    const expires = extended(record, seconds, Date.now());
    const budget = budgetInForce(record, asked);
    if (budget !== undefined) await requireSeatBudget(record, expires, budget);
    // A renting that failed left nothing to tell; the `up` that mends it tells what it makes.
    const rentless = record.vps !== undefined && machineOf(record, "vps")?.address === undefined;
    if (rentless) ctx.tell("the vps is not up yet: trilab up, which gives it the new end, too");
    const outcomes = await Promise.all(
      targetsOf(record)
        .filter((target) => !(target === "vps" && rentless))
        .map(async (target): Promise<Outcome> => {
          try {
            await moveExpiry(record, target, expires);
            return { target };
          } catch (error) {
            if (!(error instanceof UserError)) throw error;
            return { target, problem: error };
          }
        }),
    );
    if (outcomes.some((o) => o.problem)) throw notExtended(id, expires, outcomes);
    const { budget: _, ...rest } = record;
    await writeRecord({ ...rest, extendedTo: expires, ...(budget === undefined ? {} : { budget }) });
    const { lab, seat } = record;
    const targets = targetsOf(record);
    report(ctx, "extend", { lab, seat, targets, expires }, () => [
      expires === "never"
        ? `Seat ${seat} of lab ${lab} has no end now: it stays until trilab down.`
        : `Seat ${seat} of lab ${lab} ends at ${expires}, in ${formatDuration((Date.parse(expires) - Date.now()) / 1000)}.`,
    ]);
  });
  return undefined;
}

/** @throws UserError (exit 2) when what the seat rents would cost more than `budget` US dollars by that end. */
async function requireSeatBudget(record: SeatRecord, expires: string, budget: number): Promise<void> {
  const { rentalOf, rentedSince } = await import("../../seats/rental.js");
  const { endOf, expiryInForce } = await import("../../seats/lifetime.js");
  const rental = rentalOf(record);
  if (rental === undefined) return;
  const since = Date.parse(rentedSince(record)?.since ?? new Date().toISOString());
  const ttl = (endOf(expires) - since) / 1000;
  const now = (Math.max(endOf(expiryInForce(record)), Date.now()) - since) / 1000;
  const unlimited = record.vps?.credits === "unlimited";
  await keepTo(budget, { rental, seats: 1, ttl, unlimited }, (affordable) =>
    affordable - now >= 60
      ? `a shorter time (trilab extend ${formatDuration(Math.floor((affordable - now) / 60) * 60)})`
      : undefined,
  );
}

/** How one target took its new expiry. */
interface Outcome {
  target: Target;
  problem?: UserError;
}

/** The record keeps the old expiry unless all have the new one: better a machine that ends too late than a false promise. */
function notExtended(id: { lab: string; seat: string }, expires: string, outcomes: Outcome[]): UserError {
  const reached = outcomes.filter((o) => o.problem === undefined).map((o) => o.target);
  const problems = outcomes.flatMap(({ target, problem }) =>
    problem === undefined
      ? []
      : [`${target}: ${[messageOf(problem), problem.why].filter(Boolean).join("\n")}`],
  );
  return new UserError(`seat "${id.seat}" was not extended`, {
    why: [
      ...problems,
      reached.length > 0
        ? `${reached.join(" and ")} took it (${expires}); the seat as a whole keeps its former end`
        : "no machine took it; the seat keeps its former end",
    ].join("\n"),
    fix: `machines that have ended are started again by: trilab up ${id.lab} --seat ${id.seat}`,
  });
}
