/** A machine's limits. */
export interface MachineSize {
  /** Bytes. */
  memory: number;
  /** A container's may be a fraction. */
  cpus: number;
}

/** How many times its spec a machine may become without a restart, unless its lab says otherwise. */
const GROWTH = 2;

/**
 * The largest size that a machine can be given while it runs: the lab's, else twice the spec within what its host has; never
 * less than the spec. A guest's is part of its definition, so it can't change later. Pure.
 */
export function ceilingOf(
  spec: MachineSize,
  max: { memory?: number | undefined; cpus?: number | undefined } = {},
  host: MachineSize,
): MachineSize {
  const limit = (key: keyof MachineSize): number =>
    Math.max(spec[key], max[key] ?? Math.min(GROWTH * spec[key], host[key]));
  return { memory: limit("memory"), cpus: limit("cpus") };
}

/** The larger of each. Pure. */
export const largerOf = (a: MachineSize, b: MachineSize): MachineSize => ({
  memory: Math.max(a.memory, b.memory),
  cpus: Math.max(a.cpus, b.cpus),
});
