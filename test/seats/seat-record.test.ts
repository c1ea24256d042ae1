import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { LOCAL } from "../../model/endpoint.js";
import { namedAsBefore, seatPrefix } from "../../model/naming.js";
import { withAddress } from "../../seats/rent-vps.js";
import {
  identified,
  listSeats,
  machineOf,
  readRecord,
  requireOwnNames,
  type SeatRecord,
  writeRecord,
} from "../../seats/seat-record.js";
import { seatRecord } from "./record.js";

const record = seatRecord();
const aws = { cloud: "aws" as const, type: "t3.nano", credits: "standard" as const };
/** The same seat with a VPS from AWS, which may have no address yet. */
const rentedSeat = (address?: string, fields: Partial<SeatRecord> = {}): SeatRecord =>
  seatRecord({
    ...fields,
    targets: ["container", "guest", "vps"],
    vps: aws,
    rentedAt: { kind: "ec2", region: "eu-west-1", ...(address ? { address } : {}) },
  });
const outputs = (address: string, id = "i-1") => ({
  targets: { value: { vps: { address, id } }, secret: false },
});

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

it("a record of the first version is read with the endpoints of its state, else with this machine's", async () => {
  const { schema: _, machines: __, ...kept } = seatRecord({ seat: "old" });
  const old = {
    ...kept,
    schema: 1,
    targets: ["container", "guest", "vps"],
    vps: {
      ...aws,
      region: "eu-west-1",
      account: "111111111111",
      address: "203.0.113.9",
      since: "2026-01-01",
    },
  };
  await writeRecord({ ...record, seat: "old" });
  const file = join(dir, "trilab/seats/l/old/seat.json");
  await writeFile(file, JSON.stringify(old));
  const [container, guest, vps] = (await readRecord({ lab: "l", seat: "old" }))?.machines ?? [];
  expect(container).toEqual({
    target: "container",
    name: "trilab-l-old-container",
    endpoint: LOCAL.docker,
    address: "10.213.0.194",
  });
  expect(guest).toMatchObject({ endpoint: LOCAL.libvirt, address: "10.213.0.210" });
  expect(vps).toEqual({
    target: "vps",
    name: "trilab-l-old-vps",
    endpoint: { kind: "ec2", region: "eu-west-1", account: "111111111111" },
    address: "203.0.113.9",
  });
  const afar = [
    { type: "pulumi:providers:docker", inputs: { host: "tcp://a:2376", certPath: "/certs" } },
    { type: "pulumi:providers:libvirt", inputs: { uri: "qemu+ssh://b/system" } },
  ].map((resource, i) => ({ urn: `urn:pulumi:s::p::t::n${i}`, ...resource }));
  const state = join(dir, "trilab/backend/.pulumi/stacks/trilab/trilab-l-old.json");
  await mkdir(dirname(state), { recursive: true });
  await writeFile(state, JSON.stringify({ version: 3, checkpoint: { latest: { resources: afar } } }));
  const read = await readRecord({ lab: "l", seat: "old" });
  expect(read?.machines.map(({ endpoint }) => endpoint)).toEqual([
    { kind: "docker", host: "tcp://a:2376", certPath: "/certs" },
    { kind: "libvirt", uri: "qemu+ssh://b/system" },
    { kind: "ec2", region: "eu-west-1", account: "111111111111" },
  ]);
  expect(read?.vps).toEqual({ ...aws, since: "2026-01-01" });
});

it("the address that AWS gave is written down, once and when it changes", async () => {
  const addressIn = (known: SeatRecord | undefined) => known && machineOf(known, "vps")?.address;
  await writeRecord(rentedSeat());
  const first = await withAddress(rentedSeat(), outputs("203.0.113.9"));
  expect(addressIn(first)).toBe("203.0.113.9");
  expect(await readRecord(record)).toEqual(first);
  expect(await withAddress(first, outputs("203.0.113.9"))).toBe(first);
  expect(addressIn(await withAddress(first, outputs("203.0.113.10")))).toBe("203.0.113.10");
});

