import { ExitCode, UserError } from "../base/errors.js";
import { connect } from "../drivers/drivers.js";
import type { Endpoint } from "../model/endpoint.js";
import type { DomainTarget, SeatId, Target } from "../model/naming.js";
import type { Snapshot } from "../model/snapshots.js";
import type { ReplaceableMachine } from "./replace-machine.js";
import { isReplaceable } from "./replaceable.js";
import type { SeatRecord } from "./seat-record.js";

/** The snapshots of one machine, the oldest first. */
export const snapshotsOf = (
  record: SeatRecord,
  { endpoint, name, target }: ReplaceableMachine,
): Promise<Snapshot[]> =>
  endpoint.kind === "docker"
    ? connect(endpoint).snapshots(record)
    : connect(endpoint).snapshots(name, target as DomainTarget);

/** A seat's snapshots, and the daemons that could not be asked. */
export interface SnapshotList {
  snapshots: Snapshot[];
  unanswered: { endpoint: Endpoint; problem: UserError }[];
}

/** The snapshots of all machines of a seat, as their daemons report them. */
export async function listSnapshots(record: SeatRecord): Promise<SnapshotList> {
  const list: SnapshotList = { snapshots: [], unanswered: [] };
  for (const machine of record.machines) {
    const { endpoint } = machine;
    if (!isReplaceable(machine) || endpoint.kind === "ec2") continue;
    try {
      await connect(endpoint).preflight();
      list.snapshots.push(...(await snapshotsOf(record, machine)));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      list.unanswered.push({ endpoint, problem: error });
    }
  }
  return list;
}

/** @throws UserError (exit 6) when one of the machines has no snapshot of this name. */
export async function requireSnapshot(
  record: SeatRecord,
  machines: readonly ReplaceableMachine[],
  name: string,
): Promise<void> {
  for (const machine of machines) {
    const snapshots = await snapshotsOf(record, machine);
    if (!snapshots.some((snapshot) => snapshot.name === name))
      throw noSnapshot(record, name, snapshots, machine.target);
  }
}

/** The error for a snapshot that does not exist, of one target or of any; `there` are those that do. */
export function noSnapshot(
  { lab, seat }: SeatId,
  name: string,
  there: readonly Snapshot[],
  target?: Target,
): UserError {
  const names = [...new Set(there.map((snapshot) => snapshot.name))];
  return new UserError(`seat "${seat}" has no snapshot "${name}"${target ? ` of its ${target}` : ""}`, {
    why: names.length > 0 ? `it has: ${names.join(", ")}` : "it has none; nothing was changed",
    fix: `list them: trilab snapshot ls --lab ${lab} --seat ${seat}`,
    exitCode: ExitCode.notFound,
  });
}
