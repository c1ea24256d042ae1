import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ExitCode } from "../../base/errors.js";
import { type ClassDown, takeDownClass } from "../../classes/class-down.js";
import { type ClassRecord, readClass, requireClass, writeClass } from "../../classes/class-record.js";
import { seatsOf } from "../../classes/class-seats.js";
import { bringUpClass } from "../../classes/class-up.js";
import { eachSeat } from "../../classes/each-seat.js";
import { planClass } from "../../classes/plan-class.js";
import { loadLab } from "../../labs/load-lab.js";
import { LOCAL } from "../../model/endpoint.js";
import { settled } from "../../model/events.js";
import type { SeatId } from "../../model/naming.js";
import { prepareRecord } from "../../seats/prepare-seat.js";
import { listSeats, readRecord, removeRecord, seatDir, writeRecord } from "../../seats/seat-record.js";
import { seatRecord } from "../seats/record.js";

/** Seats whose hosts do not answer. */
let silent: readonly string[] = [];
vi.mock("../../seats/seats-at-once.js", async (original) => ({
  ...(await original<typeof import("../../seats/seats-at-once.js")>()),
  // Removes the record alone.
  takeDownMany: async function* (ids: readonly SeatId[]) {
    yield* [];
    return Promise.all(
      ids.map(async (id) => {
        if (silent.includes(id.seat)) return { ...id, state: "failed", error: new Error("no answer") };
        await removeRecord(id);
        return { ...id, state: "done", result: { ...id, residue: [], left: {}, asked: [] } };
      }),
    );
  },
}));
vi.mock("../../seats/seat-drivers.js", async (original) => ({
  ...(await original<typeof import("../../seats/seat-drivers.js")>()),
  driversAt: () => ({}),
  driversOf: () => ({}),
}));
vi.mock("../../seats/reconcile.js", async (original) => ({
  ...(await original<typeof import("../../seats/reconcile.js")>()),
  requireVacant: async () => {},
}));

const lab = "first-boot";
let dir = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "class-seats-"));
  vi.stubEnv("XDG_STATE_HOME", dir);
  silent = [];
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

const write = async (
  name: string,
  seats: string[],
  more: Partial<ClassRecord> = {},
): Promise<ClassRecord> => {
  const members = seats.map((seat) => ({ seat, name: "", email: "", id: seat }));
  const record = { schema: 1 as const, name, lab, labDir: "/gone", created: "2026-01-01", members, ...more };
  await writeClass(record);
  return record;
};
/** Writes a seat of a class, of none (null), or of an older trilab (absent). */
const seat = (name: string, ofClass?: string | null) =>
  writeRecord(
    seatRecord({
      lab,
      seat: name,
      targets: ["container"],
      ...(ofClass === undefined ? {} : { class: ofClass }),
    }),
  );
const there = async (): Promise<string[]> => (await listSeats()).map((id) => id.seat);
const down = (name: string | undefined): Promise<ClassDown> =>
  (async () => {
    const { signal } = new AbortController();
    return settled(takeDownClass(await requireClass(name), { chosen: LOCAL, hostGone: false, signal }));
  })();
const names = async (record: ClassRecord): Promise<string[]> =>
  (await seatsOf(record)).map(({ member }) => member.seat);
async function plan(name: string, ...seats: string[]) {
  const roster = join(dir, "roster.csv");
  await writeFile(roster, ["id", ...seats].join("\n"));
  return planClass({
    spec: { name, lab, roster, resume: true, targets: ["container"] },
    endpoints: LOCAL,
  });
}

it("class down leaves a learner's seat that another class has made", async () => {
  await write("mon", ["alice", "bob"]);
  await write("tue", ["alice"]);
  await seat("alice", "tue");
  await seat("bob", "mon");
  const { clean, ends, without } = await down("mon");
  expect([clean, ends.map((end) => end.seat), without]).toEqual([true, ["bob"], ["alice"]]);
  expect(await there()).toEqual(["alice"]);
});

it.each([["tue"], [null]])("what was made for %j after a class down is out of its reach", async (other) => {
  const mon = await write("mon", ["alice"], { ended: "2026-02-01" });
  await seat("alice", other);
  expect(await down(undefined)).toMatchObject({ clean: true, ends: [], without: ["alice"] });
  expect(await there()).toEqual(["alice"]);
  const { signal } = new AbortController();
  const work = async (): Promise<void> => expect.unreachable();
  await expect(settled(eachSeat(mon, "resetting", work, { signal }))).rejects.toMatchObject({
    message: 'class "mon" has no seats',
    exitCode: ExitCode.notFound,
  });
});

it("what a class down could not remove is removed by the next one", async () => {
  await write("mon", ["alice", "bob"]);
  await seat("alice", "mon");
  await seat("bob", "mon");
  silent = ["alice"];
  expect((await down("mon")).clean).toBe(false);
  expect([await there(), (await readClass("mon"))?.ended]).toEqual([["alice"], undefined]);
  silent = [];
  expect(await down("mon")).toMatchObject({ clean: true, ends: [{ seat: "alice" }] });
});

