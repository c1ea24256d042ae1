import { ExitCode, UserError } from "../base/errors.js";
import { resultsOf } from "../base/results-of.js";
import { reporting, type StepEvent, type Steps } from "../model/events.js";
import type { Target } from "../model/naming.js";
import { keepDeployed } from "./as-deployed.js";
import { withSeatLock } from "./deploy-seat.js";
import { finishInterrupted } from "./finish-interrupted.js";
import { requireSnapshot } from "./list-snapshots.js";
import { startsNoted } from "./note-stops.js";
import { type ReplaceableMachine, replaceMachine } from "./replace-machine.js";
import { replaceableMachines, requireReplaceable } from "./replaceable.js";
import { driversOf } from "./seat-drivers.js";
import { amendRecord, readRecord, type SeatRecord } from "./seat-record.js";
import { setClockAndExpiry } from "./set-clock-and-expiry.js";

/** A machine that was replaced. */
export interface Replaced {
  target: Target;
  /** From the first call until it answered. */
  seconds: number;
}

export interface ReplaceOptions {
  /** How long a machine may take to answer, in milliseconds. */
  waitMs: number;
  /** Ends the operation when the machines are replaced, before they have answered. */
  signal?: AbortSignal;
}

/**
 * Gives machines of a seat back as they were after their first start; all that was done in them is lost. They keep their names,
 * addresses, keys and their end. Switches guests off without a shutdown.
 *
 * @param targets Absent: all that are not rented.
 * @throws UserError before anything is lost: as replaceableMachines() and requireReplaceable() do, and exit 7 when another
 *   command works on the seat. Afterwards when a machine does not answer.
 */
export const reset = (
  seat: SeatRecord,
  targets: readonly Target[] | undefined,
  options: ReplaceOptions,
): AsyncGenerator<StepEvent, Replaced[]> =>
  reporting((steps) => replaceMachines(seat, targets, { ...options, snapshot: undefined }, steps));

/**
 * Gives machines of a seat back as they were when a snapshot was saved, but for their clock and their end; what was done in them
 * since is lost. A guest that was saved while it ran goes on from its memory.
 *
 * @throws UserError as {@link reset}; exit 6 when one of them has no such snapshot.
 */
export const restoreSnapshot = (
  seat: SeatRecord,
  targets: readonly Target[],
  options: ReplaceOptions & { snapshot: string },
): AsyncGenerator<StepEvent, Replaced[]> =>
  reporting((steps) => replaceMachines(seat, targets, options, steps));

const replaceMachines = (
  seat: SeatRecord,
  targets: readonly Target[] | undefined,
  options: ReplaceOptions & { snapshot: string | undefined },
  steps: Steps,
): Promise<Replaced[]> =>
  withSeatLock(seat, async () => {
    const record = (await readRecord(seat)) ?? seat;
    const machines = replaceableMachines(
      record,
      targets,
      options.snapshot === undefined ? "reset" : "snapshot",
    );
    await requireReplaceable(record, machines);
    if (options.snapshot !== undefined) await requireSnapshot(record, machines, options.snapshot);
    await finishInterrupted(record, { except: machines.map(({ target }) => target), ...options }, steps);
    const ends = await keepDeployed(record, driversOf(record), () =>
      Promise.allSettled(machines.map((machine) => replaceOne(record, machine, options, steps))),
    );
    const replaced = ends.flatMap((end) => (end.status === "fulfilled" ? [end.value.target] : []));
    await amendRecord(record, startsNoted(replaced, new Date(), []));
    return resultsOf(ends);
  });

async function replaceOne(
  record: SeatRecord,
  machine: ReplaceableMachine,
  { signal, snapshot, waitMs }: ReplaceOptions & { snapshot: string | undefined },
  steps: Steps,
): Promise<Replaced> {
  const { target } = machine;
  const began = performance.now();
  const how = snapshot === undefined ? "resetting" : `restoring snapshot "${snapshot}"`;
  const about = { step: "replace", title: `${target}: ${how}`, machine: target };
  const seat = { lab: record.lab, seat: record.seat };
  await steps.run({ ...about, seat }, async (progress) => {
    await replaceMachine(record, machine, progress, snapshot);
    if (signal?.aborted) throw notAwaited(record, target);
    progress.update("waiting for its answer");
    await setClockAndExpiry(record, target, { waitMs, tell: progress.note });
  });
  return { target, seconds: (performance.now() - began) / 1000 };
}

const notAwaited = ({ lab, seat }: SeatRecord, target: Target): UserError =>
  new UserError(`the ${target} of seat "${seat}" was replaced, and its answer was not waited for`, {
    why: "you interrupted it; its clock and its end are not set yet",
    fix: `trilab up ${lab} --seat ${seat} does both`,
    exitCode: ExitCode.interrupted,
  });
