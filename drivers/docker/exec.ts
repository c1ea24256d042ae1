import { Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { StringDecoder } from "node:string_decoder";
import type Docker from "dockerode";
import { printable } from "../../base/printable.js";
import { UNREACHABLE } from "../client.js";
import type { ExecOptions, ExecResult } from "../environment.js";

/** Characters of output that are kept; a command that prints more is left. */
const MOST_OUTPUT = 16 * 1024 * 1024;

/**
 * Runs a command in a container to its end, or until its timeout. Through the daemon's API, because the `docker` command
 * takes 50 ms of CPU, and over ssh also a login of its own.
 *
 * @throws what the daemon answers if there is no such container, or it does not run; the signal's reason.
 */
export async function execInContainer(
  container: Docker.Container,
  { command, user }: { command: readonly string[]; user: string },
  { input, onOutput, reply, signal, timeoutMs = 60_000 }: ExecOptions,
): Promise<ExecResult> {
  signal?.throwIfAborted();
  const stdin = input !== undefined;
  const exec = await container.exec({
    Cmd: [...command],
    User: user,
    AttachStdin: stdin,
    AttachStdout: true,
    AttachStderr: true,
  });
  const stream = await exec.start({ hijack: true, stdin });
  let left: string | undefined;
  const leave = (why: string): void => {
    left ??= why;
    stream.destroy();
  };
  const timer = setTimeout(() => leave(`no end within ${timeoutMs / 1000} s`), timeoutMs);
  const abort = (): void => leave("aborted");
  signal?.addEventListener("abort", abort);
  if (signal?.aborted) abort(); // While the daemon was asked.
  const output = { stdout: "", stderr: "" };
  const take = (name: keyof typeof output, onText: (text: string) => void = () => {}): Writable => {
    const decoder = new StringDecoder("utf8");
    return new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        const text = decoder.write(chunk);
        output[name] += text;
        onText(printable(text));
        if (output[name].length > MOST_OUTPUT) leave("it prints too much");
        done();
      },
    });
  };
  const stdout = take("stdout", (text) => {
    onOutput?.(text);
    const said = reply?.(text);
    if (said !== undefined && stream.writable) stream.write(said);
  });
  try {
    container.modem.demuxStream(stream, stdout, take("stderr"));
    if (stdin) {
      stream.write(input);
      if (!reply) stream.end();
    }
    // Only its end of reading counts: with `reply`, we may write until then.
    await finished(stream, { writable: false }).catch((error: unknown) => {
      if (left === undefined) throw error;
    });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
    stream.destroy();
  }
  signal?.throwIfAborted();
  const exitCode = left === undefined ? (await exec.inspect()).ExitCode : null;
  return {
    exitCode: exitCode ?? UNREACHABLE,
    stdout: printable(output.stdout),
    stderr: printable(output.stderr || left || ""),
  };
}
