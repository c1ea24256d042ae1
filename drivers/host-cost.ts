import { readdir, readFile, stat } from "node:fs/promises";
import { freeBytes } from "../base/disk-space.js";
import { hasCode, messageOf } from "../base/errors.js";
import { HostCostError, type HostProcess } from "./machine.js";

/** USER_HZ: the kernel's unit of CPU times in /proc, 100 on every Linux that Debian builds. */
const TICKS = 100;

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw unreadable(path, error);
  }
}

const unreadable = (path: string, error: unknown): HostCostError =>
  new HostCostError(`can't read ${path}: ${messageOf(error)}`);

/** Memory in bytes: its own, and files that other processes can use as well. */
export interface HeldMemory {
  own: number;
  shared: number;
}

const field = (text: string, name: string): number | undefined => {
  const value = new RegExp(`^${name}:?\\s+(\\d+)`, "m").exec(text)?.[1];
  return value === undefined ? undefined : Number(value);
};

/**
 * The memory of a process, from /proc/PID/smaps_rollup. Pages without a file are its own. Neither the proportional (PSS) nor
 * the unique set size (USS) works here: both depend on how many other processes run the same program. Pure.
 */
export function processMemory(rollup: string): HeldMemory {
  const [resident, anonymous] = [field(rollup, "Rss"), field(rollup, "Anonymous")];
  if (resident === undefined || anonymous === undefined)
    throw new HostCostError("there is no Rss or Anonymous line in smaps_rollup");
  const own = anonymous + (field(rollup, "Pss_Shmem") ?? 0);
  return { own: own * 1024, shared: (resident - own) * 1024 };
}

/** The path of a controller's cgroup below /sys/fs/cgroup, from /proc/PID/cgroup: version 1 first, else 2. Pure. */
export function cgroupPath(
  text: string,
  controller: "memory" | "cpuacct",
): { version: 1 | 2; path: string } | undefined {
  const rows = text
    .trim()
    .split("\n")
    .map((line) => /^\d+:([^:]*):(.*)$/.exec(line));
  const v1 = rows.find((row) => row?.[1]?.split(",").includes(controller));
  if (v1) return { version: 1, path: `/sys/fs/cgroup/${controller}${v1[2] ?? ""}` };
  const v2 = rows.find((row) => row?.[1] === "");
  return v2 ? { version: 2, path: `/sys/fs/cgroup${v2[2] ?? ""}` } : undefined;
}

/**
 * Whether a process is in a container's cgroup, from /proc/PID/cgroup. Docker and Podman write the container's id into the path:
 * `/docker/ID` (cgroupfs), `docker-ID.scope` (systemd), `libpod-ID.scope`. A reader in another cgroup namespace sees `/../..` before it. Pure.
 */
export const isInContainer = (cgroups: string, id: string): boolean => id !== "" && cgroups.includes(id);

/**
 * Checks that a container's main process is one of this machine. A daemon behind a local socket may run elsewhere, as Docker Desktop's
 * does in its virtual machine. Then the number belongs to another process here, or to none.
 *
 * @throws HostCostError when it is not.
 */
export async function requireContainerProcess(pid: number, id: string): Promise<void> {
  const path = `/proc/${pid}/cgroup`;
  const cgroups = await readFile(path, "utf8").catch((error: unknown) => {
    if (hasCode(error, "ENOENT", "ESRCH")) return "";
    throw unreadable(path, error);
  });
  if (isInContainer(cgroups, id)) return;
  throw new HostCostError(
    `the daemon's processes are not on this machine: process ${pid} here is not the container's`,
  );
}

/**
 * The memory of a cgroup, from its usage and memory.stat. Files are counted separately, because the kernel charges them to the
 * first machine that reads them, and not to the next one of the same image. Versions 1 (the whole tree) and 2. Pure.
 */
