import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ExitCode } from "../../base/errors.js";
import { labName, labOf, meantSeat, onlyTarget } from "../../cli/seat-meant.js";
import { type SeatRecord, writeRecord } from "../../seats/seat-record.js";
import { seatRecord } from "../seats/record.js";

const record = (labDir: string, lab = "first-boot"): SeatRecord => seatRecord({ lab, seat: "alice", labDir });

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

test("a target that is not named is the seat's only one", () => {
  expect(onlyTarget(seatRecord({ targets: ["guest"] }))).toBe("guest");
  expect(() => onlyTarget(seatRecord())).toThrow(expect.objectContaining({ exitCode: ExitCode.usage }));
});

describe("the seat that up means", () => {
  let dir = "";
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "trilab-seats-"));
    vi.stubEnv("XDG_STATE_HOME", dir);
    vi.stubEnv("TRILAB_SEAT", "me");
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(dir, { recursive: true });
  });
  const there = (lab: string, seat: string) => writeRecord({ ...record(`/nowhere/${lab}`, lab), seat });

  test("is the newcomer's where none is there", async () => {
    expect(await meantSeat(undefined, undefined)).toEqual({ lab: "first-boot", seat: "me" });
    expect(await meantSeat("web", undefined)).toEqual({ lab: "web", seat: "me" });
  });

  test("is the only one there, whatever its lab and name; of several one's own", async () => {
    await there("web", "alice");
    expect(await meantSeat(undefined, undefined)).toEqual({ lab: "/nowhere/web", seat: "alice" });
    expect(await meantSeat(undefined, "bob")).toEqual({ lab: "first-boot", seat: "bob" });
    await there("db", "me");
    expect(await meantSeat(undefined, undefined)).toEqual({ lab: "/nowhere/db", seat: "me" });
    await there("net", "me");
    await expect(meantSeat(undefined, undefined)).rejects.toMatchObject({ exitCode: ExitCode.usage });
    expect(await meantSeat("net", undefined)).toEqual({ lab: "net", seat: "me" });
  });

  test("is named by its lab's folder, the one that one stands in too", () => {
    expect([labName("web"), labName("./web/"), labName("/labs/web")]).toEqual(["web", "web", "web"]);
    expect(labName(".")).toBe(basename(process.cwd()));
  });
});
