import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { Agent } from "node:http";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { inspect } from "node:util";
import { loginTurn } from "../ssh-logins.js";

/** Where a daemon is reached by ssh. */
export interface SshAddress {
  /** `[user@]host` */
  target: string;
  /** Absent: ssh's default. */
  port: number | undefined;
}

const agents = new Map<string, SshAgent>();

/** The agent for an address. All clients of this process share its connections. */
export function sshAgent(address: SshAddress): Agent {
  const key = `${address.target} ${address.port ?? ""}`;
  const agent = agents.get(key) ?? new SshAgent(address);
  agents.set(key, agent);
  return agent;
}

/**
 * Connects through the `ssh` command, as the docker CLI and the official provider do, so that the user's
 * ~/.ssh/config, known hosts and keys apply. (docker-modem's own ssh checks no host key.) A connection serves many
 * requests, because each login takes a second on a busy host. One that is idle does not keep this process alive.
 */
class SshAgent extends Agent {
  readonly #args: string[];
  readonly #daemon: string;

  constructor({ target, port }: SshAddress) {
    super({ keepAlive: true });
    this.#daemon = `docker at ${target} ${port ?? ""}`;
    this.#args = [
      ...["-o", "BatchMode=yes"],
      // A host that takes connections and says nothing must not keep an ssh for ever.
      ...["-o", "ConnectTimeout=15", "-o", "ServerAliveInterval=15"],
      "-T",
      ...(port === undefined ? [] : ["-p", String(port)]),
      "--",
      target,
      "docker",
      "system",
      "dial-stdio",
    ];
  }

  /** docker-modem prints each request's options, with all that is in them, for a debug log that nobody reads. */
  [inspect.custom](): string {
    return "SshAgent";
  }

  override createConnection(_: unknown, created?: (error: null, stream: Duplex) => void): undefined {
    void loginTurn(this.#daemon).then((loggedIn) => {
      // A process group of its own: after Ctrl-C, the current step still needs the connection.
      const child = spawn("ssh", this.#args, { stdio: "pipe", detached: true });
      // The daemon's first answer shows it.
      child.stdout.once("data", loggedIn);
      for (const end of ["close", "error"]) child.once(end, loggedIn);
      created?.(null, connection(child));
    });
  }
}

/**
 * A process's input and output as one stream. It ends when all output has been read, which may be after the process
 * has ended; Duplex.from would end it with the input, and lose the rest of an answer.
 */
function connection(child: ChildProcessWithoutNullStreams): Duplex {
  let complaint = "";
  child.stderr.on("data", (text: Buffer) => {
    complaint = `${complaint}${text}`.slice(-2000);
  });
  const stream = new Duplex({
    allowHalfOpen: false,
    read: () => void child.stdout.resume(),
    // What could not be written does not matter: the process ends, and says why.
    write: (chunk, _encoding, done) => void child.stdin.write(chunk, () => done()),
    final: (done) => void child.stdin.end(() => done()),
    destroy: (error, done) => {
      child.kill();
      done(error);
    },
  });
  child.stdin.on("error", () => {});
  child.stdout.on("data", (chunk: Buffer) => {
    if (!stream.push(chunk)) child.stdout.pause();
  });
  child.once("error", (error) => stream.destroy(error));
  child.once("close", (code) => {
    if (code === 0) stream.push(null);
    else stream.destroy(new Error(`ssh ended with ${code}: ${complaint.trim()}`));
  });
  // A connection that ends while nobody reads from it is an error of the stream that nobody waits for.
  stream.on("error", () => {});
  return Object.assign(stream, {
    // http expects a socket with these methods; for a pipe they do nothing.
    setTimeout: () => stream,
    setNoDelay: () => stream,
    setKeepAlive: () => stream,
    ref: () => hold(child, "ref", stream),
    unref: () => hold(child, "unref", stream),
  });
}

/** Lets a process and its pipes keep this process alive, or not. */
function hold(child: ChildProcessWithoutNullStreams, how: "ref" | "unref", stream: Duplex): Duplex {
  child[how]();
  for (const pipe of [child.stdin, child.stdout, child.stderr]) (pipe as unknown as Socket)[how]();
  return stream;
}
