import { timingSafeEqual } from "node:crypto";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import ssh2, { type AuthContext, type Connection, type ParsedKey, type ServerChannel } from "ssh2";
import { messageOf } from "../base/errors.js";
import { privateDir } from "../base/paths.js";
import { UNREACHABLE } from "../drivers/client.js";
import type { Session, SessionRequest, Terminal } from "../drivers/entry-session.js";
import { TARGETS, type Target } from "../model/naming.js";
import { openEnvironment } from "../seats/open-target.js";
import { keyPair, type SshKeys, seatKeysIfMade } from "../seats/seat-keys.js";
import { type SeatRecord, targetsOf } from "../seats/seat-record.js";
import { withUnitLock } from "../shared/shared-state.js";
import { classesDir, readClass, unitIn } from "./class-record.js";
import { seatIn } from "./class-seats.js";

/*
 * The door for learners: an SSH server of our own, which knows learners and targets, and no accounts or shells of this host.
 * OpenSSH's sshd would need a system account for each learner.
 */

export interface EntryOptions {
  /** Where it listens. Port 0: any free one. */
  address: string;
  port: number;
  /** Told of each session's begin and end: who, where, how long. Never what was typed. */
  log(line: string): void;
}

export interface Entry {
  port: number;
  /** Its public host key, in OpenSSH's format. */
  hostKey: string;
  /** Ends it, and the sessions through it. What takes longer than ten seconds is not waited for. */
  close(): Promise<void>;
}

/** Connections at once, from all learners together, and from those who have not shown a key yet. */
const MOST_CONNECTIONS = 200;
/** Sessions at once in one connection. */
const MOST_SESSIONS = 10;
/** How long a client may take to show its key, in milliseconds. */
const LOGIN_MS = 30_000;
/** How long clients and machines may take to end their sessions when the entry closes, in milliseconds. */
const CLOSE_MS = 10_000;

/**
 * Opens the door of a class. `ssh SEAT@HOST` leads to the seat's only target, or to a choice; `ssh SEAT.TARGET@HOST` to one target.
 * The key is the seat's own, or the learner's if the roster has one. Forwarding, agents and X11 are refused. Who is in the class
 * is looked up at each login.
 */
export async function openEntry(className: string, { address, log, port }: EntryOptions): Promise<Entry> {
  const key = await entryKey();
  let open = 0;
  const connections = new Set<Connection>();
  const running = new Set<Promise<void>>();
  const server = new ssh2.Server({ hostKeys: [key.privateKey] }, (connection) => {
    open += 1;
    connections.add(connection);
    connection.once("close", () => {
      open -= 1;
      connections.delete(connection);
    });
    connection.on("error", () => {}); // It closes.
    if (open > MOST_CONNECTIONS) connection.end();
    else serve(connection, className, log, running);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, address, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    hostKey: key.publicKey,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const connection of connections) connection.end();
      await Promise.race([closed.then(() => Promise.all(running)), sleep(CLOSE_MS)]);
    },
  };
}

/** The server's key, made at its first start, so that learners' clients know it again, whoever runs the server. */
export async function entryKey(): Promise<SshKeys> {
  const file = join(await privateDir(classesDir()), ENTRY_KEY);
  return withUnitLock(ENTRY_UNIT, { what: "the entry's key", waitMs: 30_000 }, () =>
    keyPair(file, "trilab-class"),
  );
}

const ENTRY_KEY = "entry-host-key";
const ENTRY_UNIT = unitIn(ENTRY_KEY, [ENTRY_KEY, `${ENTRY_KEY}.pub`]);

/** Who logged in, and where to. */
interface Visitor {
  seat: SeatRecord;
  /** Absent: not chosen yet. */
  target?: Target | undefined;
}

/** @param running Gets each session that runs, until it has ended. */
function serve(
  connection: Connection,
  className: string,
  log: (line: string) => void,
  running: Set<Promise<void>>,
): void {
  let visitor: Visitor | undefined;
  const late = setTimeout(() => connection.end(), LOGIN_MS);
  connection.on("authentication", (attempt) => {
    void admitted(attempt, className).then(
      (found) => {
        if (found === undefined) return attempt.reject(["publickey"]);
        // Without a signature, the client only asks whether the key would do.
        if (attempt.method === "publickey" && attempt.signature) visitor = found;
        attempt.accept();
      },
      () => attempt.reject(["publickey"]),
    );
  });
  connection.once("ready", () => clearTimeout(late));
  connection.once("close", () => clearTimeout(late));
  let sessions = 0;
  connection.on("session", (accept, reject) => {
    const who = visitor;
    if (who === undefined || sessions >= MOST_SESSIONS) return reject();
    sessions += 1;
    const session = accept();
    const left = new AbortController();
    let run = Promise.resolve();
    session.once("close", () => {
      left.abort();
      // What was begun in a machine counts until it has ended there.
      void run.then(() => {
        sessions -= 1;
      });
    });
    let terminal: Terminal | undefined;
    let resize: Session["resize"] = () => {};
    session.on("pty", (take, _refuse, { cols, rows, ...info }) => {
      terminal = { term: ("term" in info && String(info.term)) || "xterm", columns: cols, rows };
      take?.();
    });
    session.on("window-change", (take, _refuse, { cols, rows }) => {
      if (terminal) terminal = { ...terminal, columns: cols, rows };
      resize(cols, rows);
      take?.();
    });
    // A session runs one thing: for a second request, there is no channel.
    const begin = (channel: ServerChannel | undefined, what: SessionRequest["run"]): void => {
      if (channel === undefined) return;
      channel.once("close", () => left.abort());
      const request = (): SessionRequest => ({ run: what, terminal });
      run = pass(channel, who, request, left.signal, log, (opened) => {
        resize = opened.resize;
      }).catch((error: unknown) => leave(channel, messageOf(error), 255));
      running.add(run);
      void run.then(() => running.delete(run));
    };
    session.on("shell", (take) => begin(take(), undefined));
    session.on("exec", (take, _refuse, { command }) => begin(take(), { line: command }));
    session.on("subsystem", (take, refuse, { name }) => (name === "sftp" ? begin(take(), "sftp") : refuse()));
    // Variables, agents and X11 are not passed on.
    session.on("env", (_take, refuse) => refuse?.());
    session.on("auth-agent", (_take, refuse) => refuse?.());
    session.on("x11", (_take, refuse) => refuse?.());
  });
  // No forwarding, in either direction.
  connection.on("tcpip", (_accept, reject) => reject());
  connection.on("request", (_accept, reject) => reject?.());
}

