import { execa } from "execa";
import type { ExecOptions, ExecResult } from "./environment.js";

/** The exit code of ssh when it, not the remote command, failed; here also of a client that was ended. */
export const UNREACHABLE = 255;

/** Runs `docker exec` or `ssh` to its end, or for as long as the options allow it. */
export async function runClient(
  file: "docker" | "ssh",
  args: readonly string[],
  options: ExecOptions,
): Promise<ExecResult> {
  const child = execa(file, args, {
    reject: false,
    timeout: options.timeoutMs ?? 60_000,
    ...(options.signal && { cancelSignal: options.signal }),
    ...(options.input === undefined ? { stdin: "ignore" } : { input: options.input }),
  });
  if (options.onOutput) child.stdout.setEncoding("utf8").on("data", options.onOutput);
  child.once("exit", (_, signal) => {
    // Who was killed may have handed its output on, as ssh does to the process that keeps the connection: that would be
    // waited for, for ever where the guest is gone.
    if (signal !== null) for (const stream of [child.stdout, child.stderr]) stream.destroy();
  });
  const result = await child;
  return {
    exitCode: result.exitCode ?? UNREACHABLE,
    stdout: result.stdout ?? "",
    stderr: result.stderr || result.message || "",
  };
}
