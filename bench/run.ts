import { execa } from "execa";

/** Ctrl-C and every failure end here: what waits, stops; cleaning up goes on without it. */
export const aborted = new AbortController();

/** A command that was run to its end. */
export interface Ran {
  /** Wall clock, from spawn to exit. */
  seconds: number;
  stdout: string;
  exitCode: number;
}

export interface RunOptions {
  env?: Record<string, string>;
  cwd?: string;
  /** Exit codes that are no failure. Default: 0. */
  accept?: readonly number[];
}

/**
 * Runs a command and takes its time. A group of its own, so that the terminal's Ctrl-C reaches it once, by us; it gets
 * a minute to end in order.
 *
 * @throws Error with the command's last words when it fails, and when the bench is being aborted.
 */
export async function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  aborted.signal.throwIfAborted();
  const started = performance.now();
  const result = await execa(file, args, {
    reject: false,
    stdin: "ignore",
    detached: true,
    cancelSignal: aborted.signal,
    forceKillAfterDelay: 60_000,
    ...(options.env ? { env: options.env } : {}),
    ...(options.cwd ? { cwd: options.cwd } : {}),
  });
  const seconds = (performance.now() - started) / 1000;
  aborted.signal.throwIfAborted();
  if (result.exitCode === undefined || !(options.accept ?? [0]).includes(result.exitCode)) {
    const words = `${result.stdout}\n${result.stderr}`.trim().split("\n").slice(-12).join("\n");
    throw new Error(`${file} ${args.join(" ")}: exit ${result.exitCode ?? result.message}\n${words}`);
  }
  return { seconds, stdout: result.stdout, exitCode: result.exitCode };
}

/** For cleaning up: runs to its end whatever happens, and never throws. */
export async function tidy(file: string, ...args: string[]): Promise<void> {
  await execa(file, args, { reject: false, stdin: "ignore", detached: true });
}

/** The first line a command prints, or `undefined` where it is not here or fails. */
export async function firstLine(file: string, ...args: string[]): Promise<string | undefined> {
  const result = await execa(file, args, { reject: false, stdin: "ignore", timeout: 20_000 });
  return result.exitCode === 0 ? result.stdout.trim().split("\n")[0] : undefined;
}

/** Waits for something that cannot be interrupted, but no longer than until the bench is aborted. */
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
