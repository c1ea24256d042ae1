import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { execa } from "execa";
import { ExitCode, hasCode, UserError } from "./errors.js";
import { localTime } from "./local-time.js";
import { resultsOf } from "./results-of.js";

export interface Holder {
  pid: number;
  command: string;
  /** ISO 8601. */
  since: string;
}

export interface LockOptions {
  /** How long to wait for another holder, in milliseconds. Default 0: fail at once. */
  waitMs?: number;
  /** Ends the waiting when aborted. A lock that is held is not touched. */
  signal?: AbortSignal | undefined;
  /** What the lock guards, for the error: `seat "alice" of lab "first-boot"`. */
  what: string;
  /** Called at the end: whether the guarded thing is gone, so that the lock file can be removed. Default: it stays. */
  isGone?: () => Promise<boolean>;
}

/** The exit code of our `flock` process when the lock is taken (EX_TEMPFAIL); failures of `flock` have other codes. */
const CONFLICT = 75;
/** The exit code when the previous holder has removed the locked file. */
const REMOVED = 76;

/** Locks the file $0 for as long as standard input is open, waiting $1 seconds for another holder. */
const HOLD = `exec 9>>"$0"
flock --wait "$1" --conflict-exit-code ${CONFLICT} 9 || exit
[ "$0" -ef /dev/fd/9 ] || exit ${REMOVED}
echo locked
exec cat`;

/**
 * Holds an advisory flock(2) on `path`, which the kernel releases when the holder ends, in any way. Node has no flock, so
 * util-linux's `flock` holds it for a `cat`, which ends when our end of its stdin closes.
 *
 * @throws UserError (exit 7) naming the holder when the lock stays taken past `waitMs`; UserError (exit 3) when `path`
 *   can't be locked at all; the signal's reason when it is aborted.
 */
export async function withLock<T>(path: string, options: LockOptions, body: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const release = await take(path, options);
  const hold = async (): Promise<T> => {
    const holder: Holder = {
      pid: process.pid,
      command: ["trilab", ...process.argv.slice(2)].join(" "),
      since: new Date().toISOString(),
    };
    // Only another process's message needs it. On a full disk, `trilab down` must still run.
    await writeFile(path, `${JSON.stringify(holder)}\n`, { mode: 0o600 }).catch(() => {});
    return body();
  };
  // Only the lock's holder may remove its file; a waiting process notices that, and creates another.
  const removeFile = async (): Promise<void> => {
    if (await options.isGone?.()) await rm(path, { force: true });
  };
  const [end] = await Promise.allSettled([hold()]);
  const [removed] = await Promise.allSettled([removeFile()]);
  await release();
  const [result] = resultsOf([end, removed] as const);
  return result;
}

/** @returns a function that releases the lock. */
async function take(path: string, options: LockOptions): Promise<() => Promise<void>> {
  const { signal } = options;
  const wait = String((options.waitMs ?? 0) / 1000);
  for (;;) {
    signal?.throwIfAborted();
    const child = execa("sh", ["-c", HOLD, path, wait], {
      reject: false,
      stdin: "pipe",
      buffer: { stdout: false },
      detached: true,
    });
    // The shell waits for its `flock`, so both are ended.
    const stop = (): void => endGroup(child.pid);
    signal?.addEventListener("abort", stop);
    const taken = await new Promise<boolean>((resolve, reject) => {
      child.stdout.once("data", () => resolve(true));
      child.once("error", reject);
      child.once("exit", () => resolve(false));
    }).finally(() => signal?.removeEventListener("abort", stop));
    const release = async (): Promise<void> => {
      child.stdin.end();
      await child;
    };
    if (signal?.aborted) await release();
    signal?.throwIfAborted();
    if (taken) return release;
    const { exitCode, stderr } = await child;
    if (exitCode !== REMOVED) throw await notTaken(path, options, exitCode, stderr);
  }
}

function endGroup(leader: number | undefined): void {
  try {
    if (leader !== undefined) process.kill(-leader);
  } catch (error) {
    if (!hasCode(error, "ESRCH")) throw error; // It has ended by itself.
  }
}

async function notTaken(
  path: string,
  { what }: LockOptions,
  exitCode: number | undefined,
  stderr: string,
): Promise<UserError> {
  if (exitCode === 127) {
    return new UserError("the flock command cannot be run", {
      why: "trilab locks every stack with util-linux's flock",
      fix: "install util-linux (apt-get install util-linux; brew install flock)",
      exitCode: ExitCode.hostNotReady,
    });
  }
  if (exitCode !== CONFLICT) {
    return new UserError(`${path} cannot be locked`, {
      why: stderr.trim() || `flock ended with code ${exitCode}`,
      fix: "make it writable, on a file system with flock(2)",
      exitCode: ExitCode.hostNotReady,
    });
  }
  const holder = await readHolder(path);
  return new UserError(`${what} is in use by another run`, {
    why: holder
      ? `process ${holder.pid} (${holder.command}) has held it since ${localTime(holder.since)}`
      : `${path} is locked`,
    fix: "wait until it has finished, or end that process",
    exitCode: ExitCode.locked,
  });
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Holder;
  } catch {
    return undefined;
  }
}
