import { interruptedTargets } from "./finish-interrupted.js";
import { type Facts, readFacts } from "./machine-facts.js";
import { openEnvironment } from "./open-target.js";
import { type SeatRecord, targetsOf } from "./seat-record.js";

/**
 * The facts of a seat's targets, read now. An emulated guest needs a second to answer, so `up` begins with this, and uses them
 * if nothing changes.
 *
 * @returns `undefined` when a target does not answer at once, or is being replaced.
 */
export async function earlyFacts(record: SeatRecord): Promise<Facts[] | undefined> {
  const read = async (): Promise<Facts[] | undefined> => {
    if ((await interruptedTargets(record)).length > 0) return undefined;
    return Promise.all(
      targetsOf(record).map(async (target) => readFacts(await openEnvironment(record, target))),
    );
  };
  return read().catch(() => undefined);
}
