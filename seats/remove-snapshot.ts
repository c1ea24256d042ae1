import { connect } from "../drivers/drivers.js";
import { reporting, type StepEvent } from "../model/events.js";
import type { Target } from "../model/naming.js";
import type { Snapshot } from "../model/snapshots.js";
import { withSeatLock } from "./deploy-seat.js";
import { finishInterrupted } from "./finish-interrupted.js";
import { noSnapshot, snapshotsOf } from "./list-snapshots.js";
import type { ReplaceableMachine } from "./replace-machine.js";
import { replaceableMachines, requireReachable } from "./replaceable.js";
import { ANSWER_MS } from "./save-snapshot.js";
import { readRecord, type SeatRecord } from "./seat-record.js";

/**
 * Removes a snapshot.
 *
 * @param targets Absent: of all machines that have it.
 * @returns what was removed.
 * @throws UserError: exit 6 when there is none, exit 3 when a daemon does not answer; exit 7 when another command works on the
 *   seat.
 */
export const removeSnapshot = (
  seat: SeatRecord,
  name: string,
  targets: readonly Target[] | undefined,
): AsyncGenerator<StepEvent, Snapshot[]> =>
  reporting((steps) =>
    withSeatLock(seat, async () => {
      const record = (await readRecord(seat)) ?? seat;
      const machines = replaceableMachines(record, targets, "snapshot");
      await requireReachable(record, machines);
      await finishInterrupted(record, { waitMs: ANSWER_MS }, steps);
      const [there, removed]: [Snapshot[], Snapshot[]] = [[], []];
      for (const machine of machines) {
        const snapshots = await snapshotsOf(record, machine);
        there.push(...snapshots);
        const snapshot = snapshots.find((each) => each.name === name);
        if (snapshot === undefined) continue;
        await removeOne(record, machine, name);
        removed.push(snapshot);
      }
      if (removed.length === 0) throw noSnapshot(record, name, there, targets?.[0]);
      return removed;
    }),
  );

async function removeOne(
  record: SeatRecord,
  { endpoint, name: machine }: ReplaceableMachine,
  name: string,
): Promise<void> {
  if (endpoint.kind === "libvirt") return connect(endpoint).removeSnapshot(machine, name);
  const docker = connect(endpoint);
  await docker.removeSnapshot(record, name);
  await docker.removeNameless(record);
}
