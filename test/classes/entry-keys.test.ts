import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ssh2 from "ssh2";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { writeClass } from "../../classes/class-record.js";
import { openEntry } from "../../classes/ssh-entry.js";
import { newKeyPair } from "../../seats/seat-keys.js";
import { seatDir, writeRecord } from "../../seats/seat-record.js";
import { seatRecord } from "../seats/record.js";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "trilab-entry-"));
  vi.stubEnv("XDG_STATE_HOME", dir);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

it("a seat that has no keys yet admits nobody, and a login makes it none", async () => {
  const seat = seatRecord();
  await writeRecord(seat);
  const members = [{ seat: seat.seat, name: "Alice", email: "", id: "" }];
  const made = { schema: 1 as const, name: "one", lab: seat.lab, labDir: "/labs/x", created: "2026-01-01" };
  await writeClass({ ...made, members });
  const entry = await openEntry(made.name, { address: "127.0.0.1", port: 0, log: () => {} });
  try {
    const client = new ssh2.Client();
    const refused = once(client, "ready").then(
      () => "admitted",
      (error: unknown) => String(error),
    );
    const { private: privateKey } = await newKeyPair("anybody");
    client.connect({ host: "127.0.0.1", port: entry.port, username: seat.seat, privateKey });
    expect(await refused).toMatch(/authentication methods failed/);
    expect(await readdir(seatDir(seat))).toEqual(["seat.json"]);
  } finally {
    await entry.close();
  }
});
