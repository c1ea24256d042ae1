import type { MachineSpec } from "../model/machine-spec.js";
import type { Target } from "../model/naming.js";
import { type Facts, readFacts } from "./machine-facts.js";
import { openEnvironment } from "./open-target.js";
import { compareFacts, type ParityReport } from "./parity.js";
import { changedSizes } from "./present-size.js";
import { rentedShape } from "./rented-shape.js";
import { type SeatRecord, targetsOf } from "./seat-record.js";

/**
 * Reads from inside each target what it really is, and compares it with the spec.
 *
 * @param options.targets Default: all of the seat's.
 * @param options.waitMs Milliseconds to wait for a target that is still starting. Default 0.
 * @throws UserError when a target does not answer.
 */
export async function verify(
  record: SeatRecord,
  spec: MachineSpec,
  { targets = targetsOf(record), waitMs = 0 }: { targets?: readonly Target[]; waitMs?: number } = {},
): Promise<{ parity: ParityReport; facts: Partial<Record<Target, Facts>> }> {
  const read = async (target: Target) =>
    [target, await readFacts(await openEnvironment(record, target), { waitMs })] as const;
  const facts = Object.fromEntries(await Promise.all(targets.map(read)));
  return { facts, parity: parityOf(record, spec, facts) };
}

/** Compares facts that were read with the spec, and with what the seat has by now. */
export const parityOf = (
  record: SeatRecord,
  spec: MachineSpec,
  facts: Partial<Record<Target, Facts>>,
): ParityReport =>
  compareFacts({ ...spec, disk: record.disk }, facts, rentedShape(record), changedSizes(record, spec));
