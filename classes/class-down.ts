import type { Endpoints } from "../model/endpoint.js";
import { reporting, type StepEvent, settled } from "../model/events.js";
import { isClean, type Receipt } from "../seats/receipt.js";
import { type SeatEnd, takeDownMany } from "../seats/seats-at-once.js";
import { type ClassRecord, requireClass, seatOf, withClassLock, writeClass } from "./class-record.js";
import { seatsOf } from "./class-seats.js";

/** How the seats of a class were removed. */
export interface ClassDown {
  ends: SeatEnd<Receipt>[];
  /** Learners who had no seat in this class. */
  without: string[];
  /** All seats are gone, by the answers of their hosts. */
  clean: boolean;
}

export interface ClassDownOptions {
  /** The daemons to query about a seat whose own are not known. */
  chosen: Endpoints;
  /** A host that does not answer is gone for good. */
  hostGone: boolean;
  workers?: number | undefined;
  signal: AbortSignal;
}

/** Removes all seats of a class. Its learners, their attempts and their points stay on record. */
export const takeDownClass = (
  { name }: Pick<ClassRecord, "name">,
  { chosen, hostGone, signal, workers }: ClassDownOptions,
): AsyncGenerator<StepEvent, ClassDown> =>
  reporting((steps) =>
    withClassLock(name, async () => {
      // Read under the lock: another command may just have added learners.
      const record = await requireClass(name);
      const there = (await seatsOf(record)).map(({ member }) => member);
      const ids = there.map((member) => seatOf(record, member));
      const options = { chosen, hostGone, signal, ...(workers === undefined ? {} : { workers }) };
      const ends = await settled(takeDownMany(ids, options), steps.pass);
      const clean = ends.every((end) => end.state === "done" && isClean(end.result));
      if (clean) await writeClass({ ...record, ended: new Date().toISOString() });
      const without = record.members.filter((member) => !there.includes(member)).map(({ seat }) => seat);
      return { ends, without, clean };
    }),
  );
