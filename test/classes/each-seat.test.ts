import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ExitCode, UserError } from "../../base/errors.js";
import type { ClassRecord } from "../../classes/class-record.js";
import { eachSeat, exitCodeOf, type MemberEnd, problemOf } from "../../classes/each-seat.js";
import { settled } from "../../model/events.js";
import { seatDir, writeRecord } from "../../seats/seat-record.js";
import { seatRecord } from "../seats/record.js";

let dir = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "each-seat-"));
  vi.stubEnv("XDG_STATE_HOME", dir);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

const record: ClassRecord = {
  ...{ schema: 1, name: "one", lab: "l", labDir: "/labs/l", created: "2026-01-01" },
  members: ["ann", "bob", "eve"].map((seat) => ({ seat, name: "", email: "", id: seat })),
};
/** Does something with each seat of the class, of which these exist. */
async function each(seats: string[], work: (seat: string) => Promise<void>): Promise<MemberEnd<void>[]> {
  for (const seat of seats) await writeRecord(seatRecord({ seat }));
  const { signal } = new AbortController();
  return settled(eachSeat(record, "working", ({ seat }) => work(seat), { signal }));
}
const problems = (ends: MemberEnd<void>[]) => ends.map(({ end, member }) => [member.seat, problemOf(end)]);

it("a learner without a seat is named, and is not done", async () => {
  const ends = await each(["ann", "eve"], async () => {});
  expect(problems(ends)).toEqual([
    ["ann", undefined],
    ["bob", "no seat"],
    ["eve", undefined],
  ]);
  expect(exitCodeOf(ends)).toBe(ExitCode.couldNotLook);
});

it("what failed counts more than a missing seat", async () => {
  const ends = await each(["ann", "eve"], async (seat) => {
    if (seat === "ann") throw new UserError("no", { why: "a reason" });
  });
  expect(problems(ends).slice(0, 2)).toEqual([
    ["ann", "no: a reason"],
    ["bob", "no seat"],
  ]);
  expect(exitCodeOf(ends)).toBe(ExitCode.failed);
  expect(exitCodeOf(await each(["ann", "bob", "eve"], async () => {}))).toBe(ExitCode.done);
});

it("a record that can't be read fails alone; it is no missing seat", async () => {
  await writeRecord(seatRecord({ seat: "bob" }));
  await writeFile(join(seatDir({ lab: "l", seat: "bob" }), "seat.json"), '{"schema": 2, "lab"');
  const ends = await each(["ann", "eve"], async () => {});
  expect(problems(ends)).toEqual([
    ["ann", undefined],
    ["bob", expect.stringMatching(/the record of seat "bob" .* can't be read: .* is damaged/)],
    ["eve", undefined],
  ]);
  expect(exitCodeOf(ends)).toBe(ExitCode.failed);
});

it("a class without any seat is an error", async () => {
  await expect(each([], async () => {})).rejects.toMatchObject({
    message: 'class "one" has no seats',
    exitCode: ExitCode.notFound,
  });
});
