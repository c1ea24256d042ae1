/**
 * The probes that a lab may name, and the Debian packages that each needs in the machines. This is here and not in probes/,
 * because the image is made from it.
 */
export const PROBE_NEEDS = {
  start: [],
  stop: [],
  memory: [],
  downtime: [],
  disk: [],
  cpu: ["sysbench"],
  syscall: ["linux-perf"],
  "fork-exec": [],
  "context-switch": ["linux-perf"],
  "memory-bandwidth": ["sysbench"],
  "disk-io": ["fio"],
  elasticity: [],
  "host-calls": [],
  isolation: [],
  duel: ["sysbench"],
  density: [],
  moving: [],
} as const satisfies Record<string, readonly string[]>;

export type ProbeId = keyof typeof PROBE_NEEDS;

/** In the order in which they are reported. */
export const PROBE_IDS = Object.keys(PROBE_NEEDS) as [ProbeId, ...ProbeId[]];

/** The packages of a machine for these probes: its own and theirs, sorted, each once. Pure. */
export const withProbeNeeds = (packages: readonly string[], probes: readonly ProbeId[]): string[] =>
  [...new Set([...packages, ...probes.flatMap((id) => PROBE_NEEDS[id])])].sort();
