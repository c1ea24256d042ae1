import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { Agent } from "node:http";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { inspect } from "node:util";
import { loginTurn } from "../login-turns.js";

/** Where a daemon is reached by ssh. */
export interface SshAddress {
  /** `[user@]host` */
  target: string;
  /** Absent: ssh's default. */
  port: number | undefined;
}

const agents = new Map<string, SshAgent>();

/**
 * The agent for an address. All clients of this process with the same limit share its connections.
 *
 * @param connections How many there are at most; further requests wait for one. Not for requests that last until another
 * one has been answered, such as a wait for the end of a container that is still to be started.
 */
export function sshAgent(address: SshAddress, connections = Number.POSITIVE_INFINITY): Agent {
  const key = `${address.target} ${address.port ?? ""} ${connections}`;
  const agent = agents.get(key) ?? new SshAgent(address, connections);
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

  constructor({ target, port }: SshAddress, connections: number) {
    super({ keepAlive: true, maxSockets: connections });
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

  // Not by the callback: the agent would not count connections that are not made yet.
  override createConnection(): Duplex {
    return connection(this.#args, () => loginTurn(this.#daemon));
  }
}

/**
 * The input and output of an `ssh` as one stream. It ends when all output has been read, which may be after the process
 * has ended; Duplex.from would end it with the input, and lose the rest of an answer.
 *
 * @param turn Waits until it may log in. @returns to be called when it has.
 */
function connection(args: readonly string[], turn: () => Promise<() => void>): Duplex {
  let child: ChildProcessWithoutNullStreams | undefined;
  let held = true;
  /** Lets the process and its pipes keep this process alive, or not. */
  const hold = (keeps: boolean): Duplex => {
    held = keeps;
    const how = keeps ? "ref" : "unref";
    child?.[how]();
    // Pipes to a process are sockets.
    for (const pipe of [child?.stdin, child?.stdout, child?.stderr]) (pipe as Socket | undefined)?.[how]();
    return stream;
  };
  const stream = new Duplex({
    allowHalfOpen: false,
    // Nothing is read or written before it is done.
    construct: (done) =>
      void turn().then((loggedIn) => {
        if (stream.destroyed) loggedIn();
        else child = start(args, stream, loggedIn);
        hold(held);
        done();
      }),
    read: () => void child?.stdout.resume(),
    // What could not be written does not matter: the process ends, and says why.
    write: (chunk, _encoding, done) => void child?.stdin.write(chunk, () => done()),
    final: (done) => void child?.stdin.end(() => done()),
    destroy: (error, done) => {
      child?.kill();
      done(error);
    },
  });
  // A connection that ends while nobody reads from it is an error of the stream that nobody waits for.
  stream.on("error", () => {});
  return Object.assign(stream, {
    // http expects a socket with these methods; for a pipe the first three do nothing.
    setTimeout: () => stream,
    setNoDelay: () => stream,
    setKeepAlive: () => stream,
    ref: () => hold(true),
    unref: () => hold(false),
  });
}

/** Starts the `ssh` of a stream, into which its output goes. */
function start(
  args: readonly string[],
  stream: Duplex,
  loggedIn: () => void,
): ChildProcessWithoutNullStreams {
  // A process group of its own: after Ctrl-C, the current step still needs the connection.
  const child = spawn("ssh", args, { stdio: "pipe", detached: true });
  // The daemon's first answer shows it.
  child.stdout.once("data", loggedIn);
  for (const end of ["close", "error"]) child.once(end, loggedIn);
  let complaint = "";
  child.stderr.on("data", (text: Buffer) => {
    complaint = `${complaint}${text}`.slice(-2000);
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
  return child;
}