it("an instance that was stopped costs from its first start on; another one costs from now on", async () => {
  const since = "2026-01-01T00:00:00.000Z";
  const known = rentedSeat("203.0.113.9", { seat: "again" });
  const vps = { ...aws, since, stoppedSeconds: 60 };
  const again = await withAddress({ ...known, vps: { ...vps, instance: "i-1" } }, outputs("203.0.113.10"));
  expect(again.vps).toEqual({ ...vps, instance: "i-1" });
  const other = await withAddress({ ...known, vps: { ...vps, instance: "i-0" } }, outputs("203.0.113.10"));
  expect(other.vps).toEqual({ ...aws, instance: "i-1", since: expect.not.stringMatching(since) });
  // The record of an older trilab: the same address is the same machine.
  expect((await withAddress({ ...known, vps }, outputs("203.0.113.9"))).vps).toMatchObject({ since });
  expect((await withAddress({ ...known, vps }, outputs("203.0.113.10"))).vps?.since).not.toBe(since);
});

it("a rehearsal's address is its slot's: nothing is written", async () => {
  const local = seatRecord({ targets: ["vps"], vps: { ...aws, cloud: "local" } });
  expect(await withAddress(local, {})).toBe(local);
});

describe("a seat of an older trilab, which joined lab and seat by one hyphen", () => {
  const [id, other] = [
    { lab: "web", seat: "lab-1" },
    { lab: "web-lab", seat: "1" },
  ];
  const before = namedAsBefore(id);
  const old = seatRecord({ ...id, machines: seatRecord(before).machines });
  const folder = () => join(dir, "trilab/seats", id.lab, id.seat);
  const state = () => join(dir, "trilab/backend/.pulumi/stacks/trilab/trilab-web-lab-1.json");
  const writeState = async (seat: string): Promise<void> => {
    const type = "trilab:index:MatchedLab";
    const resources = [{ urn: `urn:pulumi:trilab-web-lab-1::trilab::${type}::${seat}`, type, inputs: {} }];
    await mkdir(dirname(state()), { recursive: true });
    await writeFile(state(), JSON.stringify({ version: 3, checkpoint: { latest: { resources } } }));
  };
  afterEach(async () => {
    await rm(folder(), { recursive: true, force: true });
    await rm(state(), { force: true });
    await rm(join(dir, "trilab/seats", other.lab), { recursive: true, force: true });
  });

  it.each(["v1", "v2"])("keeps its names by its record, %s", async (version) => {
    const { machines, schema: _, ...kept } = old;
    await writeRecord(old);
    if (version === "v1")
      await writeFile(
        join(folder(), "seat.json"),
        JSON.stringify({ ...kept, schema: 1, targets: machines.map(({ target }) => target) }),
      );
    const read = await readRecord(id);
    expect(read?.machines.map(({ name }) => name)).toEqual([
      "trilab-web-lab-1-container",
      "trilab-web-lab-1-guest",
    ]);
    expect(read && seatPrefix(read)).toBe("trilab-web-lab-1");
    expect(await identified(id)).toEqual(before);
    expect(await listSeats()).toContainEqual(before);
  });

  it("keeps them by its state, if the record is lost or damaged; another seat's state is not its own", async () => {
    await writeState(id.seat);
    expect(await identified(id)).toEqual(before);
    await mkdir(folder(), { recursive: true });
    await writeFile(join(folder(), "seat.json"), "{");
    expect(await identified(id)).toEqual(before);
    await writeState(other.seat);
    expect(await identified(id)).toEqual(id);
  });

  it("has names that a new seat can't get; that one is told whose they are", async () => {
    await writeRecord(old);
    await requireOwnNames(await identified(id));
    await expect(requireOwnNames(other)).rejects.toMatchObject({
      exitCode: 2,
      why: expect.stringMatching(/seat "lab-1" of lab "web".*trilab-web-lab-1/),
    });
  });

  it("does not name the seats of today: both may be there", async () => {
    for (const each of [id, other]) await writeRecord(seatRecord(each));
    for (const each of [id, other]) {
      expect(await readRecord(each)).toEqual(seatRecord(each));
      expect(await identified(each)).toEqual(each);
      await requireOwnNames(each);
    }
  });
});

it("an address makes no promise that is not in the record yet", async () => {
  const known = rentedSeat(undefined, { seat: "renewed" });
  await writeRecord(known);
  const renewed = await withAddress({ ...known, extendedTo: "never" }, outputs("203.0.113.9"));
  expect(renewed.extendedTo).toBe("never");
  const written = await readRecord(known);
  for (const each of [renewed, written]) expect(each && machineOf(each, "vps")?.address).toBe("203.0.113.9");
  expect(written).not.toHaveProperty("extendedTo");
});
