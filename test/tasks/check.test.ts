import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { loadLab } from "../../labs/load-lab.js";
import type { Task } from "../../labs/task-schema.js";
import { settled } from "../../model/events.js";
import { type Entry, readAttempts } from "../../tasks/attempts.js";
import { checkSeat, heldBefore } from "../../tasks/check.js";
import { seatRecord } from "../seats/record.js";

it("a task held before only under another start, whatever else is recorded of the machine", () => {
  const task = { id: "kept" } as Task;
  const entry = (boot: string): Entry => ({
    ...{ at: "t", kind: "check", task: "kept", lab: "d", by: "me", boot },
    evidence: { holds: "yes" },
  });
  expect(heldBefore(task, "b1 5 0123456789ab", [entry("b1 5")])).toBe(false); // of an older trilab
  expect(heldBefore(task, "b1 9 0123456789ab", [entry("b1 5")])).toBe(true);
  expect(heldBefore(task, "b2 5", [entry("b1 5")])).toBe(true);
});

describe("a task in a target that the seat does not have", () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "trilab-check-"));
    vi.stubEnv("XDG_STATE_HOME", dir);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(dir, { recursive: true });
  });

  it("could not be looked at, but that is no attempt: no grade waits for it", async () => {
    const lab = await loadLab("first-boot");
    const record = seatRecord({ targets: ["container"] });
    const { score } = await settled(checkSeat(record, lab, { only: ["note-guest"] }));
    expect(score.tasks.find(({ id }) => id === "note-guest")).toMatchObject({
      standing: "could-not-look",
      why: expect.stringContaining("the seat has no guest"),
    });
    expect((await readAttempts(record)).entries).toEqual([]);
  });
});
