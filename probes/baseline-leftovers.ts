import { readdir, readFile, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { hasCode } from "../base/errors.js";
import { ownStateDir } from "../base/paths.js";
import { pollUntil } from "../base/poll.js";
import { hasEnded } from "../base/processes.js";

/** One folder per baseline: `PID-…/root`, where its files are mounted, and `PID-…/tmp`, its /var/tmp. */
export const baselinesDir = (): string => join(ownStateDir(), "baseline");

/** The name of a baseline's cgroups. */
export const cgroupName = (name: string): string => `trilab-baseline-${name}`;

/** The folders in which cgroups with a CPU limit and a memory limit can be made: one for version 2, two for version 1. */
export async function cgroupRoots(): Promise<{ version: 1 | 2; folders: string[] }> {
  const controllers = await readFile("/proc/self/cgroup", "utf8");
  return /^\d+:([^:]*,)?memory[,:]/m.test(controllers)
    ? { version: 1, folders: ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup/memory"] }
    : { version: 2, folders: ["/sys/fs/cgroup"] };
}

/** Removes what killed `compare` commands left of their baselines: processes, cgroups, and folders. */
export async function sweepBaselines(): Promise<void> {
  const names = await readdir(baselinesDir()).catch((error: unknown) => {
    if (!hasCode(error, "ENOENT")) throw error;
    return [];
  });
  for (const name of names) {
    const pid = /^(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && hasEnded(Number(pid))) await removeBaseline(name);
  }
  await rmdir(baselinesDir()).catch(() => {}); // It does not exist, or contains baselines of others.
}

/**
 * Removes a baseline's processes, cgroups, and folder, in any state. Its mounts are in a namespace that ends with the processes.
 *
 * @throws Error if a process does not end, or if something is mounted in the folder.
 */
export async function removeBaseline(name: string): Promise<void> {
  for (const folder of (await cgroupRoots()).folders) await removeCgroup(join(folder, cgroupName(name)));
  const dir = join(baselinesDir(), name);
  // The image's files are mounted here, in another mount namespace. If they could be seen here, this fails and nothing is removed.
  await rmdir(join(dir, "root")).catch((error: unknown) => {
    if (!hasCode(error, "ENOENT")) throw error;
  });
  await rm(dir, { recursive: true, force: true });
}

async function removeCgroup(path: string): Promise<void> {
  const isEmpty = async (): Promise<boolean> => {
    const pids = await readFile(join(path, "cgroup.procs"), "utf8").catch((error: unknown) => {
      if (!hasCode(error, "ENOENT", "ENODEV")) throw error;
      return "";
    });
    for (const pid of pids.split("\n").filter(Boolean)) endProcess(Number(pid));
    return pids === "";
  };
  await pollUntil(isEmpty, { limitMs: 5_000, everyMs: 50 });
  await rmdir(path).catch((error: unknown) => {
    if (!hasCode(error, "ENOENT")) throw error;
  });
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!hasCode(error, "ESRCH")) throw error;
  }
}
