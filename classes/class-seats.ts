import { isDeepStrictEqual } from "node:util";
import type { SeatId } from "../model/naming.js";
import { classInRecord, listSeats, readRecord, type SeatRecord } from "../seats/seat-record.js";
import { type ClassRecord, classNames, type Member, readClass, seatOf } from "./class-record.js";

/**
 * The classes that have an existing seat: the one that its record names. An older record names none; then the classes that are up
 * and have its learner, of which only one can have made it.
 *
 * @param known A class's record that need not be read again.
 */
export async function classesOf(id: SeatId, known?: ClassRecord): Promise<string[]> {
  const named = await classInRecord(id);
  if (named !== undefined) return named === null ? [] : [named];
  const others = (await classNames()).filter((name) => name !== known?.name);
  const records = await Promise.all(others.map((name) => readClass(name).catch(() => undefined)));
  return [known, ...records]
    .filter((record) => record !== undefined)
    .filter(({ ended, lab }) => ended === undefined && lab === id.lab)
    .filter(({ members }) => members.some(({ seat }) => seat === id.seat))
    .map(({ name }) => name);
}

/** The seats whose records name a class, also those of other labs. */
export async function seatsNaming(name: string): Promise<SeatId[]> {
  const seats = await listSeats();
  const names = await Promise.all(seats.map(classInRecord));
  return seats.filter((_, i) => names[i] === name);
}

/** A learner's seat in a class: its record, or why that can't be read. */
export type ClassSeat = { member: Member } & ({ record: SeatRecord } | { error: unknown });

/** A learner's seat in a class; `undefined` when there is none, or it is not of this class alone. */
export async function seatIn(record: ClassRecord, member: Member): Promise<ClassSeat | undefined> {
  const id = seatOf(record, member);
  const seat = await readRecord(id).then(
    (found) => found && { member, record: found },
    (error: unknown) => ({ member, error }),
  );
  return seat && isDeepStrictEqual(await classesOf(id, record), [record.name]) ? seat : undefined;
}

/** The seats of a class that exist. What its learners have in another class, or for themselves, is none of them. */
export async function seatsOf(record: ClassRecord): Promise<ClassSeat[]> {
  const seats = await Promise.all(record.members.map((member) => seatIn(record, member)));
  return seats.filter((seat) => seat !== undefined);
}

/** The records of seats, without those that can't be read. */
export const recordsOf = (seats: readonly ClassSeat[]): SeatRecord[] =>
  seats.flatMap((seat) => ("record" in seat ? [seat.record] : []));
