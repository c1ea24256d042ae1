import { ExitCode, messageAndWhy, UserError } from "../base/errors.js";
import { interruptible } from "../base/working.js";
import { reporting, type StepEvent, type Steps, settled } from "../model/events.js";
import { takeDown } from "./down.js";
import type { SeatPlan } from "./plan.js";
import { isClean } from "./receipt.js";
import { readRecord } from "./seat-record.js";

/**
 * Does something with a new seat, then removes it: also after an error, and after an interrupt.
 *
 * @param work Brings the seat up itself.
 * @throws what `work` throws; else, if the seat can't be removed, why: UserError (exit 8) when something of it is left.
 */
export const withTemporarySeat = <T>(
  plan: SeatPlan,
  work: (steps: Steps) => Promise<T>,
): AsyncGenerator<StepEvent, T> =>
  reporting(async (steps) => {
    const over = interruptible();
    try {
      const result = await work(steps).catch(async (error: unknown) => {
        await remove(plan, steps).catch((left: unknown) => steps.note(messageAndWhy(left), plan.id));
        throw error;
      });
      await remove(plan, steps);
      return result;
    } finally {
      over();
    }
  });

async function remove({ id, request }: SeatPlan, steps: Steps): Promise<void> {
  if ((await readRecord(id)) === undefined) return;
  const { docker, libvirt } = request.endpoints;
  const receipt = await settled(takeDown(id, { chosen: { docker, libvirt } }), steps.pass);
  if (isClean(receipt)) return;
  throw new UserError(`something of seat "${id.seat}" is left`, {
    why: receipt.residue.map(({ kind, name }) => `${kind} ${name}`).join("\n"),
    fix: `remove it: trilab down ${id.lab} --seat ${id.seat}`,
    exitCode: ExitCode.residue,
  });
}
