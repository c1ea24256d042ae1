import { mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ssh2 from "ssh2";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { openEnvironment } from "../../seats/open-target.js";
import { makeSeatKeys, newKeyPair, seatKeys, seatKeysIfMade } from "../../seats/seat-keys.js";
import { seatDir, writeRecord } from "../../seats/seat-record.js";
import { seatRecord } from "./record.js";

const record = seatRecord();
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "trilab-keys-"));
  vi.stubEnv("XDG_STATE_HOME", dir);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

it("keys are made once, and only read afterwards", async () => {
  const made = await makeSeatKeys(record);
  expect(await makeSeatKeys(record)).toEqual(made);
  expect(await seatKeys(record)).toEqual(made);
  expect(made.hostKey).toBe(await readFile(made.hostKeyFile, "utf8"));
});

it("who only reads makes none: that a seat has none yet is an error, and nobody's key fits", async () => {
  await writeRecord(record);
  expect(await seatKeysIfMade(record)).toBeUndefined();
  await expect(seatKeys(record)).rejects.toMatchObject({ fix: "trilab up l --seat s" });
  await expect(openEnvironment(record, "guest")).rejects.toThrow(/has no keys yet/);
  expect(await readdir(seatDir(record))).toEqual(["seat.json"]);
});

it("keys that can't be read are not made anew", async () => {
  const { identityFile } = await makeSeatKeys(record);
  await rename(identityFile, `${identityFile}.kept`);
  await mkdir(identityFile);
  await expect(makeSeatKeys(record)).rejects.toThrow(/id_ed25519 can't be read/);
  await expect(seatKeys(record)).rejects.toThrow(/id_ed25519 can't be read/);
});

it("one host key is pinned for guest and VPS, at each one's address", async () => {
  const rentedSeat = (address?: string) =>
    seatRecord({
      targets: ["container", "guest", "vps"],
      rentedAt: { kind: "ec2", region: "eu-west-1", ...(address ? { address } : {}) },
    });
  const { hostPublicKey, knownHostsFile } = await makeSeatKeys(rentedSeat("203.0.113.9"));
  expect(await readFile(knownHostsFile, "utf8")).toBe(
    `10.213.0.210 ${hostPublicKey}\n203.0.113.9 ${hostPublicKey}\n`,
  );
  await seatKeys(rentedSeat());
  expect(await readFile(knownHostsFile, "utf8")).toBe(`10.213.0.210 ${hostPublicKey}\n`);
});

it("makes keys that SSH reads, every one of them", async () => {
  for (let i = 0; i < 2000; i++) {
    const made = await newKeyPair("machine");
    // The whole of a public key: its type and 32 bytes, each with its length.
    expect(Buffer.from(made.public.split(" ")[1] ?? "", "base64")).toHaveLength(51);
    expect(ssh2.utils.parseKey(made.private)).not.toBeInstanceOf(Error);
  }
});
