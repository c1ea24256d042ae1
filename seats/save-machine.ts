import type { Progress } from "../base/progress.js";
import { interruptible } from "../base/working.js";
import { connect } from "../drivers/drivers.js";
import { ownershipLabels } from "../model/labels.js";
import { type DomainTarget, diskName } from "../model/naming.js";
import { beginChange, endChange } from "./journal.js";
import type { ReplaceableMachine } from "./replace-machine.js";
import type { SeatRecord } from "./seat-record.js";

/**
 * Saves a machine's files, and a running guest's memory, under a name. The machine stops for that time, and goes on. If it fails,
 * nothing is left of the snapshot. The caller holds the seat's lock.
 */
export async function saveMachine(
  record: SeatRecord,
  machine: ReplaceableMachine,
  snapshot: string,
  progress: Progress,
): Promise<void> {
  const { endpoint, name, target } = machine;
  const over = interruptible();
  await beginChange(record, target, { operation: "save", snapshot });
  try {
    if (endpoint.kind === "docker") {
      progress.update("saving layer and home");
      const labels = snapshotLabels(record);
      await connect(endpoint).save({ container: name, home: `/home/${record.user}`, labels }, snapshot);
    } else {
      progress.update("saving disk and memory");
      const disk = diskName(record, target as DomainTarget);
      await connect(endpoint).save({ domain: name, disk }, snapshot);
    }
  } catch (error) {
    // If this fails, too, the next command tries it again.
    await undoSave(record, machine, snapshot, progress).catch(() => {});
    throw error;
  } finally {
    over();
  }
  await endChange(record, target);
}

/** The labels of a container's snapshot: whose it is, and which image it needs. */
export const snapshotLabels = (record: SeatRecord): Record<string, string> => ({
  ...ownershipLabels(record, "container"),
  "trilab.image": record.image,
});

/** Lets a machine go on whose saving was interrupted, and removes what was saved. */
export async function undoSave(
  record: SeatRecord,
  { endpoint, name, target }: ReplaceableMachine,
  snapshot: string,
  progress: Progress,
): Promise<void> {
  const problem =
    endpoint.kind === "docker"
      ? await connect(endpoint).undoSave(name, snapshot)
      : await connect(endpoint).undoSave(name, snapshot);
  if (problem) progress.note(`${target}: it was started from its disk, because ${problem}`);
  await endChange(record, target);
}
