import { reporting, type StepEvent, type Steps } from "../model/events.js";
import type { Target } from "../model/naming.js";
import { keepDeployed } from "./as-deployed.js";
import { withSeatLock } from "./deploy-seat.js";
import { finishInterrupted } from "./finish-interrupted.js";
import { type ReplaceableMachine, replaceMachine } from "./replace-machine.js";
import { replaceableMachines, requireReplaceable } from "./replaceable.js";
import { driversOf } from "./seat-drivers.js";
import { readRecord, type SeatRecord } from "./seat-record.js";
import { wake } from "./wake.js";

/** A machine that was made anew. */
export interface ResetMachine {
  target: Target;
  /** From the first call until it answered. */
  seconds: number;
}

/**
 * Gives machines of a seat back as they were after their first start; all that was done in them is lost. They keep their names,
 * addresses, keys and their end. Switches guests off without a shutdown.
 *
 * @param targets Absent: all that are not rented.
 * @param options.waitMs How long a machine may take to answer.
 * @throws UserError before anything is lost: as replaceableMachines() and requireReplaceable() do, and exit 7 when another
 *   command works on the seat. Afterwards when a machine does not answer.
 */
export const reset = (
  seat: SeatRecord,
  targets: readonly Target[] | undefined,
  options: { waitMs: number },
): AsyncGenerator<StepEvent, ResetMachine[]> =>
  reporting((steps) =>
    withSeatLock(seat, async () => {
      const record = (await readRecord(seat)) ?? seat;
      const machines = replaceableMachines(record, targets);
      await requireReplaceable(record, machines);
      await finishInterrupted(record, { except: machines.map(({ target }) => target), ...options }, steps);
      const ends = await keepDeployed(record, driversOf(record), () =>
        Promise.allSettled(machines.map((machine) => resetMachine(record, machine, options.waitMs, steps))),
      );
      return ends.map((end) => {
        if (end.status === "rejected") throw end.reason;
        return end.value;
      });
    }),
  );

async function resetMachine(
  record: SeatRecord,
  machine: ReplaceableMachine,
  waitMs: number,
  steps: Steps,
): Promise<ResetMachine> {
  const { target } = machine;
  const began = performance.now();
  const title = `${target}: as after its first start`;
  const about = { step: "reset", title, seat: { lab: record.lab, seat: record.seat }, machine: target };
  await steps.run(about, async (progress) => {
    await replaceMachine(record, machine, progress);
    progress.update(target === "container" ? "starting its processes" : "booting its own kernel");
    await wake(record, target, { waitMs, tell: progress.note });
  });
  return { target, seconds: (performance.now() - began) / 1000 };
}
