import { availableParallelism, totalmem } from "node:os";
import { freeBytes } from "../base/disk-space.js";
import { ExitCode, UserError } from "../base/errors.js";
import type { Once } from "../base/once.js";
import { stateDir } from "../base/paths.js";
import { type Drivers, driverWords } from "../drivers/drivers.js";
import type { MachineSpec } from "../model/machine-spec.js";
import { formatSize, MiB } from "../model/units.js";

/** What a host has: CPUs, bytes of memory, bytes free for disks. */
export interface Capacity {
  cpus: number;
  memory: number;
  diskFree: number | undefined;
}

/** The smaller of what Docker's and libvirt's hosts have, because a seat's targets must fit on both. */
export async function hostCapacity({ docker, libvirt }: Drivers): Promise<Capacity> {
  const found: Capacity[] = await Promise.all([
    ...(docker ? [docker.capacity().then((size) => ({ ...size, diskFree: undefined }))] : []),
    ...(libvirt ? [libvirt.capacity()] : []),
  ]);
  if (found.length === 0)
    found.push({ cpus: availableParallelism(), memory: totalmem(), diskFree: undefined });
  const free = found.map((c) => c.diskFree).filter((n) => n !== undefined);
  return {
    cpus: Math.min(...found.map((c) => c.cpus)),
    memory: Math.min(...found.map((c) => c.memory)),
    diskFree: free.length > 0 ? Math.min(...free) : undefined,
  };
}

/** All reasons why the spec does not fit, with the spec's keys. Pure. */
export function capacityProblems(spec: MachineSpec, capacity: Capacity): string[] {
  const problems: string[] = [];
  if (spec.cpus > capacity.cpus)
    problems.push(`machine.cpus: ${spec.cpus}, but the host has ${capacity.cpus}`);
  if (spec.memory > capacity.memory) {
    problems.push(
      `machine.memory: ${formatSize(spec.memory)}, but the host has ${formatSize(capacity.memory)}`,
    );
  }
  if (capacity.diskFree !== undefined && spec.disk > capacity.diskFree) {
    problems.push(
      `machine.disk: ${formatSize(spec.disk)}, but the host has ${formatSize(capacity.diskFree)} free`,
    );
  }
  return problems;
}

/** What machines need of a host: CPUs, bytes of memory, bytes of disk; also as shares of the host's, null if unknown. */
export interface HostShare {
  cpus: number;
  memory: number;
  disk: number;
  share: { cpus: number; memory: number; disk: number | null };
}

/** What `count` machines of a spec need at most: they share CPU time; memory and disk fill up as they are used. Pure. */
export function hostShare(
  spec: Pick<MachineSpec, "cpus" | "memory" | "disk">,
  count: number,
  capacity: Capacity,
): HostShare {
  const [cpus, memory, disk] = [spec.cpus * count, spec.memory * count, spec.disk * count];
  return {
    cpus,
    memory,
    disk,
    share: {
      cpus: cpus / capacity.cpus,
      memory: memory / capacity.memory,
      disk: capacity.diskFree === undefined ? null : disk / capacity.diskFree,
    },
  };
}

/** How many virtual CPUs may share one host CPU: learners mostly read and type. With more, they wait for each other. */
export const CPUS_PER_CPU = 8;

/** Whether seats fit on a host at their full size, and how many would fit. */
export interface HostFit {
  fits: boolean;
  /** What there is not enough of. */
  over: ("cpus" | "memory" | "disk")[];
  /** How many seats fit, and which resource limits them. */
  seats: number;
  by: "cpus" | "memory" | "disk";
}

/** @param machines Of this spec in each seat. Pure. */
export function hostFit(
  spec: Pick<MachineSpec, "cpus" | "memory" | "disk">,
  { seats, machines }: { seats: number; machines: number },
  { cpus, memory, diskFree = Number.POSITIVE_INFINITY }: Capacity,
): HostFit {
  const most = (room: number, each: number): number => Math.floor(room / (each * machines));
  const counts = [
    ["cpus", most(cpus * CPUS_PER_CPU, spec.cpus)],
    ["memory", most(memory, spec.memory)],
    ["disk", most(diskFree, spec.disk)],
  ] as const;
  const [by, least] = counts.reduce((a, b) => (b[1] < a[1] ? b : a));
  const over = counts.filter(([, count]) => count < seats).map(([resource]) => resource);
  return { fits: over.length === 0, over, seats: least, by };
}

/** Bytes that the state directory must have free: Pulumi writes the whole checkpoint twice per step. */
const STATE_NEEDS = 8 * MiB;

/** @throws UserError (exit 3) when there is too little space for the state; called before anything is made. */
export async function requireStateSpace(): Promise<void> {
  const free = await freeBytes(stateDir());
  if (free === undefined || free >= STATE_NEEDS) return;
  throw new UserError("not enough disk space for the state", {
    why: `${stateDir()} has ${formatSize(free)} free, ${formatSize(STATE_NEEDS)} are needed`,
    fix: "free some space, or choose another place with XDG_STATE_HOME",
    exitCode: ExitCode.hostNotReady,
  });
}

/**
 * Called before anything is made.
 *
 * @param shared Keeps the hosts' capacity for the next seat.
 * @throws UserError (exit 2) when the host is too small for the spec.
 */
export async function requireCapacity(spec: MachineSpec, drivers: Drivers, shared: Once): Promise<void> {
  // A rented machine needs nothing of this host.
  if (!drivers.docker && !drivers.libvirt) return;
  const capacity = await shared.get(`capacity of ${driverWords(drivers)}`, () => hostCapacity(drivers));
  const problems = capacityProblems(spec, capacity);
  if (problems.length === 0) return;
  throw new UserError("the lab's machine is larger than this host", {
    why: problems.join("\n"),
    fix: "make the machine smaller in lab.yaml, or use a larger host (--docker, --libvirt)",
    exitCode: ExitCode.usage,
  });
}
