import { pollUntil } from "../base/poll.js";
import type { Environment } from "../drivers/environment.js";
import { MEMORY_BLOCK } from "../model/hot-plug.js";
import type { Target } from "../model/naming.js";
import { isRented, openMachine } from "./open-target.js";
import { machineOf, type SeatRecord } from "./seat-record.js";

/** How long a machine that was just started may take to get its memory, in milliseconds. */
const SETTLE_MS = 15_000;

/**
 * Gives a domain the size that the record says, if `resize` has changed it: it may have been made again since, or the resize
 * was interrupted. A container's is held by drivers/docker/mend-container.ts.
 *
 * @param waitMs How long it may take to answer.
 * @throws Error when it can't be.
 */
export async function holdSize(
  record: SeatRecord,
  target: Target,
  environment: Environment,
  waitMs: number,
): Promise<void> {
  const { memory, cpus } = machineOf(record, target)?.size ?? {};
  if (target === "container" || isRented(record, target)) return;
  if (memory === undefined && cpus === undefined) return;
  const machine = await openMachine(record, target);
  const change = { ...(memory === undefined ? {} : { memory }), ...(cpus === undefined ? {} : { cpus }) };
  await machine.resize(change, async (line) => {
    const command = ["sh", "-c", line];
    return (await environment.firstAnswer(command, { root: true }, waitMs)).result;
  });
  const settled = async (): Promise<boolean> =>
    memory === undefined || Math.abs((await machine.size()).memory - memory) < MEMORY_BLOCK;
  await pollUntil(settled, { limitMs: SETTLE_MS, everyMs: 100 });
}
