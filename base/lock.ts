import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { execa } from "execa";
import { ExitCode, UserError } from "./errors.js";

export interface Holder {
  pid: number;
  command: string;
  /** ISO 8601. */
  since: string;
}

export interface LockOptions {
  /** Wait this long for another holder, in milliseconds. Default 0: fail at once. */
  waitMs?: number;
  /** What the lock guards, for the error: `seat "alice" of lab "first-boot"`. */
  what: string;
}

/** What our `flock` exits with when the lock is taken (EX_TEMPFAIL); its own failures have other codes. */
const CONFLICT = 75;

/**
 * An advisory flock(2) on `path`, which the kernel releases when the holder ends, however it ends.
 * Node has no flock: util-linux's `flock` holds it for a `cat` that ends when our end of its stdin closes.
 *
 * @throws UserError (exit 7) naming the holder when the lock stays taken past `waitMs`; UserError (exit 3) when `path`
 *   can't be locked at all.
 */
export async function withLock<T>(path: string, options: LockOptions, body: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const child = execa(
    "flock",
    [
      "--wait",
      String((options.waitMs ?? 0) / 1000),
      "--conflict-exit-code",
      String(CONFLICT),
      path,
      "sh",
      "-c",
      "echo locked; exec cat",
    ],
    { reject: false, stdin: "pipe", buffer: { stdout: false }, detached: true },
  );
  const taken = await new Promise<boolean>((resolve, reject) => {
    child.stdout.once("data", () => resolve(true));
    child.once("error", reject);
    child.once("exit", () => resolve(false));
  }).catch((error: unknown) => {
    throw new UserError("the flock command cannot be run", {
      why: "trilab guards every stack with a file lock, taken by util-linux's flock",
      fix: "install util-linux (apt-get install util-linux; brew install flock)",
      exitCode: ExitCode.hostNotReady,
      cause: error,
    });
  });
  if (!taken) {
    const { exitCode, stderr } = await child;
    if (exitCode !== CONFLICT) {
      throw new UserError(`${path} cannot be locked`, {
        why: stderr.trim() || `flock ended with code ${exitCode}`,
        fix: "make it writable, on a file system that has flock(2)",
        exitCode: ExitCode.hostNotReady,
      });
    }
    const holder = await readHolder(path);
    throw new UserError(`${options.what} is in use by another run`, {
      why: holder
        ? `process ${holder.pid} (${holder.command}) has held it since ${holder.since}`
        : `${path} is locked`,
      fix: "wait until it has finished, or end that process",
      exitCode: ExitCode.locked,
    });
  }
  try {
    const holder: Holder = {
      pid: process.pid,
      command: ["trilab", ...process.argv.slice(2)].join(" "),
      since: new Date().toISOString(),
    };
    await writeFile(path, `${JSON.stringify(holder)}\n`, { mode: 0o600 });
    return await body();
  } finally {
    child.stdin.end();
    await child;
  }
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Holder;
  } catch {
    return undefined;
  }
}
