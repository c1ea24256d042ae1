import { existsSync } from "node:fs";
import { unlink } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { execa } from "execa";
import { pollUntil } from "../base/poll.js";
import { hasEnded } from "../base/processes.js";
import { claim, isOurs, machineFolder, removeUnused, shortName, socketsIn } from "./connection-claims.js";

/**
 * OpenSSH connections that stay open after a command, for the commands after it: under emulation, a login takes seconds of the
 * guest's CPU, and a command on an open connection a tenth of one. The first command's `ssh` leaves a process behind that keeps the
 * connection, and listens at a socket. It ends after some idle minutes, when the connection breaks, or by {@link closeConnections}.
 */

/** How long a connection stays open without a command, in seconds. */
const IDLE_S = 300;

/** A machine that is gone does not even refuse: then the connection ends after a minute. */
const ALIVE = ["-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=4"];

/** The longest path of a socket, less what ssh appends to it while it makes it. */
const LONGEST_PATH = 103 - 17;

/** How long the process of a connection may take to answer, and to end, in milliseconds. */
const END_MS = 2_000;

/** A connection that may be shared. */
export interface Shared {
  /** ssh's options to use it, or to open and keep it. */
  options: string[];
  /** To be called when the command is over. */
  release(): Promise<void>;
}

const ALONE: Shared = { options: [], release: async () => {} };

/**
 * The connection to a machine that is open, or one that the next `ssh` opens and keeps. If there can be none, or another process
 * is just opening it, the command gets a connection of its own.
 *
 * @param machine Its name.
 * @param key What distinguishes this connection from others to a machine of this name: user, address, keys, boot.
 */
export async function sharedConnection(machine: string, key: readonly string[]): Promise<Shared> {
  const socket = join(machineFolder(machine), shortName(...key));
  if (socket.length > LONGEST_PATH || !(await isOurs())) return ALONE;
  const use = ["-S", socket.replaceAll("%", "%%"), "-o"];
  if (await isOpen(socket)) return { ...ALONE, options: [...use, "ControlMaster=no"] };
  const release = await claim(socket);
  if (release === undefined) return ALONE;
  return {
    options: [...use, "ControlMaster=auto", "-o", `ControlPersist=${IDLE_S}`, ...ALIVE],
    release,
  };
}

/** Whether a process listens at a socket: one that was killed leaves it behind, and ssh removes it when it opens another. */
const isOpen = (socket: string): Promise<boolean> =>
  new Promise((resolve) => {
    const connection = connect(socket);
    connection.once("connect", () => resolve(true)).once("error", () => resolve(false));
    connection.once("connect", () => connection.destroy());
  });

/**
 * Closes all connections to a machine that are kept open, with the sessions on them. Resolves when their processes have ended. Does
 * nothing if there are none.
 */
export async function closeConnections(machine: string): Promise<void> {
  const dir = machineFolder(machine);
  if (!existsSync(dir) || !(await isOurs())) return;
  await Promise.all((await socketsIn(dir)).map(close));
  await removeUnused(dir);
}

async function close(socket: string): Promise<void> {
  const tell = (command: "check" | "exit") =>
    execa("ssh", ["-F", "none", "-S", socket.replaceAll("%", "%%"), "-O", command, "any"], {
      reject: false,
      stdin: "ignore",
      timeout: END_MS,
    });
  const { stderr } = await tell("check");
  const pid = Number(/pid=(\d+)/.exec(stderr)?.[1]);
  if (pid > 0) {
    await tell("exit");
    if (!(await pollUntil(async () => hasEnded(pid), { limitMs: END_MS, everyMs: 20 }))) endProcess(pid);
  }
  await unlink(socket).catch(() => {}); // ssh has removed it.
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, "SIGTERM");
  } catch {
    // It has just ended.
  }
}
