import { availableParallelism, totalmem } from "node:os";
import { freeBytes } from "../base/disk-space.js";
import { ExitCode, UserError } from "../base/errors.js";
import { stateDir } from "../base/paths.js";
import type { Drivers } from "../drivers/drivers.js";
import type { MachineSpec } from "../model/machine-spec.js";
import { formatSize, MiB } from "../model/units.js";

/** What a host has: CPUs, bytes of memory, bytes free for disks. */
export interface Capacity {
  cpus: number;
  memory: number;
  diskFree: number | undefined;
}

/** The smaller of what Docker's and libvirt's hosts have, as a seat's targets must fit both. */
export async function hostCapacity({ docker, libvirt }: Drivers): Promise<Capacity> {
  const found: Capacity[] = [];
  if (docker) found.push({ ...(await docker.capacity()), diskFree: undefined });
  if (libvirt) found.push(await libvirt.capacity());
  if (found.length === 0)
    found.push({ cpus: availableParallelism(), memory: totalmem(), diskFree: undefined });
  const free = found.map((c) => c.diskFree).filter((n) => n !== undefined);
  return {
    cpus: Math.min(...found.map((c) => c.cpus)),
    memory: Math.min(...found.map((c) => c.memory)),
    diskFree: free.length > 0 ? Math.min(...free) : undefined,
  };
}

/** Every way in which the spec does not fit, with the spec's key. Pure. */
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

/** What machines take of a host: CPUs, bytes of memory, bytes of disk; and as shares of what it has, null if unknown. */
export interface HostShare {
  cpus: number;
  memory: number;
  disk: number;
  share: { cpus: number; memory: number; disk: number | null };
}

/** What `count` machines of a spec take at most: CPUs are shared in time, memory and disk filled as they are used. Pure. */
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

/** Bytes that the state directory must have free: Pulumi writes the whole checkpoint anew twice a step. */
const STATE_NEEDS = 8 * MiB;

/** @throws UserError (exit 3) before anything is made, when the state could not be written down. */
export async function requireStateSpace(): Promise<void> {
  const free = await freeBytes(stateDir());
  if (free === undefined || free >= STATE_NEEDS) return;
  throw new UserError("not enough disk space for the state", {
    why: `${stateDir()} has ${formatSize(free)} free, ${formatSize(STATE_NEEDS)} are needed`,
    fix: "free some space, or choose another place with XDG_STATE_HOME",
    exitCode: ExitCode.hostNotReady,
  });
}

/** @throws UserError (exit 2) before anything is made, when the host can't carry the spec. */
export async function requireCapacity(spec: MachineSpec, drivers: Drivers): Promise<void> {
  // What is rented elsewhere takes nothing of this host.
  if (!drivers.docker && !drivers.libvirt) return;
  const problems = capacityProblems(spec, await hostCapacity(drivers));
  if (problems.length === 0) return;
  throw new UserError("the lab's machine is larger than this host", {
    why: problems.join("\n"),
    fix: "make the machine smaller in lab.yaml, or use a larger host (--docker, --libvirt)",
    exitCode: ExitCode.usage,
  });
}
