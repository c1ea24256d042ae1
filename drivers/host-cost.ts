import { readdir, readFile, stat } from "node:fs/promises";
import { freeBytes } from "../base/disk-space.js";
import { messageOf } from "../base/errors.js";
import { HostCostError } from "./machine.js";

/** USER_HZ: the kernel's unit of CPU times in /proc, 100 on every Linux that Debian builds. */
const TICKS = 100;

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new HostCostError(`can't read ${path}: ${messageOf(error)}`);
  }
}

/** Bytes of proportional set size from /proc/PID/smaps_rollup: shared pages count by their share. Pure. */
export function parsePss(rollup: string): number {
  const kib = /^Pss:\s+(\d+) kB/m.exec(rollup)?.[1];
  if (kib === undefined) throw new HostCostError("there is no Pss line in smaps_rollup");
  return Number(kib) * 1024;
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

/** A cgroup's usage less the file cache it could drop at once, as `docker stats` counts it. Bytes. Pure. */
export function workingSet(usage: string, stat: string): number {
  const inactive = /^(?:total_inactive_file|inactive_file) (\d+)/m.exec(
    stat.includes("total_inactive_file") ? stat.replace(/^inactive_file .*$/m, "") : stat,
  )?.[1];
  return Number(usage) - Number(inactive ?? 0);
}

/** User and system seconds of a process with its threads, from /proc/PID/stat. Pure. */
export function parseCpuSeconds(stat: string): number {
  // The name, in brackets, may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

export const processPss = async (pid: number): Promise<number> =>
  parsePss(await read(`/proc/${pid}/smaps_rollup`));

export const processCpuSeconds = async (pid: number): Promise<number> =>
  parseCpuSeconds(await read(`/proc/${pid}/stat`));

export async function parentOf(pid: number): Promise<number> {
  return Number(/^PPid:\s+(\d+)/m.exec(await read(`/proc/${pid}/status`))?.[1] ?? 0);
}

/** Bytes that the cgroup of a process holds, and the seconds of CPU time it used. Versions 1 and 2. */
export async function cgroupCost(pid: number): Promise<{ memory: number; cpuSeconds: number }> {
  const text = await read(`/proc/${pid}/cgroup`);
  const memory = cgroupPath(text, "memory");
  const cpu = cgroupPath(text, "cpuacct");
  if (memory === undefined || cpu === undefined)
    throw new HostCostError(`process ${pid} is in no cgroup that counts`);
  const usage = memory.version === 1 ? "memory.usage_in_bytes" : "memory.current";
  return {
    memory: workingSet(await read(`${memory.path}/${usage}`), await read(`${memory.path}/memory.stat`)),
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

/** Bytes an unprivileged user may still write on the file system of `path`. */
export async function diskFree(path: string): Promise<number> {
  const free = await freeBytes(path).catch(() => undefined);
  if (free === undefined) throw new HostCostError(`can't read the file system of ${path}`);
  return free;
}

/** MemAvailable, in bytes: what the kernel says that programs can still have without swapping. */
export async function memoryAvailable(): Promise<number> {
  return Number(/^MemAvailable:\s+(\d+) kB/m.exec(await read("/proc/meminfo"))?.[1]) * 1024;
}

/** Bytes of the blocks a file really has; holes are none. */
export async function allocatedBytes(path: string): Promise<number> {
  const found = await stat(path).catch((error: unknown) => {
    throw new HostCostError(`can't read ${path}: ${messageOf(error)}`);
  });
  return found.blocks * 512; // always of 512 bytes, whatever the file system's own are
}
