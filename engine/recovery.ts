import { readdir, readFile, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { ExitCode, hasCode, UserError } from "../base/errors.js";
import { type StackRef, stackFiles } from "./backend.js";

const lockSchema = z.object({
  pid: z.number(),
  username: z.string(),
  hostname: z.string(),
  timestamp: z.string(),
});
type EngineLock = z.infer<typeof lockSchema>;

/**
 * Removes the file backend's lock files whose engine is no longer alive (Pulumi never looks; its own `cancel`
 * removes live ones too). An engine that still runs — one whose CLI was killed finishes the step it is at and
 * exits — is waited for. Does nothing on other backends. The caller holds `stackLock(stack)`.
 *
 * @param options.waitMs How long to wait for a live engine, in milliseconds. Default 30 000.
 * @returns how many stale locks were removed.
 * @throws UserError (exit 7) when a live engine, or one of another machine, keeps the lock.
 */
export async function clearStaleLock(ref: StackRef, options: { waitMs?: number } = {}): Promise<number> {
  const dir = stackFiles(ref)?.locks;
  if (dir === undefined) return 0;
  const deadline = Date.now() + (options.waitMs ?? 30_000);
  let removed = 0;
  for (const file of await list(dir)) {
    for (;;) {
      const lock = await readLock(join(dir, file));
      if (lock === "gone") break;
      if (lock === "garbled" || (lock.hostname === hostname() && !(await isLiveEngine(lock.pid)))) {
        // It may have ended properly, taking its lock away, since the lock was read.
        if ((await readLock(join(dir, file))) === "gone") break;
        await rm(join(dir, file), { force: true });
        await rm(join(dir, `${file}.attrs`), { force: true });
        removed += 1;
        break;
      }
      if (lock.hostname !== hostname() || Date.now() >= deadline) throw stillLocked(ref.stack, lock);
      await sleep(200);
    }
  }
  return removed;
}

async function list(dir: string): Promise<string[]> {
  const names = await readdir(dir).catch((error: unknown) => {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  });
  return names.filter((name) => name.endsWith(".json"));
}

/** A lock cut short by a crash is garbled: nobody who holds a lock lives on after writing half of it. */
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

/** Whether this PID is a running pulumi: PIDs are used again, so where /proc tells, the program's name counts too. */
async function isLiveEngine(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return hasCode(error, "EPERM");
  }
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  if (stat === undefined) return process.platform !== "linux";
  // pid (comm) state: a zombie has ended, its parent has only not looked yet.
  const [, comm, state] = /\((.*)\) (\S)/.exec(stat) ?? [];
  return state !== "Z" && comm?.startsWith("pulumi") === true;
}

function stillLocked(stack: string, lock: EngineLock): UserError {
  return new UserError(`an engine is still working on "${stack}"`, {
    why: `process ${lock.pid} of ${lock.username} on ${lock.hostname}, since ${lock.timestamp}`,
    fix: "wait until it has finished, or end that process; what it has done so far is in the state",
    exitCode: ExitCode.locked,
  });
}
