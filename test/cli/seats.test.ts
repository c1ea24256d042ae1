import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { labOf } from "../../cli/seats.js";
import type { SeatRecord } from "../../seats/seat-record.js";

const record = (labDir: string, lab = "first-boot"): SeatRecord => ({
  ...{ schema: 1, lab, seat: "alice", labDir, owner: "me@here", created: "2026-01-01T00:00:00Z" },
  ...{ expires: "never", slot: 1, targets: ["container"], user: "lab", image: "x", disk: 1 },
});

test("a seat's lab is the folder it was made from", async () => {
  const folder = await mkdtemp(join(tmpdir(), "trilab-lab-"));
  await writeFile(join(folder, "lab.yaml"), "");
  expect(await labOf(record(folder))).toBe(folder);
  await rm(folder, { recursive: true });
});

test("where that folder is gone, it is the registered lab of its name", async () => {
  expect(await labOf(record("/nowhere/first-boot"))).toBe("first-boot");
});

test("a lab that is gone altogether is named by its folder, for the error to show", async () => {
  expect(await labOf(record("/nowhere/mine", "mine"))).toBe("/nowhere/mine");
});
