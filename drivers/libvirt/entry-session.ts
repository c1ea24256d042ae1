import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { Duplex } from "node:stream";
import type { Client, ClientChannel } from "ssh2";
import { messageOf, UserError } from "../../base/errors.js";
import { UNREACHABLE } from "../client.js";
import type { Session, SessionRequest } from "../entry-session.js";

/** Where a session goes to, and how it proves who it is. */
export interface SessionAccess {
  address: string;
  user: string;
  identityFile: string;
  knownHostsFile: string;
  /** A command that connects its input and output to the machine's SSH server, through another host. Absent: directly. */
  jump?: string | undefined;
}

/** How long a machine may take to accept a session, in milliseconds: emulated ones on a busy host are slow. */
const READY_MS = 60_000;

/** Starts a session in a machine with an SSH server, over a connection of its own. @throws UserError when it can't be entered. */
export async function openSshSession(
  access: SessionAccess,
  { run, terminal }: SessionRequest,
): Promise<Session> {
  const client = await connected(access);
  const window = terminal && {
    term: terminal.term,
    cols: terminal.columns,
    rows: terminal.rows,
    width: 0,
    height: 0,
  };
  const channel = await new Promise<ClientChannel>((resolve, reject) => {
    const took = (error: Error | undefined, opened: ClientChannel): void =>
      error ? reject(error) : resolve(opened);
    if (run === "sftp") client.subsys("sftp", took);
    else if (run) client.exec(run.line, window ? { pty: window } : {}, took);
    else client.shell(window ?? false, took);
  }).catch((error: unknown) => {
    client.destroy();
    throw notEntered(error);
  });
  const ended = new Promise<number>((resolve) => {
    channel.once("close", (code?: number | null) => {
      resolve(code ?? UNREACHABLE);
      client.end();
    });
    client.once("close", () => resolve(UNREACHABLE));
  });
  return {
    stdin: channel,
    stdout: channel,
    ...(terminal ? {} : { stderr: channel.stderr }),
    ended,
    resize: (columns, rows) => channel.setWindow(rows, columns, 0, 0),
    close: async () => void client.destroy(),
  };
}

async function connected({
  address,
  identityFile,
  jump,
  knownHostsFile,
  user,
}: SessionAccess): Promise<Client> {
  const { default: ssh2 } = await import("ssh2");
  const [privateKey, known] = await Promise.all([readFile(identityFile), readFile(knownHostsFile, "utf8")]);
  const keys = known.split("\n").flatMap((line) => {
    const [host, , key] = line.split(" ");
    return host === address && key ? [key] : [];
  });
  const client = new ssh2.Client();
  return new Promise((resolve, reject) => {
    client.once("ready", () => resolve(client));
    client.once("error", (error) => {
      client.destroy();
      reject(notEntered(error));
    });
    client.on("error", () => {}); // After it was entered, "close" says it.
    // A connection that ends during the login is no error of the client.
    client.once("close", () => reject(notEntered(new Error("the connection was closed during the login"))));
    client.connect({
      host: address,
      username: user,
      privateKey,
      hostVerifier: (key: Buffer) => keys.includes(key.toString("base64")),
      readyTimeout: READY_MS,
      keepaliveInterval: 15_000,
      ...(jump === undefined ? {} : { sock: through(jump, address) }),
    });
  });
}

const notEntered = (cause: unknown): UserError =>
  new UserError("the machine can't be entered now", { why: messageOf(cause), cause });

/** The input and output of a proxy command, as OpenSSH's ProxyCommand has it. */
function through(command: string, address: string): Duplex {
  const line = command.replaceAll("[%h]:%p", `[${address}]:22`).replaceAll("%%", "%");
  const child = spawn("sh", ["-c", `exec ${line}`], { stdio: ["pipe", "pipe", "ignore"] });
  const socket = Duplex.from({ writable: child.stdin, readable: child.stdout });
  socket.once("close", () => child.kill());
  return socket;
}
