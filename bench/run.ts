import { setMaxListeners } from "node:events";
import { execa } from "execa";

/** Aborted by Ctrl-C and by each failure. Everything that waits then stops; the cleanup does not use it. */
export const aborted = new AbortController();
// Each command that runs listens to it.
setMaxListeners(0, aborted.signal);

/** The result of a command. */
export interface Ran {
  /** From its start to its exit. */
  seconds: number;
  stdout: string;
  exitCode: number;
}

export interface RunOptions {
  env?: Record<string, string>;
  cwd?: string;
  /** Called with the command's process id. */
  started?: (pid: number) => void;
}

/**
 * Runs a command and measures its time. It runs in its own process group, so that a Ctrl-C in the terminal reaches it only
 * once, through us. Then it has a minute to end.
 *
 * @throws Error with the command's last lines when it fails or when the bench is aborted.
 */
export async function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  aborted.signal.throwIfAborted();
  const started = performance.now();
  const child = execa(file, args, {
    reject: false,
    stdin: "ignore",
    detached: true,
    cancelSignal: aborted.signal,
    forceKillAfterDelay: 60_000,
    ...(options.env ? { env: options.env } : {}),
    ...(options.cwd ? { cwd: options.cwd } : {}),
  });
  if (child.pid !== undefined) options.started?.(child.pid);
  const result = await child;
  const seconds = (performance.now() - started) / 1000;
  aborted.signal.throwIfAborted();
  if (result.exitCode !== 0) {
    const words = `${result.stdout}\n${result.stderr}`.trim().split("\n").slice(-12).join("\n");
    throw new Error(`${file} ${args.join(" ")}: exit ${result.exitCode ?? result.message}\n${words}`);
  }
  return { seconds, stdout: result.stdout, exitCode: result.exitCode };
}

/** Runs a command of the cleanup. It is never aborted, and never throws. */
export async function tidy(file: string, ...args: string[]): Promise<void> {
  await execa(file, args, { reject: false, stdin: "ignore", detached: true });
}

/** The first line that a command prints, or `undefined` if it is not installed or fails. */
export async function firstLine(file: string, ...args: string[]): Promise<string | undefined> {
  const result = await execa(file, args, { reject: false, stdin: "ignore", timeout: 20_000 });
  return result.exitCode === 0 ? result.stdout.trim().split("\n")[0] : undefined;
}

/** Waits for something that can't be interrupted, but only until the bench is aborted. */
export async function unlessAborted<T>(wait: Promise<T>): Promise<T> {
  const { signal } = aborted;
  signal.throwIfAborted();
  let stop = (): void => {};
  const end = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop);
  });
  try {
    return await Promise.race([wait, end]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
