import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { execa } from "execa";
import { ExitCode, hasCode, UserError } from "../base/errors.js";

/** The Debian package of each tool, for the error's fix. */
const packageOf: Readonly<Record<string, string>> = {
  mmdebstrap: "mmdebstrap",
  "qemu-img": "qemu-utils",
  mke2fs: "e2fsprogs",
  xz: "xz-utils",
  zstd: "zstd",
  tar: "tar",
  setpriv: "util-linux",
  mkisofs: "genisoimage",
};

/** A tool that ran and failed. `tail` contains its last lines. */
export class ToolFailure extends Error {
  override readonly name = "ToolFailure";
  constructor(
    readonly tool: string,
    readonly status: string,
    readonly tail: readonly string[],
    readonly logPath: string | undefined,
    /** A line, perhaps long before the last one, said that the file system is full. */
    readonly diskFull: boolean,
  ) {
    super(`${tool} failed (${status})${tail.length > 0 ? `: ${tail.at(-1)}` : ""}`);
  }
}

export interface RunOptions {
  cwd?: string;
  /** The file that the tool reads as its standard input. Default: none. */
  stdinFile?: string;
  /** Variables to add to its environment. */
  env?: Record<string, string>;
  /** The file to which everything that the tool prints is appended. */
  logPath?: string;
  /** Called with each line when it is printed. */
  onLine?: (line: string) => void;
  signal?: AbortSignal | undefined;
  /**
   * Runs it in its own mount and PID namespaces (needs root). Then all processes that the tool started end together with it,
   * at once, and its mounts disappear. Otherwise, a tool that is told to end may wait for the programs that it runs.
   */
  ownNamespaces?: boolean;
}

/**
 * Runs a tool to its end. If our process dies in any way, the kernel ends the tool, so that no build goes on without the
 * lock.
 *
 * @throws ToolFailure when it fails; UserError (exit 3) when it is not installed.
 */
export async function runTool(
  tool: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const log = options.logPath === undefined ? undefined : createWriteStream(options.logPath, { flags: "a" });
  // If the log can't be written (disk full), the tool's own error is still reported.
  log?.on("error", () => {});
  const tail: string[] = [];
  let diskFull = false;
  const apart = options.ownNamespaces === true;
  // The kernel ends a PID namespace together with its first process. unshare itself reacts only to this signal.
  const endSignal = apart ? "SIGKILL" : "SIGTERM";
  const enter = apart
    ? ["unshare", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child"]
    : [];
  const child = execa("setpriv", ["--pdeathsig", endSignal.slice(3), ...enter, tool, ...args], {
    reject: false,
    // In its own process group: when mmdebstrap is told to end, it sends SIGHUP to its whole group, which would include us.
    detached: true,
    stdin: options.stdinFile === undefined ? "ignore" : { file: options.stdinFile },
    all: true,
    buffer: { all: false, stdout: true, stderr: false },
    maxBuffer: 64 * 1024 ** 2,
    env: { LC_ALL: "C.UTF-8", ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.signal === undefined
      ? {}
      : { cancelSignal: options.signal, killSignal: endSignal, forceKillAfterDelay: 10_000 }),
  });
  const reading = (async () => {
    for await (const line of child.iterable({ from: "all" })) {
      diskFull ||= /No space left on device|not enough free (disk )?space|ENOSPC/i.test(line);
      // mmdebstrap prints dpkg's command line, which is pages long.
      tail.push(line.length > 300 ? `${line.slice(0, 300)} …` : line);
      if (tail.length > 40) tail.shift();
      log?.write(`${line}\n`);
      options.onLine?.(line);
    }
  })().catch(() => {});
  const result = await child;
  await reading;
  if (log !== undefined) {
    log.end();
    await finished(log).catch(() => {});
  }
  if (!result.failed) return result.stdout;
  options.signal?.throwIfAborted();
  const missing =
    hasCode(result, "ENOENT") ||
    tail.some((line) => /^(setpriv|unshare): failed to execute /.test(line) && line.includes(tool));
  if (missing)
    throw new UserError(`${tool} is not installed`, {
      why: "the matched image is built with it",
      fix: `install it: apt-get install ${packageOf[tool] ?? tool}`,
      exitCode: ExitCode.hostNotReady,
    });
  const status = result.signal === undefined ? `exit ${result.exitCode ?? "unknown"}` : result.signal;
  throw new ToolFailure(tool, status, tail, options.logPath, diskFull);
}
