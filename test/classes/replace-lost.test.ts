import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ExitCode } from "../../base/errors.js";
import { writeClass } from "../../classes/class-record.js";
import type { ClassSpec } from "../../classes/define-class.js";
import { hostsOf, planClass } from "../../classes/plan-class.js";
import { findLost } from "../../classes/replace-lost.js";
import { type DockerEndpoint, type Endpoint, LOCAL, sameEndpoint } from "../../model/endpoint.js";
import { machineName } from "../../model/naming.js";
import { type SeatRecord, writeRecord } from "../../seats/seat-record.js";
import { seatRecord } from "../seats/record.js";

/** The daemons that do not answer, and those that refuse this computer. */
let silent: readonly Endpoint[] = [];
let refusing: readonly Endpoint[] = [];
const isIn = (list: readonly Endpoint[], endpoint: Endpoint): boolean =>
  list.some((each) => sameEndpoint(each, endpoint));
vi.mock("../../seats/seat-drivers.js", async (original) => ({
  ...(await original<typeof import("../../seats/seat-drivers.js")>()),
  answerOf: async (endpoint: Endpoint) =>
    isIn(silent, endpoint) ? "silent" : isIn(refusing, endpoint) ? "refuses" : "answers",
}));

const lab = "first-boot";
const far: DockerEndpoint = { kind: "docker", host: "ssh://root@far" };
const near: DockerEndpoint = { kind: "docker", host: "ssh://root@near" };
const vps = { type: "t3.nano", credits: "standard" } as const;
const rented = (seat: string): SeatRecord =>
  seatRecord({
    ...{ lab, seat, targets: ["vps"], vps: { ...vps, cloud: "aws" } },
    rentedAt: { kind: "ec2", region: "eu-west-1" },
  });
const rehearsed = (seat: string): SeatRecord =>
  seatRecord({ lab, seat, targets: ["vps"], vps: { ...vps, cloud: "local" } });
const contained = (seat: string, endpoint: DockerEndpoint): SeatRecord =>
  seatRecord({
    ...{ lab, seat },
    machines: [{ target: "container", name: machineName({ lab, seat }, "container"), endpoint }],
  });

let dir = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "replace-lost-"));
  vi.stubEnv("XDG_STATE_HOME", dir);
  [silent, refusing] = [[], []];
  vi.stubEnv("AWS_ACCESS_KEY_ID", "key");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

/** Writes a class with these seats, and a roster that wants the targets that they have, or others. @returns its class.yaml. */
async function classOf(seats: SeatRecord[], targets?: string): Promise<ClassSpec> {
  const roster = join(dir, "roster.csv");
  const wanted = ({ machines }: SeatRecord) => targets ?? machines.map(({ target }) => target).join(" ");
  const rows = seats.map((seat) => `${seat.seat},${wanted(seat)}`);
  await writeFile(roster, ["id,targets", ...rows].join("\n"));
  for (const seat of seats) await writeRecord(seat);
  const members = seats.map(({ seat }) => ({ seat, name: "", email: "", id: seat }));
  await writeClass({ schema: 1, name: "one", lab, labDir: dir, created: "2026-01-01", members });
  return { name: "one", lab, roster, resume: true };
}

/** The hosts and seats of a class that are lost while these daemons are silent. */
async function lost(
  seats: SeatRecord[],
  quiet: readonly Endpoint[],
  wish: Pick<ClassSpec, "cloud" | "hosts"> = {},
): Promise<[string[], string[]]> {
  silent = quiet;
  const { hosts, seats: gone } = await findLost({
    spec: { ...(await classOf(seats)), ...wish },
    endpoints: LOCAL,
  });
  return [hosts.map(({ name }) => name), gone.map(({ seat }) => seat)];
}

it("a class that only rents needs no daemon, so none of its seats is lost", async () => {
  expect(await lost([rented("a"), rented("b")], [LOCAL.docker, LOCAL.libvirt], { cloud: "aws" })).toEqual([
    [],
    [],
  ]);
});

it("a host that does not answer takes its own seats along, and none that is rented or elsewhere", async () => {
  const seats = [contained("a", far), contained("b", near), rented("c")];
  const hosts = [
    { name: "near", docker: near.host },
    { name: "far", docker: far.host },
  ];
  expect(await lost(seats, [], { hosts })).toEqual([[], []]);
  expect(await lost(seats, [far], { hosts })).toEqual([["far"], ["a"]]);
});

it("a seat whose VPS is rehearsed is lost with its libvirt, whatever new ones would be", async () => {
  const hosts = [{ name: "here" }, { name: "far", libvirt: "qemu+ssh://root@far/system" }];
  const seats = [rehearsed("a"), rented("b")];
  expect(await lost(seats, [LOCAL.libvirt], { cloud: "auto", hosts })).toEqual([["here"], ["a"]]);
});

const both = [
  { name: "near", docker: near.host },
  { name: "far", docker: far.host },
];

it("nothing is lost while no host answers: this computer may have no network", async () => {
  await expect(
    lost([contained("a", far), contained("b", near)], [far, near], { hosts: both }),
  ).rejects.toMatchObject({
    message: "no host of the class answers",
    fix: expect.stringContaining("this computer's network and keys"),
    exitCode: ExitCode.hostNotReady,
  });
});

it("a host that refuses this computer is not lost", async () => {
  refusing = [far];
  expect(await lost([contained("a", far), contained("b", near)], [], { hosts: both })).toEqual([[], []]);
});

it("a rented seat takes no place on a host", () => {
  const records = [rented("a"), contained("b", near)];
  const spec = { name: "one", lab, roster: "", resume: true };
  expect(hostsOf(spec, { ...LOCAL, docker: near }, records).map(({ now }) => now)).toEqual([1]);
});

it("a rented seat is planned on no host, until it gets a machine that needs one", async () => {
  const hosts = [{ name: "lab1", docker: "unix:///nowhere/docker.sock", seats: 1 }];
  const plan = async (targets: string) =>
    planClass({ spec: { ...(await classOf([rented("a")], targets)), hosts }, endpoints: LOCAL });
  const { hosts: planned, seats } = await plan("vps");
  expect(planned).toMatchObject([{ name: "lab1", now: 0, planned: 0 }]);
  expect(seats.map(({ host }) => host)).toEqual(["elsewhere"]);
  await expect(plan("vps container")).rejects.toThrow('host "lab1" does not answer');
});
