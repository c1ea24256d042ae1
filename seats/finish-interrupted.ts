import { UserError } from "../base/errors.js";
import type { Progress } from "../base/progress.js";
import { connect, seatInventory, startFound } from "../drivers/drivers.js";
import { machineIn, removalOrder, targetOf } from "../drivers/found.js";
import type { Steps } from "../model/events.js";
import type { Target } from "../model/naming.js";
import { type Change, changeBegun, endChange } from "./journal.js";
import { openMachine } from "./open-target.js";
import { isStopped } from "./reconcile.js";
import { type ReplaceableMachine, replaceMachine } from "./replace-machine.js";
import { replaceableMachines } from "./replaceable.js";
import { undoSave } from "./save-machine.js";
import { driversOf } from "./seat-drivers.js";
import { type SeatRecord, targetsOf } from "./seat-record.js";
import { setClockAndExpiry } from "./set-clock-and-expiry.js";

/** The seat's targets whose change was interrupted. */
export async function interruptedTargets(record: SeatRecord): Promise<Target[]> {
  const begun = await Promise.all(
    targetsOf(record).map(async (target) => ((await changeBegun(record, target)) ? [target] : [])),
  );
  return begun.flat();
}

/**
 * Finishes replacements that were interrupted, by a kill or by an error, and undoes savings. The caller holds the seat's lock.
 *
 * @param options.except Targets that the caller replaces anyway.
 * @param options.waitMs How long a machine may take to answer.
 */
export async function finishInterrupted(
  record: SeatRecord,
  { except = [], waitMs }: { except?: readonly Target[]; waitMs: number },
  steps: Steps,
): Promise<void> {
  const seat = { lab: record.lab, seat: record.seat };
  for (const target of await interruptedTargets(record)) {
    const change = await changeBegun(record, target);
    const [machine] = replaceableMachines(record, [target]);
    if (change === undefined || machine === undefined || except.includes(target)) continue;
    const title = `${target}: ${change.operation === "save" ? "undoing" : "finishing"} what was interrupted`;
    await steps.run({ step: "finish", title, seat, machine: target }, (progress) =>
      finish(record, machine, change, waitMs, progress),
    );
  }
}

async function finish(
  record: SeatRecord,
  machine: ReplaceableMachine,
  change: Change,
  waitMs: number,
  progress: Progress,
): Promise<void> {
  const { target } = machine;
  const runs = async (): Promise<boolean> => (await openMachine(record, target)).running();
  if (change.operation === "save") {
    await undoSave(record, machine, change.snapshot, progress);
    if (await runs()) await setClockOrTell(record, target, waitMs, progress);
    return;
  }
  if (change.made) return startMade(record, machine, change.snapshot, waitMs, progress);
  if (await runs()) {
    // Either the command had not begun with it, or somebody has started it since and may have worked in it.
    await endChange(record, target);
    progress.note(`${target}: it runs, so it stays as it is`);
    return;
  }
  await replaceMachine(record, machine, progress, change.snapshot);
  await setClockAndExpiry(record, target, { waitMs, tell: progress.note });
}

/** Lets a machine run that was replaced already: somebody may have worked in it since. One that is gone is left to `up`. */
async function startMade(
  record: SeatRecord,
  machine: ReplaceableMachine,
  snapshot: string | undefined,
  waitMs: number,
  progress: Progress,
): Promise<void> {
  const { endpoint, target } = machine;
  const drivers = driversOf({ machines: [machine] });
  const inventory = await seatInventory(record, drivers);
  const off = inventory.filter((found) => targetOf(found) === target && isStopped(found));
  // The network first: a guest does not start without it.
  for (const found of removalOrder(off).reverse()) await startFound(found, drivers);
  if (endpoint.kind === "docker") await connect(endpoint).removeNameless(record);
  await endChange(record, target);
  // A saved memory would not fit a disk that has changed since.
  const memory =
    snapshot !== undefined && target !== "container"
      ? `; for the memory that snapshot "${snapshot}" may have, restore it once more`
      : "";
  progress.note(`${target}: it was replaced already, so it stays as it is${memory}`);
  if (machineIn(inventory, machine)) await setClockOrTell(record, target, waitMs, progress);
}

/** As {@link setClockAndExpiry}, for a machine that was not changed: if it does not answer, it did not before. */
export async function setClockOrTell(
  record: SeatRecord,
  target: Target,
  waitMs: number,
  progress: Progress,
): Promise<void> {
  try {
    await setClockAndExpiry(record, target, { waitMs, tell: progress.note });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    progress.note(`${target}: its clock was not set: ${error.message}`);
  }
}
