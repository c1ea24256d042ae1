import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { saveRun } from "../../report/run-store.js";
import { addAttempts, type Entry } from "../../tasks/attempts.js";
import { solvedIn } from "../../tasks/solved.js";
import { syntheticRun } from "../report/fixture.js";

let dir = "";
const before = process.env.XDG_STATE_HOME;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "trilab-solved-"));
  process.env.XDG_STATE_HOME = dir;
});
afterEach(async () => {
  if (before === undefined) delete process.env.XDG_STATE_HOME;
  else process.env.XDG_STATE_HOME = before;
  await rm(dir, { recursive: true, force: true });
});

const run = { ...syntheticRun(), lab: "first-boot" };
const attempt: Entry = {
  ...{ at: "2026-01-02T04:00:00Z", kind: "answer", task: "whose-kernel", outcome: "met", answer: "host" },
  ...{ lab: "0123456789abcdef", by: "me@here" },
};

it("finds what was solved in a run's seat, with the seat's values in the titles", async () => {
  await saveRun(run);
  expect(await solvedIn(run)).toEqual([]);
  await addAttempts(run, [attempt]);
  const [found] = await solvedIn(run);
  expect(found?.[0]).toBe(run.id);
  expect(found?.[1]).toMatchObject({ points: 1 });
  expect(found?.[1].tasks.find(({ standing }) => standing === "met")?.id).toBe("whose-kernel");
  expect(found?.[1].tasks.map(({ title }) => title).join()).not.toContain("${");
});

it("finds nothing for a run that is not stored here, or whose lab is gone", async () => {
  await addAttempts(run, [attempt]);
  expect(await solvedIn(run)).toEqual([]);
  const other = { ...run, lab: "gone" };
  await saveRun(other);
  await addAttempts(other, [attempt]);
  expect(await solvedIn(other)).toEqual([]);
});
