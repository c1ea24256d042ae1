import { messageOf } from "../base/errors.js";
import type { Progress } from "../base/progress.js";
import type { Target } from "../model/naming.js";
import { holdSize } from "./hold-size.js";
import { expiryInForce } from "./lifetime.js";
import { type Facts, readFacts } from "./machine-facts.js";
import { isRented, openEnvironment } from "./open-target.js";
import type { SeatRecord } from "./seat-record.js";
import { moveExpiry, type Waiting } from "./set-machine-expiry.js";

/**
 * Waits until a target that was just started answers, gives it the seat's end, its size and the time, and reads its facts.
 *
 * @throws UserError when it does not answer.
 */
export async function firstFacts(
  record: SeatRecord,
  target: Target,
  waiting: Waiting,
  progress: Progress,
): Promise<Facts> {
  progress.update(target === "container" ? "starting its processes" : "booting its own kernel");
  // A machine that was started or made again has an older expiry, and a minute until it acts on it.
  if (record.extendedTo !== undefined) await moveExpiry(record, target, expiryInForce(record), waiting);
  // A guest gets its time only to the second, and has no time server; a rented machine has its cloud's clock.
  const setClock = target !== "container" && !isRented(record, target);
  const environment = await openEnvironment(record, target);
  await holdSize(record, target, environment, waiting.waitMs ?? 0).catch((error: unknown) =>
    progress.note(`the ${target} could not be given its size: ${messageOf(error)}`),
  );
  return readFacts(environment, { ...waiting, setClock, tell: progress.note });
}
