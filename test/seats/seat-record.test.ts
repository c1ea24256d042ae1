import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ssh2 from "ssh2";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { withAddress } from "../../seats/rent.js";
import {
  newKeyPair,
  readRecord,
  requireOwnNames,
  type SeatRecord,
  seatKeys,
  vpsAddress,
  writeRecord,
} from "../../seats/seat-record.js";

const record: SeatRecord = {
  schema: 1,
  lab: "l",
  seat: "s",
  labDir: "/labs/l",
  owner: "me@here",
  created: "2026-01-01T00:00:00.000Z",
  expires: "never",
  slot: 3,
  targets: ["container", "guest"],
  user: "lab",
  image: "0123456789abcdef",
  disk: 4 * 2 ** 30,
};
const aws = { cloud: "aws" as const, type: "t3.nano", credits: "standard" as const };
const outputs = (address: string) => ({ targets: { value: { vps: { address } }, secret: false } });

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "trilab-record-"));
  vi.stubEnv("XDG_STATE_HOME", dir);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

it("a record from before there were VPSs is read as it was", async () => {
  await writeRecord(record);
  expect(await readRecord(record)).toEqual(record);
});

it("the address that AWS gave is written down, once and when it changes", async () => {
  const rented = { ...record, vps: aws };
  const first = await withAddress(rented, outputs("203.0.113.9"));
  expect(first.vps?.address).toBe("203.0.113.9");
  expect(await readRecord(record)).toEqual(first);
  expect(await withAddress(first, outputs("203.0.113.9"))).toBe(first);
  expect((await withAddress(first, outputs("203.0.113.10"))).vps?.address).toBe("203.0.113.10");
});

it("a rehearsal's address is its slot's: nothing is written", async () => {
  const local = { ...record, vps: { ...aws, cloud: "local" as const } };
  expect(await withAddress(local, {})).toBe(local);
});

it("an empty address is one that is not known", () => {
  expect(vpsAddress({ ...record, vps: { ...aws, address: "" } })).toBeUndefined();
  expect(vpsAddress({ ...record, vps: { ...aws, address: "203.0.113.9" } })).toBe("203.0.113.9");
});

it("one host key is pinned for guest and VPS, at each one's address", async () => {
  const { hostPublicKey, knownHostsFile } = await seatKeys({
    ...record,
    vps: { ...aws, address: "203.0.113.9" },
  });
  expect(await readFile(knownHostsFile, "utf8")).toBe(
    `10.213.0.210 ${hostPublicKey}\n203.0.113.9 ${hostPublicKey}\n`,
  );
  await seatKeys({ ...record, vps: aws });
  expect(await readFile(knownHostsFile, "utf8")).toBe(`10.213.0.210 ${hostPublicKey}\n`);
});

it("a seat whose names would be another's is refused; the one that has them is not", async () => {
  await writeRecord({ ...record, lab: "web-lab", seat: "1" });
  await expect(requireOwnNames({ lab: "web", seat: "lab-1" })).rejects.toMatchObject({
    exitCode: 2,
    why: expect.stringContaining("trilab-web-lab-1"),
  });
  await requireOwnNames({ lab: "web-lab", seat: "1" });
  await requireOwnNames({ lab: "web", seat: "lab-2" });
});

it("an address makes no promise that is not in the record yet", async () => {
  const known = { ...record, seat: "renewed", vps: aws };
  await writeRecord(known);
  const renewed = await withAddress({ ...known, extendedTo: "never" }, outputs("203.0.113.9"));
  expect(renewed).toMatchObject({ extendedTo: "never", vps: { address: "203.0.113.9" } });
  const written = await readRecord(known);
  expect(written).toMatchObject({ vps: { address: "203.0.113.9" } });
  expect(written).not.toHaveProperty("extendedTo");
});

it("makes keys that SSH reads, every one of them", () => {
  for (let i = 0; i < 2000; i++) {
    const made = newKeyPair("machine");
    // The whole of a public key: its type and 32 bytes, each with its length.
    expect(Buffer.from(made.public.split(" ")[1] ?? "", "base64")).toHaveLength(51);
    expect(ssh2.utils.parseKey(made.private)).not.toBeInstanceOf(Error);
  }
});
