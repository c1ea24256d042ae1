import type { Readable, Writable } from "node:stream";
import { execa } from "execa";
import { printable } from "../base/printable.js";
import type { ExecOptions, ExecResult } from "./environment.js";

/** The exit code of ssh if ssh itself failed, not the remote command; here also for a client that was killed. */
export const UNREACHABLE = 255;

/** How long output may pause after its program has ended; then the rest is somebody else's. In milliseconds. */
const REST_MS = 1_000;

/** Runs `docker exec` or `ssh` to its end, or until its timeout. */
export async function runClient(
  file: "docker" | "ssh",
  args: readonly string[],
  options: ExecOptions,
): Promise<ExecResult> {
  const child = execa(file, args, {
    reject: false,
    timeout: options.timeoutMs ?? 60_000,
    ...(options.signal && { cancelSignal: options.signal }),
    ...(options.input === undefined
      ? { stdin: "ignore" }
      : options.reply
        ? { stdin: "pipe" }
        : { input: options.input }),
  });
  const { onOutput, reply } = options;
  if (reply && typeof options.input === "string")
    converse(child, options.input, (text) => reply(printable(text)));
  if (onOutput) child.stdout.setEncoding("utf8").on("data", (text: string) => onOutput(printable(text)));
  child.once("exit", (_, signal) => {
    // A client may have passed its output on to another process, like ssh to the one that keeps the connection open. We would
    // wait for that process, for ever if the guest is gone.
    const streams = [child.stdout, child.stderr];
    const drop = (): void => {
      for (const stream of streams) stream.destroy();
    };
    if (signal !== null) return drop();
    // An ssh before 8.7 also passes its standard error on when it ends by itself.
    const rest = setTimeout(drop, REST_MS);
    for (const stream of streams) stream.on("data", () => rest.refresh());
    child.once("close", () => clearTimeout(rest));
  });
  const result = await child;
  return {
    exitCode: result.exitCode ?? UNREACHABLE,
    stdout: printable(result.stdout ?? ""),
    // A client that did not run to its end says why only through execa.
    stderr: printable(result.stderr || (result.exitCode === undefined ? (result.shortMessage ?? "") : "")),
  };
}

/**
 * Runs a command and copies its output, which comes from a machine, to our own streams; without control characters unless `raw`.
 *
 * @param options.terminal The command puts our terminal into raw mode, in which a new line needs a carriage return.
 * @param options.input Its standard input: ours, or a pipe to which nothing is written, closed when we end.
 * @returns its exit code.
 */
export async function relay(
  file: string,
  args: readonly string[],
  {
    raw,
    terminal = false,
    input = "inherit",
  }: { raw: boolean; terminal?: boolean; input?: "inherit" | "pipe" },
): Promise<number> {
  if (raw) {
    const result = await execa(file, args, { reject: false, stdio: [input, "inherit", "inherit"] });
    return result.exitCode ?? UNREACHABLE;
  }
  const child = execa(file, args, { reject: false, buffer: false, stdin: input });
  const fit = (text: string): string =>
    terminal ? printable(text).replaceAll("\n", "\r\n") : printable(text);
  for (const [from, to] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ] as const)
    from.setEncoding("utf8").on("data", (text: string) => to.write(fit(text)));
  // The reader has closed the pipe (`trilab logs -f | head -1`).
  const end = (): void => void child.kill();
  process.stdout.once("error", end);
  const { exitCode } = await child;
  process.stdout.off("error", end);
  return exitCode ?? UNREACHABLE;
}

/** Writes `input` and then, as output comes, the replies to it. */
function converse(
  { stdin, stdout }: { stdin: Writable | null; stdout: Readable | null },
  input: string,
  reply: NonNullable<ExecOptions["reply"]>,
): void {
  stdin?.on("error", () => {}); // It ended without reading everything: its exit code says why.
  stdin?.write(input);
  stdout?.setEncoding("utf8").on("data", (text: string) => {
    const said = reply(text);
    if (said !== undefined && stdin?.writable) stdin.write(said);
  });
}
