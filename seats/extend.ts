import { messageOf, UserError } from "../base/errors.js";
import { localTime } from "../base/local-time.js";
import { reporting, type StepEvent } from "../model/events.js";
import type { SeatId, Target } from "../model/naming.js";
import { formatDuration } from "../model/units.js";
import { keepTo } from "./budget.js";
import { withSeatLock } from "./deploy-seat.js";
import { endOf, expiryInForce, extended } from "./lifetime.js";
import { budgetInForce, paidSince, rentalOf } from "./rental.js";
import { machineOf, readRecord, type SeatRecord, targetsOf, writeRecord } from "./seat-record.js";
import { moveExpiry } from "./set-machine-expiry.js";

/**
 * Moves a seat's expiry to a later time, in each of its machines and in its record.
 *
 * @param seconds Counted from the effective expiry, or from now if that has passed; Infinity for no end.
 * @param asked US dollars that the rented machine may cost by then; Infinity removes the seat's budget, absent keeps it.
 * @returns the record with the new end.
 * @throws UserError: exit 2 when it would cost more than the budget; exit 1 when a machine does not take it.
 */
export const extend = (
  seat: SeatRecord,
  seconds: number,
  asked: number | undefined,
): AsyncGenerator<StepEvent, SeatRecord> =>
  reporting((steps) =>
    withSeatLock(seat, async () => {
      // Read under the lock: another command may just have moved it.
      const record = (await readRecord(seat)) ?? seat;
      const expires = extended(record, seconds, Date.now());
      const budget = budgetInForce(record, asked);
      if (budget !== undefined) await requireSeatBudget(record, expires, budget);
      // If renting failed, there is no machine to update; the next `up` makes it with the new expiry.
      const rentless = record.vps !== undefined && machineOf(record, "vps")?.address === undefined;
      if (rentless) steps.note("the vps is not up yet: trilab up starts it, with the new end", seat);
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
      if (outcomes.some((o) => o.problem)) throw notExtended(seat, expires, outcomes);
      const { budget: _, ...kept } = record;
      const moved = { ...kept, extendedTo: expires, ...(budget === undefined ? {} : { budget }) };
      await writeRecord(moved);
      return moved;
    }),
  );

/** @throws UserError (exit 2) when the rented machine would cost more than `budget` US dollars until that end. */
async function requireSeatBudget(record: SeatRecord, expires: string, budget: number): Promise<void> {
  const rental = rentalOf(record);
  if (rental === undefined) return;
  const since = paidSince(record);
  const ttl = (endOf(expires) - since) / 1000;
  const now = (Math.max(endOf(expiryInForce(record)), Date.now()) - since) / 1000;
  const unlimited = record.vps?.credits === "unlimited";
  await keepTo(budget, { rental, seats: 1, ttl, unlimited }, (affordable) =>
    affordable - now >= 60
      ? `a shorter time (trilab extend ${formatDuration(Math.floor((affordable - now) / 60) * 60)})`
      : undefined,
  );
}

/** Whether one target took its new expiry. */
interface Outcome {
  target: Target;
  problem?: UserError;
}

/** The record keeps the old expiry unless all machines have the new one: a machine may live longer than promised, but not shorter. */
function notExtended(id: SeatId, expires: string, outcomes: Outcome[]): UserError {
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
        ? `${reached.join(" and ")} took it (${localTime(expires)}); the seat as a whole keeps its old end`
        : "no machine took it; the seat keeps its old end",
    ].join("\n"),
    fix: `to start machines that have ended: trilab up ${id.lab} --seat ${id.seat}`,
  });
}
