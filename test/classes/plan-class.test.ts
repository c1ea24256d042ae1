import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ExitCode } from "../../base/errors.js";
import { writeClass } from "../../classes/class-record.js";
import type { ClassSpec } from "../../classes/define-class.js";
import { type ClassPlan, type LostParts, planClass } from "../../classes/plan-class.js";
import { loadLab } from "../../labs/load-lab.js";
import { LOCAL } from "../../model/endpoint.js";
import type { Target } from "../../model/naming.js";
import { readRecord, writeRecord } from "../../seats/seat-record.js";
import { seatRecord } from "../seats/record.js";

const GIB = 2 ** 30;
let memory = 0;
vi.mock("../../seats/seat-drivers.js", async (original) => ({
  ...(await original<typeof import("../../seats/seat-drivers.js")>()),
  driversAt: () => ({}),
}));
vi.mock("../../hosts/capacity.js", async (original) => ({
  ...(await original<typeof import("../../hosts/capacity.js")>()),
  hostCapacity: async () => ({ cpus: 2, memory, diskFree: undefined }),
}));

const lab = "first-boot";
let dir = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "plan-class-"));
  vi.stubEnv("XDG_STATE_HOME", dir);
  memory = 64 * GIB;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

/** Plans the class one, in which every seat has these targets, for the learners of a roster. */
async function plan(
  seats: string[],
  targets: Target[],
  more: Partial<ClassSpec> = {},
  lost?: LostParts,
): Promise<ClassPlan> {
  const roster = join(dir, "roster.csv");
  await writeFile(roster, ["id", ...seats].join("\n"));
  return planClass({
    spec: { name: "one", lab, roster, resume: true, targets, ...more },
    endpoints: LOCAL,
    ...(lost ? { lost } : {}),
  });
}
/** Writes the class with these seats. */
async function existing(seats: string[], targets: Target[]): Promise<void> {
  for (const seat of seats) await writeRecord(seatRecord({ lab, seat, targets, class: "one" }));
  const members = seats.map((seat) => ({ seat, name: "", email: "", id: seat }));
  await writeClass({ schema: 1, name: "one", lab, labDir: dir, created: "2026-01-01", members });
}

it("a seat whose learner has left the roster takes a place on its host", async () => {
  await existing(["ann", "bob"], ["container"]);
  const hosts = [{ name: "here", seats: 3 }];
  const { hosts: planned, staying } = await plan(["bob", "eve"], ["container"], { hosts });
  expect(planned).toMatchObject([{ now: 2, planned: 3 }]);
  expect(staying.map(({ seat }) => seat)).toEqual(["ann"]);
  await expect(plan(["bob", "eve", "dan"], ["container"], { hosts })).rejects.toMatchObject({
    message: "there is no room for 1 seat of the class",
    why: "here: 3 seats, 2 of them taken",
    exitCode: ExitCode.usage,
  });
});

it("its guest has its memory there, and a seat that only rents has none", async () => {
  const each = (await loadLab(lab)).machine.memory;
  await existing(["ann", "bob"], ["container", "guest"]);
  memory = 3 * each;
  expect((await plan(["bob", "eve"], ["guest"])).hosts).toMatchObject([{ guestMemory: 3 * each }]);
  memory = 2 * each;
  await expect(plan(["bob", "eve"], ["guest"])).rejects.toThrow('the class does not fit on host "default"');
  const ec2 = { kind: "ec2", region: "eu-west-1" } as const;
  const vps = { cloud: "aws", type: "t3.nano", credits: "standard" } as const;
  await writeRecord(seatRecord({ lab, seat: "ann", targets: ["vps"], vps, rentedAt: ec2, class: "one" }));
  expect((await plan(["bob", "eve"], ["guest"])).hosts).toMatchObject([
    { now: 1, planned: 2, guestMemory: 2 * each },
  ]);
});

it("a lost seat is planned as a new one on another host, and is still on record", async () => {
  await existing(["ann"], ["container"]);
  const hosts = [{ name: "lost" }, { name: "other", docker: "ssh://root@other", seats: 1 }];
  const lost = { hosts: new Set(["lost"]), seats: new Set(["ann"]) };
  const { seats } = await plan(["ann"], ["container"], { hosts }, lost);
  expect(seats).toMatchObject([{ host: "other", plan: { existing: undefined, request: { class: "one" } } }]);
  await expect(plan(["ann", "bob"], ["container"], { hosts }, lost)).rejects.toThrow("there is no room");
  expect(await readRecord({ lab, seat: "ann" })).toBeDefined();
});
