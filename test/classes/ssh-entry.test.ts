import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import ssh2, { type Client, type ClientChannel } from "ssh2";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type ClassRecord, writeClass } from "../../classes/class-record.js";
import { type Entry, openEntry } from "../../classes/ssh-entry.js";
import type { Session } from "../../drivers/entry-session.js";
import type { Environment } from "../../drivers/environment.js";
import type { Target } from "../../model/naming.js";
import { openEnvironment } from "../../seats/open-target.js";
import { makeSeatKeys, seatKeys } from "../../seats/seat-keys.js";
import { type SeatRecord, writeRecord } from "../../seats/seat-record.js";
import { seatRecord } from "../seats/record.js";

vi.mock("../../seats/open-target.js", () => ({ openEnvironment: vi.fn() }));

const NAME = "one";
let dir = "";
let entry: Entry;
let clients: Client[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "ssh-entry-"));
  vi.stubEnv("XDG_STATE_HOME", dir);
  clients = [];
  await enrol("ann");
  entry = await openEntry(NAME, { address: "127.0.0.1", port: 0, log: () => {} });
});
afterEach(async () => {
  for (const client of clients) client.end();
  await entry.close();
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

const seatOf = (seat: string, targets: readonly Target[] = ["container"]): SeatRecord =>
  seatRecord({ seat, targets });

/** Writes the class with these learners' seats, as `class up` does. */
async function enrol(...seats: string[]): Promise<void> {
  for (const seat of seats) {
    await writeRecord(seatOf(seat));
    await makeSeatKeys(seatOf(seat));
  }
  const members = seats.map((seat) => ({ seat, name: "", email: "", id: seat }));
  await writeClass({ ...classRecord, members });
}
const classRecord: ClassRecord = {
  ...{ schema: 1, name: NAME, lab: "l", labDir: "/labs/l", created: "2026-01-01", members: [] },
};

/** A learner's client, which has logged in with the key of the seat. */
async function logIn(seat: string): Promise<Client> {
  const { identityFile } = await seatKeys(seatOf(seat));
  const privateKey = await readFile(identityFile);
  const client = new ssh2.Client();
  clients.push(client);
  await new Promise<void>((resolve, reject) => {
    client.once("ready", resolve).once("error", reject);
    client.connect({ host: "127.0.0.1", port: entry.port, username: seat, privateKey });
  });
  client.on("error", () => {});
  return client;
}

const shell = (client: Client): Promise<ClientChannel> =>
  new Promise((resolve, reject) =>
    client.shell((error, channel) => (error ? reject(error) : resolve(channel))),
  );

/** What runs in a machine until it is closed. */
function running(): Session & { isClosed: boolean } {
  let over: (code: number) => void = () => {};
  const session = {
    ...{ stdin: new PassThrough(), stdout: new PassThrough(), isClosed: false, resize: () => {} },
    ended: new Promise<number>((resolve) => {
      over = resolve;
    }),
    close: async () => {
      session.isClosed = true;
      over(0);
    },
  };
  return session;
}

/** Has the machines open their sessions when told. */
function machines(open: () => Promise<Session>): void {
  vi.mocked(openEnvironment).mockResolvedValue({ session: open } as unknown as Environment);
}

it("knows a learner whom class up has added since it was opened, and nobody whom it took out", async () => {
  await enrol("bob");
  await logIn("bob");
  await expect(logIn("ann")).rejects.toThrow(/authentication/);
});

it("ends the session of who leaves, also if it was still opening", async () => {
  const session = running();
  let open: (session: Session) => void = () => {};
  const opened = vi.fn(() => new Promise<Session>((resolve) => (open = resolve)));
  machines(opened);
  const channel = await shell(await logIn("ann"));
  await vi.waitFor(() => expect(opened).toHaveBeenCalled());
  const closed = new Promise((resolve) => channel.resume().once("close", resolve));
  channel.close();
  await closed;
  open(session);
  await vi.waitFor(() => expect(session.isClosed).toBe(true));
});

it("refuses another session while ten are opening, also if their clients have closed them", async () => {
  const waiting: ((session: Session) => void)[] = [];
  machines(() => new Promise((resolve) => waiting.push(resolve)));
  const client = await logIn("ann");
  for (let i = 0; i < 10; i += 1) (await shell(client)).close();
  await expect(shell(client)).rejects.toThrow();
  await vi.waitFor(() => expect(waiting.length).toBe(10));
  for (const open of waiting) open(running());
  await vi.waitFor(() => shell(client));
  await vi.waitFor(() => expect(waiting.length).toBe(11));
  waiting[10]?.(running());
});

it("runs one thing in a session", async () => {
  machines(async () => running());
  const client = await logIn("ann");
  const channel = await shell(client);
  type Raw = { _protocol: { shell(id: number, wantReply: boolean): void }; outgoing: { id: number } };
  const raw = channel as unknown as Raw & { _client: Raw };
  raw._client._protocol.shell(raw.outgoing.id, false);
  await new Promise((resolve) => setTimeout(resolve, 200));
  await logIn("ann");
});

it("closes, with the sessions through it", async () => {
  const session = running();
  machines(async () => session);
  await shell(await logIn("ann"));
  await vi.waitFor(() => expect(session.stdout.listenerCount("data")).toBeGreaterThan(0));
  await entry.close();
  expect(session.isClosed).toBe(true);
});
