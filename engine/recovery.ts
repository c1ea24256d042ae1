import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { readdir, readFile, realpath, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, join } from "node:path";
import { z } from "zod";
import { ExitCode, hasCode, UserError } from "../base/errors.js";
import { localTime } from "../base/local-time.js";
import { pollUntil } from "../base/poll.js";
import { hasEnded, processOf } from "../base/processes.js";
import { type StackRef, stackFiles, type stackUnit, workDir } from "./backend.js";

const lockSchema = z.object({
  pid: z.number(),
  username: z.string(),
  hostname: z.string(),
  timestamp: z.string(),
});
type EngineLock = z.infer<typeof lockSchema>;

/**
 * Removes the file backend's lock files of engines that no longer run. (Pulumi itself never does; its `cancel` also removes
 * those of running engines.) Waits for an engine that still runs: if its CLI was killed, it finishes its step and exits. Does
 * nothing on other backends. The caller holds `stackLock(stack)`.
 *
 * @param options.waitMs How long to wait for a live engine, in milliseconds. Default 30 000.
 * @returns how many stale locks were removed.
 * @throws UserError (exit 7) when a running engine, or one on another machine, keeps the lock.
 */
export async function clearStaleLock(ref: StackRef, options: { waitMs?: number } = {}): Promise<number> {
  const deadline = Date.now() + (options.waitMs ?? 30_000);
  await endOrphans(ref.stack, deadline);
  const dir = stackFiles(ref)?.locks;
  if (dir === undefined) return 0;
  let removed = 0;
  for (const file of await list(dir)) {
    let live: EngineLock | undefined;
    const free = async (): Promise<boolean> => {
      const lock = await readLock(join(dir, file));
      if (lock === "gone") return true;
      if (lock === "garbled" || (lock.hostname === hostname() && !isLiveEngine(lock.pid))) {
        // The engine may have ended and removed its lock after we read it.
        if ((await readLock(join(dir, file))) === "gone") return true;
        await rm(join(dir, file), { force: true });
        await rm(join(dir, `${file}.attrs`), { force: true });
        removed += 1;
        return true;
      }
      if (lock.hostname !== hostname()) throw stillLocked(ref.stack, lock, join(dir, file));
      live = lock;
      return false;
    };
    const freed = await pollUntil(free, { limitMs: deadline - Date.now(), everyMs: 200 });
    if (!freed && live) throw stillLocked(ref.stack, live, join(dir, file));
  }
  return removed;
}

/** How long an orphan must have been without a plugin before it is ended, in milliseconds. */
const IDLE_MS = 3_000;

/**
 * Ends engines of this stack whose CLI was killed, and plugins whose engine was killed. The caller holds the stack's lock, so
 * every other process in its directory is such an orphan. An engine with plugins is working on a step, which it finishes, and
 * then exits. One without plugins waits for its CLI for ever, ignores signals, and has nothing to lose, so it is ended. A plugin
 * without an engine may wait for ever, too, and is ended; what it was making is found by name. Without /proc, does nothing.
 *
 * @returns whether none is left; false: an engine is still at work.
 */
export async function endOrphans(stack: string, deadline = Date.now() + 30_000): Promise<boolean> {
  // Nobody has worked on a new stack.
  if (!existsSync(workDir(stack))) return true;
  // The kernel resolves symbolic links in the processes' directories.
  const dir = await realpath(workDir(stack));
  const idleSince = new Map<number, number>();
  const ended = async (): Promise<boolean> => {
    const processes = listProcesses();
    const here = processes.filter((p) => p.cwd === dir);
    const engines = here.filter((p) => p.name === "pulumi");
    if (engines.length === 0) {
      for (const { pid } of here.filter(isPlugin)) end(pid);
      return true;
    }
    for (const { pid } of engines) {
      if (processes.some((p) => p.parent === pid)) idleSince.delete(pid);
      else if (!idleSince.has(pid)) idleSince.set(pid, Date.now());
      else if (Date.now() - (idleSince.get(pid) ?? 0) > IDLE_MS) end(pid);
    }
    return false;
  };
  return pollUntil(ended, { limitMs: deadline - Date.now(), everyMs: 200 });
}

/** {@link endOrphans} of the stack in a seat's unit. @throws UserError (exit 7) when an engine is still at work. */
export async function endOrphansOf({ lock }: ReturnType<typeof stackUnit>): Promise<void> {
  const stack = basename(lock, ".lock");
  if (await endOrphans(stack)) return;
  throw new UserError(`an engine is still working on "${stack}"`, {
    why: "its command was killed; it finishes its step",
    fix: "run the command again in a minute",
    exitCode: ExitCode.locked,
  });
}

/**
 * Ends an engine and all processes that it started, also in the middle of a step. Pulumi puts each plugin into its own process
 * group, so they are found as its descendants. The next command finds by name what was being made.
 */
export async function endEngine(engine: number): Promise<void> {
  const processes = listProcesses();
  const tree = [engine];
  for (const pid of tree) tree.push(...processes.filter((p) => p.parent === pid).map((p) => p.pid));
  for (const pid of tree) end(pid);
}

/** The names of Pulumi's plugins, and of the Terraform providers that its bridge starts. The kernel keeps 15 characters of a name. */
const isPlugin = ({ name }: Pick<ProcessInfo, "name">): boolean =>
  /^(pulumi-resource|terraform-provi)/.test(name);

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!hasCode(error, "ESRCH")) throw error; // It has ended by itself.
  }
}

interface ProcessInfo {
  pid: number;
  parent: number;
  name: string;
  cwd: string | undefined;
}

/**
 * All processes; the working directory is read only for engines and plugins. Synchronous, because reading a file of /proc
 * takes microseconds, and a host may have thousands.
 */
function listProcesses(): ProcessInfo[] {
  return namesIn("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const there = processOf(Number(name));
      if (there === undefined) return [];
      const found = { pid: Number(name), ...there };
      const looks = found.name === "pulumi" || isPlugin(found);
      return [{ ...found, cwd: looks ? orNone(() => readlinkSync(`/proc/${name}/cwd`)) : undefined }];
    });
}

/** Empty if there is no /proc. */
const namesIn = (dir: string): string[] => orNone(() => readdirSync(dir)) ?? [];

/** `undefined` if the process has ended while it was read. */
function orNone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

async function list(dir: string): Promise<string[]> {
  const names = await readdir(dir).catch((error: unknown) => {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  });
  return names.filter((name) => name.endsWith(".json"));
}

/** The content of a lock file; `garbled` after a crash of its writer, which then no longer holds the lock. */
async function readLock(file: string): Promise<EngineLock | "gone" | "garbled"> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  });
  if (text === undefined) return "gone";
  try {
    return lockSchema.parse(JSON.parse(text));
  } catch {
    return "garbled";
  }
}

/** Whether this PID is a running pulumi. PIDs are reused, so the program's name is checked, too, if /proc shows it. */
const isLiveEngine = (pid: number): boolean =>
  !hasEnded(pid) && (processOf(pid)?.name.startsWith("pulumi") ?? true);

function stillLocked(stack: string, lock: EngineLock, file: string): UserError {
  return new UserError(`an engine is still working on "${stack}"`, {
    why: `process ${lock.pid} of ${lock.username} on ${lock.hostname}, since ${localTime(lock.timestamp)}`,
    fix:
      lock.hostname === hostname()
        ? "wait until it has finished, or end that process; the state contains what it has done until then"
        : `wait until it has finished; if ${lock.hostname} is this machine's former name, or that process has ended, remove its lock: rm '${file}'`,
    exitCode: ExitCode.locked,
  });
}