/** The seat of a class whose name and key a client has shown; `undefined` for everybody else. */
async function admitted(attempt: AuthContext, className: string): Promise<Visitor | undefined> {
  if (attempt.method !== "publickey") return undefined;
  const [name = "", word, ...more] = attempt.username.split(".");
  const target = TARGETS.find((each) => each === word);
  if (more.length > 0 || (word !== undefined && target === undefined)) return undefined;
  const record = await readClass(className);
  if (record === undefined || record.ended !== undefined) return undefined;
  const member = record.members.find(({ seat }) => seat === name);
  const found = member && (await seatIn(record, member));
  if (found === undefined || !("record" in found)) return undefined;
  const seat = found.record;
  const publicKey = member?.publicKey ?? (await seatKeysIfMade(seat))?.publicKey;
  if (publicKey === undefined) return undefined;
  const known = ssh2.utils.parseKey(publicKey);
  if (known instanceof Error || !shows(attempt, known as ParsedKey)) return undefined;
  return { seat, target };
}

function shows(attempt: AuthContext & { method: "publickey" }, known: ParsedKey): boolean {
  const [shown, own] = [attempt.key.data, known.getPublicSSH()];
  if (attempt.key.algo !== known.type || shown.length !== own.length || !timingSafeEqual(shown, own))
    return false;
  if (!attempt.signature) return true;
  return known.verify(attempt.blob as Buffer, attempt.signature, attempt.hashAlgo) === true;
}

/** Connects a client's channel with its target, until one of them ends. */
async function pass(
  channel: ServerChannel,
  { seat, target: named }: Visitor,
  request: () => SessionRequest,
  left: AbortSignal,
  log: (line: string) => void,
  onOpen: (session: Session) => void,
): Promise<void> {
  const there = targetsOf(seat);
  const [only, second] = there;
  const asks = request().run === undefined && request().terminal !== undefined;
  const target = named ?? (second === undefined ? only : asks ? await chosen(channel, there) : undefined);
  if (target === undefined || !there.includes(target)) {
    const ways = there.map((each) => `ssh ${seat.seat}.${each}@…`).join(", ");
    leave(channel, named ? `seat ${seat.seat} has no ${named}: ${ways}` : `name a machine: ${ways}`, 2);
    return;
  }
  const began = Date.now();
  const session = await (await openEnvironment(seat, target)).session(request());
  if (left.aborted) return session.close(); // Opening takes seconds in an emulated guest.
  log(`${new Date(began).toISOString()} ${seat.seat} ${target} begins`);
  onOpen(session);
  // A terminal's input has no end: who leaves closes the channel.
  channel.pipe(session.stdin, { end: request().terminal === undefined });
  session.stdout.pipe(channel, { end: false });
  session.stderr?.pipe(channel.stderr, { end: false });
  let closing: Promise<void> | undefined;
  const close = (): void => {
    closing ??= session.close();
  };
  left.addEventListener("abort", close);
  session.stdin.on("error", () => {}); // It has ended, and the client still types.
  const code = await session.ended;
  left.removeEventListener("abort", close);
  if (code === UNREACHABLE) close();
  log(
    `${new Date().toISOString()} ${seat.seat} ${target} ends after ${Math.round((Date.now() - began) / 1000)} s`,
  );
  channel.exit(code);
  channel.end();
  await closing;
}

/** Ctrl-C, Ctrl-D, q. */
const LEAVING = ["\u0003", "\u0004", "q"];

/** Asks for a target on the client's terminal. @returns `undefined` when the client left. */
async function chosen(channel: ServerChannel, targets: readonly Target[]): Promise<Target | undefined> {
  channel.write(`${targets.map((target, i) => `${i + 1}  ${target}`).join("\r\n")}\r\nWhich machine? `);
  for await (const typed of channel.iterator({ destroyOnReturn: false })) {
    const word = String(typed).trim();
    if (LEAVING.some((each) => String(typed).includes(each))) return undefined;
    const target = targets[Number(word) - 1] ?? targets.find((each) => each === word);
    if (target === undefined) continue;
    channel.write(`${target}\r\n`);
    return target;
  }
  return undefined;
}

function leave(channel: ServerChannel, why: string, code: number): void {
  channel.stderr.write(`trilab: ${why.split("\n")[0]}\r\n`);
  channel.exit(code);
  channel.end();
}
