import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ExitCode } from "../../base/errors.js";
import { thisMachine } from "../../base/this-machine.js";
import { readClass, withClassLock, writeClass } from "../../classes/class-record.js";
import { seatsOf } from "../../classes/class-seats.js";
import { entryKey } from "../../classes/ssh-entry.js";
import { LOCAL } from "../../model/endpoint.js";
import { withSeatLock } from "../../seats/deploy-seat.js";
import { makeSeatKeys, seatKeys } from "../../seats/seat-keys.js";
import {
  listSeats,
  onlyFrom,
  readRecord,
  removeRecord,
  seatDir,
  writeRecord,
} from "../../seats/seat-record.js";
import { sealWith } from "../../shared/seal.js";
import { SharedState } from "../../shared/shared-state.js";
import { addAttempt, readAttempts, seatKey } from "../../tasks/attempts.js";
import { seatRecord } from "../seats/record.js";
import { MemoryBucket } from "../support/memory-bucket.js";

const record = seatRecord();
const member = { seat: record.seat, name: "Alice", email: "", id: "" };
const class1 = {
  schema: 1 as const,
  name: "one",
  lab: record.lab,
  labDir: "/labs/x",
  created: "2026-01-01",
  members: [member],
};
const key = randomBytes(32);
let base = "";
let bucket = new MemoryBucket();

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "shared-class-"));
  bucket = new MemoryBucket();
});
afterEach(() => rm(base, { recursive: true, force: true }));

/** Runs something as an instructor on a machine of their own, at the start of a command. */
const as = async <T>(name: string, body: () => Promise<T>): Promise<T> => {
  const state = new SharedState("s3://bucket", join(base, name), name, bucket, sealWith(key));
  expect(await state.refresh()).toEqual([]);
  return state.run(body);
};

it("a class's learners, seats, keys, points and values are the same for both instructors", async () => {
  const [keys, value] = await as("a", () =>
    withClassLock("one", async () => {
      await writeClass(class1);
      return withSeatLock(record, async () => {
        await writeRecord(record);
        return [await makeSeatKeys(record), await seatKey(record)] as const;
      });
    }),
  );
  await as("b", async () => {
    expect(await readClass("one")).toEqual(class1);
    expect(await seatsOf(class1)).toEqual([{ member, record }]);
    const theirs = await seatKeys(record);
    expect([theirs.publicKey, theirs.hostKey]).toEqual([keys.publicKey, keys.hostKey]);
    expect(theirs.identityFile).not.toBe(keys.identityFile);
    expect(await seatKey(record)).toBe(value);
    await addAttempt(record, "lab", { kind: "check", task: "first", outcome: "met" });
  });
  await as("a", async () => {
    const { broken, entries } = await readAttempts(record);
    expect([broken, entries.map(({ task }) => task)]).toEqual([[], ["first"]]);
    await withSeatLock(record, () => removeRecord(record));
  });
  await as("b", async () => {
    expect(await listSeats()).toEqual([]);
    expect((await readAttempts(record)).entries.length).toBe(1);
  });
});

it("a record is in the bucket before its seat is made", async () => {
  await as("a", () =>
    withSeatLock(record, async () => {
      await writeRecord(record);
      await as("b", async () => expect(await readRecord(record)).toEqual(record));
    }),
  );
});

it("both add attempts at once: none is lost, and the chain holds", async () => {
  const add = (task: string) =>
    as("a", () => addAttempt(record, "lab", { kind: "check", task, outcome: "met" }));
  const addElsewhere = (task: string) =>
    as("b", () => addAttempt(record, "lab", { kind: "check", task, outcome: "met" }));
  await Promise.all([add("1"), addElsewhere("2"), add("3"), addElsewhere("4")]);
  await as("c", async () => {
    const { broken, entries } = await readAttempts(record);
    expect(broken).toEqual([]);
    expect(entries.map(({ task }) => task).sort()).toEqual(["1", "2", "3", "4"]);
  });
});

it("learners know the entry's key again, whoever runs it", async () => {
  const mine = await as("a", entryKey);
  expect(await as("b", entryKey)).toEqual(mine);
});

it("a seat on a machine's own daemons is not looked for, nor changed, from another machine", async () => {
  const remote = { kind: "docker" as const, host: "ssh://root@lab1" };
  await as("a", async () => {
    expect(await onlyFrom([remote])).toBeUndefined();
    expect(await onlyFrom([remote, LOCAL.libvirt])).toEqual(await thisMachine());
    expect(await onlyFrom([{ kind: "docker", host: "tcp://127.0.0.1:2376" }])).toEqual(await thisMachine());
    expect(await onlyFrom([{ kind: "libvirt", uri: "qemu+ssh://root@localhost/system" }])).toEqual(
      await thisMachine(),
    );
  });
  expect(await onlyFrom([LOCAL.docker])).toBeUndefined();
  const elsewhere = { ...record, onlyFrom: { id: "another", name: "lab1" } };
  await as("a", async () => {
    await withSeatLock(record, () => writeRecord(elsewhere));
    const refused = {
      message: expect.stringContaining('only be reached from the machine "lab1"'),
      exitCode: ExitCode.hostNotReady,
    };
    await expect(readRecord(record)).rejects.toMatchObject(refused);
    await expect(withSeatLock(record, () => removeRecord(record))).rejects.toMatchObject(refused);
    expect(await readFile(join(seatDir(record), "seat.json"), "utf8")).toContain("another");
    // A damaged record is another matter: `down --by-label` must work.
    await withSeatLock({ lab: "x", seat: "damaged" }, async () => {});
  });
});