it("a seat whose record names no class is of the only class that is up with its learner", async () => {
  const mon = await write("mon", ["alice", "bob"]);
  await seat("alice");
  await seat("bob");
  expect(await names(mon)).toEqual(["alice", "bob"]);
  const tue = await write("tue", ["bob"]);
  expect([await names(mon), await names(tue)]).toEqual([["alice"], []]);
  await write("tue", ["bob"], { ended: "2026-02-01" });
  expect(await names(mon)).toEqual(["alice", "bob"]);
  expect(await names({ ...mon, ended: "2026-02-01" })).toEqual([]);
});

it("class up refuses seats of another class, of two, and of none", async () => {
  await write("mon", ["alice", "bob", "carol", "dan"]);
  await write("tue", ["carol"]);
  await seat("alice", "tue");
  await seat("bob", null);
  await seat("carol");
  await seat("dan", "mon");
  await expect(plan("mon", "alice", "bob", "carol", "dan", "eve")).rejects.toMatchObject({
    message: 'some seats of lab "first-boot" exist, and are not of class "mon"',
    why: [
      'alice: of class "tue"',
      "bob: a seat of its own",
      'carol: of class "mon" or class "tue", which an older trilab did not note in the seat',
    ].join("\n"),
    exitCode: ExitCode.usage,
  });
  const { seats } = await plan("mon", "dan", "eve");
  expect(seats.map(({ plan }) => [plan.id.seat, plan.request.class, plan.existing !== undefined])).toEqual([
    ["dan", "mon", true],
    ["eve", "mon", false],
  ]);
});

it("a class that was taken down is brought up again with the seats that name it", async () => {
  await write("mon", ["alice"], { ended: "2026-02-01" });
  await seat("alice", "mon");
  expect((await plan("mon", "alice")).seats.length).toBe(1);
  await seat("alice");
  await expect(plan("mon", "alice")).rejects.toThrow('are not of class "mon"');
});

it("class up without a record of the class takes the seats that name it, also of learners who left the roster", async () => {
  await seat("alice", "mon");
  await seat("bob", "mon");
  await seat("carol", "tue");
  const { existing, left, seats, staying } = await plan("mon", "alice", "eve");
  expect(existing).toBeUndefined();
  expect(seats.map(({ plan }) => plan.existing !== undefined)).toEqual([true, false]);
  expect([left, staying].map((members) => members.map((member) => member.seat))).toEqual([["bob"], ["bob"]]);
  await settled(bringUpClass({ ...(await plan("mon", "alice")), seats: [] }, { waitMs: 0 }));
  expect((await down("mon")).ends.map((end) => end.seat)).toEqual(["alice", "bob"]);
  expect(await there()).toEqual(["carol"]);
});

it("class up with another lab does not lose the seats of a class without a record", async () => {
  await writeRecord(seatRecord({ lab: "by-hand", seat: "alice", class: "mon" }));
  await expect(plan("mon", "alice")).rejects.toMatchObject({
    message: 'class "mon" has seats of another lab',
    exitCode: ExitCode.usage,
  });
});

it("a record that can't be read is reported by class up and class down, and keeps nobody else from anything", async () => {
  await write("mon", ["alice", "bob"]);
  await seat("bob", "mon");
  await seat("alice", "mon");
  await writeFile(join(seatDir({ lab, seat: "alice" }), "seat.json"), '{"schema": 2, "class": "mon"');
  const both = await plan("mon", "alice", "bob", "eve");
  expect(both.seats.map(({ learner, plan }) => [learner.seat, plan.existing !== undefined])).toEqual([
    ["bob", true],
    ["eve", false],
  ]);
  expect([...both.unreadable.keys()]).toEqual(["alice"]);
  const damaged = expect.stringContaining("is damaged");
  expect(await settled(bringUpClass(await plan("mon", "alice"), { waitMs: 0 }))).toMatchObject([
    { seat: "alice", state: "failed", problem: damaged },
  ]);
  expect((await readClass("mon"))?.members).toMatchObject([
    { seat: "alice", problem: damaged },
    { seat: "bob" },
  ]);
  expect((await down("mon")).ends.map((end) => end.seat)).toEqual(["alice", "bob"]);
});

it("a seat notes the class that makes it, or takes over an older one; any other stays as it is", async () => {
  const request = (name: string, ofClass?: string) => async () =>
    prepareRecord({
      ...{ lab: await loadLab(lab), seat: name, targets: ["container"] as const, endpoints: LOCAL },
      ...(ofClass === undefined ? {} : { class: ofClass }),
    });
  const noted = async (name: string) => (await readRecord({ lab, seat: name }))?.class;
  await request("alice", "mon")();
  await request("bob")();
  await seat("old");
  await request("old", "mon")();
  expect([await noted("alice"), await noted("bob"), await noted("old")]).toEqual(["mon", null, "mon"]);
  await request("alice")();
  await expect(request("alice", "tue")()).rejects.toMatchObject({
    why: 'it is of class "mon"',
    exitCode: ExitCode.usage,
  });
  await expect(request("bob", "tue")()).rejects.toThrow('is not of class "tue"');
  expect([await noted("alice"), await noted("bob")]).toEqual(["mon", null]);
});
