import { ExitCode, UserError } from "../base/errors.js";
import { localTime } from "../base/local-time.js";
import { resultsOf } from "../base/results-of.js";
import { HostCostError } from "../drivers/machine.js";
import { reporting, type StepEvent, type Steps } from "../model/events.js";
import type { Target } from "../model/naming.js";
import { type Snapshot, snapshotNameProblem } from "../model/snapshots.js";
import { formatSize } from "../model/units.js";
import { withSeatLock } from "./deploy-seat.js";
import { finishInterrupted, setClockOrTell } from "./finish-interrupted.js";
import { snapshotsOf } from "./list-snapshots.js";
import { openMachine } from "./open-target.js";
import type { ReplaceableMachine } from "./replace-machine.js";
import { replaceableMachines, requireReachable } from "./replaceable.js";
import { saveMachine } from "./save-machine.js";
import { readRecord, type SeatRecord } from "./seat-record.js";

/** How long a guest may take to answer after it was saved, in milliseconds. */
export const ANSWER_MS = 60_000;

/**
 * Saves machines of a seat under a name: their files, and a running guest's memory.
 *
 * @param targets Absent: all that are not rented.
 * @returns what was saved, with its size.
 * @throws UserError: exit 2 for a name that can't be one, or is taken; exit 3 when a daemon does not answer, or the host's disk
 *   is full; as replaceableMachines() does; exit 7 when another command works on the seat.
 */
export const saveSnapshot = (
  seat: SeatRecord,
  name: string,
  targets: readonly Target[] | undefined,
): AsyncGenerator<StepEvent, Snapshot[]> =>
  reporting((steps) =>
    withSeatLock(seat, async () => {
      requireName(name);
      const record = (await readRecord(seat)) ?? seat;
      const machines = replaceableMachines(record, targets, "snapshot");
      await requireReachable(record, machines);
      await finishInterrupted(record, { waitMs: ANSWER_MS }, steps);
      await Promise.all(machines.map((machine) => requireFreeName(record, machine, name)));
      await Promise.all(machines.map((machine) => requireRoom(record, machine)));
      return resultsOf(
        await Promise.allSettled(machines.map((machine) => saveOne(record, machine, name, steps))),
      );
    }),
  );

async function saveOne(
  record: SeatRecord,
  machine: ReplaceableMachine,
  name: string,
  steps: Steps,
): Promise<Snapshot> {
  const { target } = machine;
  const about = { step: "save", title: `${target}: saving snapshot "${name}"`, machine: target };
  await steps.run({ ...about, seat: { lab: record.lab, seat: record.seat } }, async (progress) => {
    const ran = await (await openMachine(record, target)).running();
    await saveMachine(record, machine, name, progress);
    // A guest's clock stood still meanwhile.
    if (ran && target !== "container") await setClockOrTell(record, target, ANSWER_MS, progress);
  });
  const saved = (await snapshotsOf(record, machine)).find((snapshot) => snapshot.name === name);
  if (saved === undefined)
    throw new Error(`the snapshot ${name} of the ${target} was saved, and is not there`);
  return saved;
}

/** @throws UserError (exit 2) when it can't be a snapshot's name. */
export function requireName(name: string): void {
  const problem = snapshotNameProblem(name);
  if (problem === undefined) return;
  throw new UserError(`"${name}" can't be a snapshot's name`, {
    why: `it ${problem}; it becomes a part of file names`,
    fix: "name it like before or step-2",
    exitCode: ExitCode.usage,
  });
}

/** @throws UserError (exit 2) when the machine has a snapshot of this name. */
export async function requireFreeName(
  record: SeatRecord,
  machine: ReplaceableMachine,
  name: string,
): Promise<void> {
  const taken = (await snapshotsOf(record, machine)).find((snapshot) => snapshot.name === name);
  if (taken === undefined) return;
  throw new UserError(`the ${machine.target} of seat "${record.seat}" has a snapshot "${name}" already`, {
    why: `it was saved at ${localTime(taken.at)}; nothing was changed`,
    fix: `choose another name, or remove that one: trilab snapshot rm ${name} --lab ${record.lab} --seat ${record.seat}`,
    exitCode: ExitCode.usage,
  });
}

/** @throws UserError (exit 3) when the host's disk does not have room for the machine's files and memory. */
async function requireRoom(record: SeatRecord, { target }: ReplaceableMachine): Promise<void> {
  const machine = await openMachine(record, target);
  const figures = await Promise.all([
    machine.disk(),
    target === "container" ? 0 : machine.size().then(({ memory }) => memory),
    machine.diskFree(),
  ]).catch((error: unknown) => {
    // It can't be measured from here: the daemon reports a full disk itself.
    if (error instanceof HostCostError) return undefined;
    throw error;
  });
  if (figures === undefined) return;
  const [files, memory, free] = figures;
  if (files + memory <= free) return;
  const needs = `its files are ${formatSize(files)}${memory > 0 ? `, its memory is ${formatSize(memory)}` : ""}`;
  throw new UserError(`the host's disk has no room for a snapshot of the ${target}`, {
    why: `${needs}; ${formatSize(free)} are free; nothing was changed`,
    fix: "free some space, for example with trilab snapshot rm or trilab images prune",
    exitCode: ExitCode.hostNotReady,
  });
}
