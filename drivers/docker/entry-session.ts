import { randomBytes } from "node:crypto";
import { PassThrough } from "node:stream";
import type Docker from "dockerode";
import { UNREACHABLE } from "../client.js";
import type { Session, SessionRequest } from "../entry-session.js";

/** Where Debian has the program that sshd starts for SFTP. */
const SFTP_SERVER = "/usr/lib/openssh/sftp-server";

/** Ends every process with the variable $1 in its environment, because Docker leaves what a client started that has gone. */
const END = `for process in /proc/[0-9]*; do grep -qz "^$1$" $process/environ && kill -HUP \${process#/proc/}; done 2>/dev/null; :`;

/**
 * Starts a session in a container, as sshd would.
 *
 * @param login The user, its home folder, its environment, and its shell.
 */
export async function openContainerSession(
  container: Docker.Container,
  login: { user: string; home: string; environment: Readonly<Record<string, string>>; shell: string },
  { run, terminal }: SessionRequest,
): Promise<Session> {
  const mark = `TRILAB_SESSION=${randomBytes(8).toString("hex")}`;
  const command =
    run === undefined
      ? [login.shell, "--login"]
      : run === "sftp"
        ? [SFTP_SERVER]
        : [login.shell, "-c", run.line];
  const variables = { ...login.environment, ...(terminal ? { TERM: terminal.term } : {}) };
  const exec = await container.exec({
    Cmd: command,
    Env: [...Object.entries(variables).map(([key, value]) => `${key}=${value}`), mark],
    User: login.user,
    WorkingDir: login.home,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    Tty: terminal !== undefined,
  });
  const stream = await exec.start({ hijack: true, stdin: true, Tty: terminal !== undefined });
  const resize = (columns: number, rows: number): void =>
    void exec.resize({ w: columns, h: rows }).catch(() => {}); // It may just have ended.
  if (terminal) resize(terminal.columns, terminal.rows);
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  if (terminal) stream.pipe(stdout);
  else {
    container.modem.demuxStream(stream, stdout, stderr);
    stream.once("end", () => {
      stdout.end();
      stderr.end();
    });
  }
  const ended = new Promise<number>((resolve) => {
    const over = (): void =>
      void exec.inspect().then(
        ({ ExitCode }) => resolve(ExitCode ?? UNREACHABLE),
        () => resolve(UNREACHABLE),
      );
    stream.once("end", over);
    stream.once("error", over);
    stream.once("close", over);
  });
  return {
    stdin: stream,
    stdout,
    ...(terminal ? {} : { stderr }),
    ended,
    resize,
    close: async () => {
      stream.destroy();
      await container
        .exec({ Cmd: [login.shell, "-c", END, login.shell, mark], User: login.user })
        .then((end) => end.start({ Detach: true }))
        .catch(() => {}); // The container may have ended, and the session with it.
    },
  };
}
