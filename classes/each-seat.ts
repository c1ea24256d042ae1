import { ExitCode, messageOf, UserError } from "../base/errors.js";
import { type Ended, sideBySide } from "../base/side-by-side.js";
import { addressOf } from "../model/endpoint.js";
import { reporting, type StepEvent, type Steps } from "../model/events.js";
import type { SeatMachine, SeatRecord } from "../seats/seat-record.js";
import type { ClassRecord, Member } from "./class-record.js";
import { type ClassSeat, seatsOf } from "./class-seats.js";

/** How an operation ended for one learner. */
export interface MemberEnd<T> {
  member: Member;
  end: Ended<T> | { state: "no seat" };
}

/** Why an operation did not end well, in one line; `undefined` if it did. */
export function problemOf(end: MemberEnd<unknown>["end"]): string | undefined {
  if (end.state === "done") return undefined;
  if (end.state !== "failed") return end.state;
  const why = end.error instanceof UserError ? end.error.why?.split("\n")[0] : undefined;
  return [messageOf(end.error), why].filter(Boolean).join(": ");
}

/** The exit code of a change of every seat: {@link ExitCode.couldNotLook} if nothing failed, but a learner has no seat. */
export function exitCodeOf(ends: readonly MemberEnd<unknown>[]): ExitCode {
  const problems = ends.map(({ end }) => end.state).filter((state) => state !== "done");
  if (problems.length === 0) return ExitCode.done;
  return problems.every((state) => state === "no seat") ? ExitCode.couldNotLook : ExitCode.failed;
}

/** How many seats are handled at once: the work is in the machines, and most of it is waiting. */
const WORKERS = 8;

/**
 * Does something with each seat of a class, side by side. The failure of one does not touch the others. A seat whose record
 * can't be read fails alone, too.
 *
 * @returns how each ended, in the class's order.
 * @throws UserError (exit 6) when no learner has a seat.
 */
export const eachSeat = <T>(
  record: ClassRecord,
  title: string,
  work: (seat: SeatRecord, steps: Steps) => Promise<T>,
  { signal, workers = WORKERS }: { signal: AbortSignal; workers?: number | undefined },
): AsyncGenerator<StepEvent, MemberEnd<T>[]> =>
  reporting(async (steps) => {
    const seats = await seatsOf(record);
    if (seats.length === 0) throw noSeats(record);
    let done = 0;
    return steps.run(
      { step: "seats", title: `class ${record.name}: ${title}`, passing: true },
      async (progress) => {
        const ends = await sideBySide(
          seats,
          async (seat) => {
            try {
              if ("error" in seat) throw seat.error;
              return await work(seat.record, steps);
            } finally {
              done += 1;
              progress.update(`${done} of ${seats.length} seats`);
            }
          },
          {
            workers,
            signal,
            groupOf: (seat) =>
              machinesOf(seat)
                .map(({ endpoint }) => addressOf(endpoint))
                .join(),
          },
        );
        const bySeat = new Map(seats.map(({ member }, i) => [member.seat, ends[i]]));
        return record.members.map((member) => ({
          member,
          end: bySeat.get(member.seat) ?? { state: "no seat" as const },
        }));
      },
    );
  });

const machinesOf = (seat: ClassSeat): SeatMachine[] => ("record" in seat ? seat.record.machines : []);

const noSeats = ({ ended, name }: ClassRecord): UserError =>
  new UserError(`class "${name}" has no seats`, {
    why: ended === undefined ? "none of its learners has one in this class" : "it was taken down",
    fix: "make them: trilab class up",
    exitCode: ExitCode.notFound,
  });
