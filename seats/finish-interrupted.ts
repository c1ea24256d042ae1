import type { Steps } from "../model/events.js";
import type { Target } from "../model/naming.js";
import { changeBegun, endChange } from "./journal.js";
import { openMachine } from "./open.js";
import { replaceMachine } from "./replace-machine.js";
import { replaceableMachines } from "./replaceable.js";
import { type SeatRecord, targetsOf } from "./seat-record.js";
import { wake } from "./wake.js";

/** The seat's targets whose change was interrupted. */
export async function interruptedTargets(record: SeatRecord): Promise<Target[]> {
  const begun = await Promise.all(
    targetsOf(record).map(async (target) => ((await changeBegun(record, target)) ? [target] : [])),
  );
  return begun.flat();
}

/**
 * Finishes what an earlier command was interrupted in, by a kill or by an error. A machine that runs is left alone: either the
 * command had not begun with it, or somebody has started it and may have worked in it. The caller holds the seat's lock.
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
    if (except.includes(target)) continue;
    if (await (await openMachine(record, target)).running()) {
      await endChange(record, target);
      steps.note(
        `${target}: an interrupted command had not touched it, or it was started since; it stays as it is`,
        seat,
      );
      continue;
    }
    const [machine] = replaceableMachines(record, [target]);
    if (machine === undefined) continue;
    const title = `${target}: finishing what was interrupted`;
    await steps.run({ step: "finish", title, seat, machine: target }, async (progress) => {
      await replaceMachine(record, machine, progress);
      await wake(record, target, { waitMs, tell: progress.note });
    });
  }
}