export function cgroupMemory(usage: string, stat: string): HeldMemory {
  const files = field(stat, "total_cache") ?? field(stat, "file");
  const inMemory = field(stat, "total_shmem") ?? field(stat, "shmem") ?? 0;
  if (files === undefined) throw new HostCostError("memory.stat does not say how much of it is files");
  // Shared memory and tmpfs are counted as files, but have no file.
  const shared = files - inMemory;
  return { own: Number(usage) - shared, shared };
}

/** User and system seconds of a process with its threads, from /proc/PID/stat. Pure. */
export function parseCpuSeconds(stat: string): number {
  // The name, in brackets, may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

export const memoryOfProcess = async (pid: number): Promise<HeldMemory> =>
  processMemory(await read(`/proc/${pid}/smaps_rollup`));

export const processCpuSeconds = async (pid: number): Promise<number> =>
  parseCpuSeconds(await read(`/proc/${pid}/stat`));

/** A process's name and numbers, from /proc/PID/status. Pure. */
export function parseProcess(status: string): HostProcess {
  const numbers = /^NSpid:\s+(.+)$/m.exec(status)?.[1]?.split(/\s+/).map(Number);
  if (numbers === undefined) throw new HostCostError("there is no NSpid line in the process's status");
  return { name: /^Name:\s+(.+)$/m.exec(status)?.[1] ?? "", numbers };
}

export const hostProcess = async (pid: number): Promise<HostProcess> =>
  parseProcess(await read(`/proc/${pid}/status`));

export async function parentOf(pid: number): Promise<number> {
  return Number(/^PPid:\s+(\d+)/m.exec(await read(`/proc/${pid}/status`))?.[1] ?? 0);
}

/** The memory of a process's cgroup, and the seconds of CPU time that it used. Versions 1 and 2. */
export async function cgroupCost(pid: number): Promise<{ memory: HeldMemory; cpuSeconds: number }> {
  const text = await read(`/proc/${pid}/cgroup`);
  const memory = cgroupPath(text, "memory");
  const cpu = cgroupPath(text, "cpuacct");
  if (memory === undefined || cpu === undefined)
    throw new HostCostError(`process ${pid} is in no cgroup with accounting`);
  const usage = memory.version === 1 ? "memory.usage_in_bytes" : "memory.current";
  return {
    memory: cgroupMemory(await read(`${memory.path}/${usage}`), await read(`${memory.path}/memory.stat`)),
    cpuSeconds:
      cpu.version === 1
        ? Number(await read(`${cpu.path}/cpuacct.usage`)) / 1e9
        : Number(/^usage_usec (\d+)/m.exec(await read(`${cpu.path}/cpu.stat`))?.[1]) / 1e6,
  };
}

/** The process whose command line holds this argument; libvirt starts QEMU with `-name guest=NAME,…`. */
export async function processWithArgument(argument: string): Promise<number | undefined> {
  for (const entry of await readdir("/proc").catch(() => [])) {
    if (!/^\d+$/.test(entry)) continue;
    const line = await readFile(`/proc/${entry}/cmdline`, "utf8").catch(() => "");
    if (line.split("\0").some((word) => word.startsWith(argument))) return Number(entry);
  }
  return undefined;
}

/** Bytes that an unprivileged user may still write on the file system of `path`. */
export async function diskFree(path: string): Promise<number> {
  const free = await freeBytes(path).catch(() => undefined);
  if (free === undefined) throw new HostCostError(`can't read the file system of ${path}`);
  return free;
}

/** MemAvailable, in bytes: how much memory programs can still get without swapping, as the kernel estimates it. */
export async function memoryAvailable(): Promise<number> {
  return Number(/^MemAvailable:\s+(\d+) kB/m.exec(await read("/proc/meminfo"))?.[1]) * 1024;
}

/** Bytes of the blocks that a file really has, without holes. */
export async function allocatedBytes(path: string): Promise<number> {
  const found = await stat(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  return found.blocks * 512; // always in units of 512 bytes, whatever the file system's block size is
}
