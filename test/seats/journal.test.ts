import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { interruptedTargets } from "../../seats/finish-interrupted.js";
import { beginChange, changeBegun, endChange } from "../../seats/journal.js";
import { removeRecord } from "../../seats/seat-record.js";
import { seatRecord } from "./record.js";

const dir = await mkdtemp(join(tmpdir(), "trilab-journal-"));
const record = seatRecord();
beforeAll(() => void vi.stubEnv("XDG_STATE_HOME", dir));
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true, force: true });
});

it("a change is known from its begin to its end, with all that is needed to finish it", async () => {
  expect(await interruptedTargets(record)).toEqual([]);
  const container = { container: { name: "c", Cmd: ["run"] }, volumes: [{ Name: "c-home" }] };
  await beginChange(record, "container", { operation: "replace", container });
  await beginChange(record, "guest", { operation: "replace" });
  expect(await interruptedTargets(record)).toEqual(["container", "guest"]);
  expect(await changeBegun(record, "container")).toEqual({ operation: "replace", container });
  const saving = { operation: "save", snapshot: "before" } as const;
  await beginChange(record, "guest", saving);
  expect(await changeBegun(record, "guest")).toEqual(saving);
  await endChange(record, "container");
  expect(await changeBegun(record, "container")).toBeUndefined();
  expect(await interruptedTargets(record)).toEqual(["guest"]);
});

it("it is forgotten with the seat", async () => {
  await beginChange(record, "guest", { operation: "replace" });
  await removeRecord(record);
  expect(await interruptedTargets(record)).toEqual([]);
});
