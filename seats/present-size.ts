import { instanceType } from "../model/instance-catalogue.js";
import { largerOf, type MachineSize } from "../model/machine-size.js";
import { DOMAIN_TARGETS, type DomainTarget, type Target } from "../model/naming.js";
import { machineOf, type SeatRecord, targetsOf } from "./seat-record.js";

/** What of a record decides about its machines' sizes. */
type Sized = Pick<SeatRecord, "machines" | "vps">;

/** The size that a target has without a `resize`: the spec's; a VPS's is that of its instance type. */
export function firstSize({ vps }: Pick<SeatRecord, "vps">, spec: MachineSize, target: Target): MachineSize {
  if (target !== "vps" || vps === undefined) return { memory: spec.memory, cpus: spec.cpus };
  const { memory, vcpus } = instanceType(vps.type);
  return { memory, cpus: vcpus };
}

/** The size that a target should have: as first, but for what `resize` has set. */
export function presentSize(record: Sized, spec: MachineSize, target: Target): MachineSize {
  const first = firstSize(record, spec, target);
  const { memory = first.memory, cpus = first.cpus } = machineOf(record, target)?.size ?? {};
  return { memory, cpus };
}

/** The sizes of all targets that `resize` has changed. */
export function changedSizes(record: Sized, spec: MachineSize): Partial<Record<Target, MachineSize>> {
  const changed = targetsOf(record).filter((target) => machineOf(record, target)?.size !== undefined);
  return Object.fromEntries(changed.map((target) => [target, presentSize(record, spec, target)]));
}

/** How large each domain can become while it runs; at least as large as its spec, which may have grown since. */
export function ceilings(record: Sized, spec: MachineSize): Partial<Record<DomainTarget, MachineSize>> {
  return Object.fromEntries(
    DOMAIN_TARGETS.flatMap((target) => {
      const ceiling = machineOf(record, target)?.ceiling;
      return ceiling ? [[target, largerOf(ceiling, firstSize(record, spec, target))]] : [];
    }),
  );
}
