import { messageOf, UserError } from "../base/errors.js";
import { type Ended, sideBySide } from "../base/side-by-side.js";
import { addressOf } from "../model/endpoint.js";
import { reporting, type StepEvent, type Steps } from "../model/events.js";
import type { SeatRecord } from "../seats/seat-record.js";
import type { ClassRecord, Member } from "./class-record.js";
import { seatsOf } from "./plan-class.js";

/** How an operation ended for one learner's seat. */
export interface MemberEnd<T> {
  member: Member;
  end: Ended<T>;
}

/** Why an operation did not end well, in one line; `undefined` if it did. */
export function problemOf(end: Ended<unknown>): string | undefined {
  if (end.state === "done") return undefined;
  if (end.state === "not begun") return "not begun";
  const why = end.error instanceof UserError ? end.error.why?.split("\n")[0] : undefined;
  return [messageOf(end.error), why].filter(Boolean).join(": ");
}

/** How many seats are handled at once: the work is in the machines, and most of it is waiting. */
const WORKERS = 8;

/**
 * Does something with each seat of a class, side by side. The failure of one does not touch the others.
 *
 * @returns how each ended, in the class's order. Learners without a seat are left out.
 */
export const eachSeat = <T>(
  record: ClassRecord,
  title: string,
  work: (seat: SeatRecord, steps: Steps) => Promise<T>,
  { signal, workers = WORKERS }: { signal: AbortSignal; workers?: number | undefined },
): AsyncGenerator<StepEvent, MemberEnd<T>[]> =>
  reporting(async (steps) => {
    const seats = await seatsOf(record);
    let done = 0;
    return steps.run(
      { step: "seats", title: `class ${record.name}: ${title}`, passing: true },
      async (progress) => {
        const ends = await sideBySide(
          seats,
          async ({ record: seat }) => {
            try {
              return await work(seat, steps);
            } finally {
              done += 1;
              progress.update(`${done} of ${seats.length} seats`);
            }
          },
          {
            workers,
            signal,
            groupOf: ({ record: { machines } }) => machines.map((m) => addressOf(m.endpoint)).join(),
          },
        );
        return seats.map(({ member }, i) => ({ member, end: ends[i] as Ended<T> }));
      },
    );
  });
