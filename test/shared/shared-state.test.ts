import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ExitCode, UserError } from "../../base/errors.js";
import { withLock } from "../../base/lock.js";
import { stateDir } from "../../base/paths.js";
import { removeDeadLocks } from "../../shared/remote-lock.js";
import { sealWith } from "../../shared/seal.js";
import { SharedState, saveUnit, withUnitLock } from "../../shared/shared-state.js";
import type { Unit } from "../../shared/unit.js";
import { MemoryBucket } from "../support/memory-bucket.js";

const alice: Unit = {
  name: "seats/lab/alice",
  lock: "locks/alice.lock",
  paths: ["seats/lab/alice", "stacks/alice.json"],
  own: ["known_hosts"],
};
const RECORD = "seats/lab/alice/seat.json";

let base = "";
let bucket = new MemoryBucket();
const key = randomBytes(32);

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "shared-"));
  bucket = new MemoryBucket();
});
afterEach(() => rm(base, { recursive: true, force: true }));

/** An instructor's machine. */
const instructor = (name: string, endInterrupted?: (unit: Unit) => Promise<void>): SharedState =>
  new SharedState("s3://bucket", join(base, name), name, bucket, sealWith(key), endInterrupted);

const put = async (state: SharedState, path: string, text: string): Promise<void> => {
  await mkdir(join(state.dir, path, ".."), { recursive: true });
  await writeFile(join(state.dir, path), text);
};
const read = (state: SharedState, path: string): Promise<string | undefined> =>
  readFile(join(state.dir, path), "utf8").catch(() => undefined);

/** Changes the seat, as a command does. */
const change = (state: SharedState, text: string): Promise<void> =>
  state.run(() => withUnitLock(alice, { what: 'seat "alice"' }, () => put(state, RECORD, text)));

it("what one instructor changes, another has after the next refresh", async () => {
  const [a, b] = [instructor("a"), instructor("b")];
  await change(a, "one");
  await b.refresh();
  expect(await read(b, RECORD)).toBe("one");
  await change(b, "two");
  await a.refresh();
  expect(await read(a, RECORD)).toBe("two");
});

it("nothing in the bucket but the names is readable, and no lock is left", async () => {
  await change(instructor("a"), "-----BEGIN OPENSSH PRIVATE KEY-----");
  expect([...bucket.objects.keys()]).toEqual(["units/seats/lab/alice"]);
  for (const { body } of bucket.objects.values()) expect(body.toString("latin1")).not.toContain("PRIVATE");
});

it("a change begins from the newest content, also without a refresh", async () => {
  const [a, b] = [instructor("a"), instructor("b")];
  await change(a, "one");
  await b.refresh();
  await change(b, "two");
  await a.run(() =>
    withUnitLock(alice, { what: "alice" }, async () => expect(await read(a, RECORD)).toBe("two")),
  );
});

it("a removed seat is removed everywhere, with what the machine made for itself", async () => {
  const [a, b] = [instructor("a"), instructor("b")];
  await change(a, "one");
  await b.refresh();
  await put(b, "seats/lab/alice/known_hosts", "mine");
  await a.run(() =>
    withUnitLock(alice, { what: "alice" }, () => rm(join(a.dir, "seats/lab/alice"), { recursive: true })),
  );
  expect(bucket.objects.size).toBe(0);
  await b.refresh();
  expect(existsSync(join(b.dir, "seats/lab/alice"))).toBe(false);
  // And it can be made again, by either.
  await change(b, "three");
  await a.refresh();
  expect(await read(a, RECORD)).toBe("three");
});

it("files of the unit that are gone in the bucket are removed here", async () => {
  const [a, b] = [instructor("a"), instructor("b")];
  await put(a, "seats/lab/alice/changing-guest.json", "{}");
  await change(a, "one");
  await b.refresh();
  expect(await read(b, "seats/lab/alice/changing-guest.json")).toBe("{}");
  await a.run(() =>
    withUnitLock(alice, { what: "alice" }, () => rm(join(a.dir, "seats/lab/alice/changing-guest.json"))),
  );
  await b.refresh();
  expect(await read(b, "seats/lab/alice/changing-guest.json")).toBeUndefined();
  expect(await read(b, RECORD)).toBe("one");
});

it("two at once: one changes it, the other is refused, and nothing is mixed", async () => {
  const [a, b] = [instructor("a"), instructor("b")];
  await a.run(() =>
    withUnitLock(alice, { what: "alice" }, async () => {
      await put(a, RECORD, "by a");
      await expect(change(b, "by b")).rejects.toMatchObject({ exitCode: ExitCode.locked });
    }),
  );
  const c = instructor("c");
  await c.refresh();
  expect(await read(c, RECORD)).toBe("by a");
});

it("what is saved in the middle is in the bucket before the end; a failed change is written back, too", async () => {
  const [a, b] = [instructor("a"), instructor("b")];
  const failing = a.run(() =>
    withUnitLock(alice, { what: "alice" }, async () => {
      await put(a, RECORD, "reserved");
      await saveUnit(alice);
      await b.refresh();
      expect(await read(b, RECORD)).toBe("reserved");
      await put(a, RECORD, "half");
      throw new Error("no");
    }),
  );
  await expect(failing).rejects.toThrow("no");
  await b.refresh();
  expect(await read(b, RECORD)).toBe("half");
});

/** A command that is killed after it has changed the seat: nothing is written back, and no lock is released. */
async function killed(state: SharedState, text: string): Promise<void> {
  let inside = (): void => {};
  const changed = new Promise<void>((resolve) => {
    inside = resolve;
  });
  // It never ends; like a killed process, it lets go of the lock file, which this test does not take.
  void state.run(() =>
    state.holding(alice, { what: "alice" }, async () => {
      await put(state, RECORD, text);
      inside();
      await new Promise(() => {});
    }),
  );
  await changed;
}

describe("a killed command", () => {
  it("its lock is refused to others, and its changes are completed by the same machine's next command", async () => {
    const b = instructor("b");
    await killed(instructor("a"), "unsaved");
    await expect(change(b, "by b")).rejects.toMatchObject({ exitCode: ExitCode.locked });
    const next = instructor("a");
    expect(await next.refresh()).toEqual([]);
    await b.refresh();
    expect(await read(b, RECORD)).toBe("unsaved");
    await change(b, "by b");
  });

  it("the lock of one that had changed nothing yet is released by the same machine's next command", async () => {
    const b = instructor("b");
    await change(b, "one");
    // Killed at its first answer from the bucket after it took the lock, as its process is when that answer never comes.
    bucket.hangsAt = "units/seats/lab/alice";
    const a = instructor("a");
    void a.run(() => a.holding(alice, { what: "alice" }, async () => {}));
    await vi.waitFor(() => expect([...bucket.objects.keys()]).toContain("locks/seats/lab/alice"));
    bucket.hangsAt = undefined;
    await expect(change(b, "two")).rejects.toMatchObject({ exitCode: ExitCode.locked });
    expect(await instructor("a").refresh()).toEqual([]);
    await change(b, "two");
    await a.refresh();
    expect(await read(a, RECORD)).toBe("two");
  });

  it("one that was killed while another held the lock does not hide what that one has saved", async () => {
    const [a, b] = [instructor("a"), instructor("b")];
    await change(a, "one");
    await b.refresh();
    await b.run(() =>
      withUnitLock(alice, { what: "alice" }, async () => {
        await put(b, RECORD, "two");
        await saveUnit(alice);
        // Killed while it waits for b's lock.
        bucket.hangsAt = "locks/seats/lab/alice";
        void a.run(() => a.holding(alice, { what: "alice", waitMs: 60_000 }, async () => {}));
        await sleep(100);
        bucket.hangsAt = undefined;
        expect(await instructor("a").refresh()).toEqual([]);
        expect(await read(a, RECORD)).toBe("two");
      }),
    );
  });

  it("what it left at work is ended before its files are exchanged, in its own state directory", async () => {
    await killed(instructor("a"), "unsaved");
    const seen: unknown[] = [];
    const next = instructor("a", async (unit) => {
      seen.push([unit.name, stateDir(), bucket.objects.size]);
      await put(next, RECORD, "its last write");
    });
    await next.refresh();
    await next.refresh();
    // The one object is the lock.
    expect(seen).toEqual([[alice.name, next.dir, 1]]);
    const b = instructor("b");
    await b.refresh();
    expect(await read(b, RECORD)).toBe("its last write");
  });

  it("after its lock was removed, another goes on; the killed one's unsaved changes are given up, and that is said", async () => {
    const [a, b] = [instructor("a"), instructor("b")];
    await change(a, "before");
    await killed(instructor("a"), "unsaved");
    await removeDeadLocks(bucket, { watchMs: 200 });
    await change(b, "by b");
    const next = instructor("a");
    expect(await next.refresh()).toEqual([
      expect.stringMatching(/^seats\/lab\/alice: another instructor has changed it/),
    ]);
    expect(await read(next, RECORD)).toBe("by b");
    expect(await next.refresh()).toEqual([]);
  });
});

it("a command whose lock was taken overwrites nothing", async () => {
  const [a, b] = [instructor("a"), instructor("b")];
  await change(a, "before");
  const slow = a.run(() =>
    withUnitLock(alice, { what: "alice" }, async () => {
      await removeDeadLocks(bucket, { watchMs: 200 });
      await change(b, "by b");
      await put(a, RECORD, "too late");
    }),
  );
  await expect(slow).rejects.toMatchObject({
    message: expect.stringContaining("has changed seats/lab/alice meanwhile"),
    exitCode: ExitCode.locked,
  });
  expect(await a.refresh()).toEqual([
    expect.stringMatching(/^seats\/lab\/alice: another instructor has changed it/),
  ]);
  expect(await read(a, RECORD)).toBe("by b");
});

describe("a bucket that does not answer", () => {
  it("refuses a change before it begins", async () => {
    bucket.silent = true;
    const a = instructor("a");
    await expect(change(a, "one")).rejects.toMatchObject({ exitCode: ExitCode.hostNotReady });
    expect(await read(a, RECORD)).toBeUndefined();
    await expect(a.refresh()).rejects.toMatchObject({ exitCode: ExitCode.hostNotReady });
  });

  it("at the end of a change: the change is kept here, and the next command writes it", async () => {
    const [a, b] = [instructor("a"), instructor("b")];
    const cut = a.run(() =>
      withUnitLock(alice, { what: "alice" }, async () => {
        await put(a, RECORD, "kept");
        bucket.silent = true;
      }),
    );
    await expect(cut).rejects.toMatchObject({ exitCode: ExitCode.hostNotReady });
    bucket.silent = false;
    await expect(change(b, "older content")).rejects.toMatchObject({ exitCode: ExitCode.locked });
    await a.refresh();
    await b.refresh();
    expect(await read(b, RECORD)).toBe("kept");
  });
});

describe("a write whose answer is lost", () => {
  /** What the bucket has, which must be what this machine has. */
  const text = async (state: SharedState): Promise<string | undefined> => {
    const fresh = instructor("fresh");
    await fresh.refresh();
    expect(await read(fresh, RECORD)).toBe(await read(state, RECORD));
    return read(fresh, RECORD);
  };
  const losing = async (body: () => Promise<unknown>): Promise<void> => {
    bucket.losesAnswers = true;
    await expect(body()).rejects.toMatchObject({ exitCode: ExitCode.hostNotReady });
    bucket.losesAnswers = false;
  };
  /** A command whose last write's answer is lost. */
  const cutOff = async (state: SharedState, body: () => Promise<void>): Promise<void> => {
    const command = async (): Promise<void> => {
      await body();
      bucket.losesAnswers = true;
    };
    const run = state.run(() => withUnitLock(alice, { what: "alice" }, command));
    await expect(run).rejects.toMatchObject({ exitCode: ExitCode.hostNotReady });
    bucket.losesAnswers = false;
  };

  it.each([0, 1, 2])("is not taken for another instructor's (%i writes before)", async (writes) => {
    const a = instructor("a");
    for (let i = 0; i < writes; i += 1) await change(a, `${i}`);
    await a.run(() =>
      withUnitLock(alice, { what: "alice" }, async () => {
        for (const lost of ["record", "machines"]) {
          await put(a, RECORD, lost);
          await losing(() => saveUnit(alice));
        }
        await put(a, RECORD, "more");
      }),
    );
    expect(await text(a)).toBe("more");
    expect(await a.refresh()).toEqual([]);
  });

  it("of which nothing is left but what was there before: that is written again", async () => {
    const a = instructor("a");
    await change(a, "before");
    await a.run(() =>
      withUnitLock(alice, { what: "alice" }, async () => {
        await put(a, RECORD, "between");
        await losing(() => saveUnit(alice));
        await put(a, RECORD, "before");
      }),
    );
    expect(await text(a)).toBe("before");
  });

  it("at the end of a command: the next one keeps what this machine has", async () => {
    const a = instructor("a");
    await change(a, "before");
    await cutOff(a, () => put(a, RECORD, "newest"));
    await put(a, RECORD, "written by what that command had left at work");
    expect(await instructor("a").refresh()).toEqual([]);
    expect(await text(a)).toBe("written by what that command had left at work");
  });

  it("of a removed seat: it is removed, and can be made again", async () => {
    const a = instructor("a");
    await change(a, "one");
    const remove = (): Promise<void> => rm(join(a.dir, "seats/lab/alice"), { recursive: true });
    await cutOff(a, remove);
    expect([...bucket.objects.keys()]).toEqual(["locks/seats/lab/alice"]);
    await put(a, RECORD, "again");
    expect(await a.refresh()).toEqual([]);
    expect(await text(a)).toBe("again");
    await a.run(() =>
      withUnitLock(alice, { what: "alice" }, async () => {
        await put(a, RECORD, "lost");
        await losing(() => saveUnit(alice));
        await remove();
      }),
    );
    expect(bucket.objects.size).toBe(0);
  });

  it("does not hide that another instructor has changed the unit", async () => {
    const [a, b] = [instructor("a"), instructor("b")];
    await change(a, "before");
    const slow = a.run(() =>
      withUnitLock(alice, { what: "alice" }, async () => {
        await put(a, RECORD, "lost");
        await losing(() => saveUnit(alice));
        await removeDeadLocks(bucket, { watchMs: 200 });
        await change(b, "by b");
        await put(a, RECORD, "too late");
      }),
    );
    await expect(slow).rejects.toMatchObject({ exitCode: ExitCode.locked });
    expect(await a.refresh()).toEqual([expect.stringMatching(/another instructor has changed it/)]);
    expect(await text(a)).toBe("by b");
  });
});

it("a killed command's changes are written back also if the bucket fails meanwhile, and nobody else works from older content", async () => {
  const b = instructor("b");
  await change(b, "before");
  const a = instructor("a");
  await a.refresh();
  await killed(a, "unsaved");
  const get = bucket.get.bind(bucket);
  bucket.get = async (key) => {
    if (key.startsWith("units/")) throw new UserError("no answer", { exitCode: ExitCode.hostNotReady });
    return get(key);
  };
  const next = instructor("a");
  await expect(next.refresh()).rejects.toThrow("no answer");
  bucket.get = get;
  await expect(change(b, "older")).rejects.toMatchObject({ exitCode: ExitCode.locked });
  expect(await next.refresh()).toEqual([]);
  await b.refresh();
  expect(await read(b, RECORD)).toBe("unsaved");
});

it("an object that somebody else wrote is reported, hides no other, and is not overwritten", async () => {
  const [a, b] = [instructor("a"), instructor("b")];
  await change(a, "one");
  bucket.objects.set("units/seats/lab/bob", { body: Buffer.from("strange"), etag: '"x"' });
  expect(await b.refresh()).toEqual([
    expect.stringMatching(/^seats\/lab\/bob .* can't be read: .*another key/),
  ]);
  expect(await read(b, RECORD)).toBe("one");
  const bob = { name: "seats/lab/bob", lock: "locks/bob.lock", paths: ["seats/lab/bob"] };
  const changing = b.run(() => withUnitLock(bob, { what: "bob" }, async () => {}));
  await expect(changing).rejects.toMatchObject({
    fix: expect.stringContaining("remove this machine's copy"),
  });
  expect(bucket.objects.get("units/seats/lab/bob")?.body.toString()).toBe("strange");
});

it("a unit without files leaves nothing", async () => {
  const a = instructor("a");
  await a.run(() =>
    withUnitLock({ name: "slots", lock: "slots.lock", paths: [] }, { what: "slots" }, async () => {}),
  );
  expect(bucket.objects.size).toBe(0);
});

it("whatever two machines do at once, killed or cut off from the bucket, no finished change is lost or there twice", async () => {
  const step = fc.record({
    who: fc.constantFrom("a", "b"),
    does: fc.constantFrom("change", "change", "change", "refresh", "killed", "unlock", "silence", "loss"),
    afterMs: fc.integer({ min: 0, max: 12 }),
    takesMs: fc.integer({ min: 0, max: 12 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 20 }), async (steps) => {
      await rm(base, { recursive: true, force: true });
      bucket = new MemoryBucket();
      const finished: string[] = [];
      const running: Promise<unknown>[] = [];
      for (const [i, { afterMs, does, takesMs, who }] of steps.entries()) {
        // Each command is a process of its own: it knows only what is in its machine's copy.
        const state = instructor(who);
        const append = async (): Promise<void> => {
          const before = (await read(state, RECORD)) ?? "";
          await sleep(takesMs);
          await put(state, RECORD, `${before}${i} `);
        };
        const act: Record<typeof does, () => Promise<unknown>> = {
          change: async () => {
            await state.run(() => withUnitLock(alice, { what: "alice" }, append));
            finished.push(`${i}`);
          },
          // A killed process lets go of its lock file; so does this one, once it has changed something.
          killed: () =>
            withLock(
              join(state.dir, alice.lock),
              { what: "alice" },
              () =>
                new Promise<void>((resolve, reject) => {
                  const never = async (): Promise<void> => {
                    await append();
                    resolve();
                    await new Promise(() => {});
                  };
                  state.holding(alice, { what: "alice" }, never).catch(reject);
                }),
            ),
          refresh: () => state.refresh(),
          unlock: () => removeDeadLocks(bucket, { watchMs: 20 }),
          silence: async () => {
            bucket.silent = true;
            await sleep(takesMs);
            bucket.silent = false;
          },
          loss: async () => {
            bucket.losesAnswers = true;
            await sleep(takesMs);
            bucket.losesAnswers = false;
          },
        };
        // What is refused, or cut off, has not finished.
        running.push(act[does]().catch((error: unknown) => expect(error).toBeInstanceOf(UserError)));
        await sleep(afterMs);
      }
      await Promise.all(running);
      bucket.silent = false;
      bucket.losesAnswers = false;
      await removeDeadLocks(bucket, { watchMs: 20 });
      const [a, b] = [instructor("a"), instructor("b")];
      await a.refresh();
      await b.refresh();
      await a.refresh();
      const all = ((await read(a, RECORD)) ?? "").split(" ").filter((id) => id !== "");
      expect(await read(b, RECORD)).toBe(await read(a, RECORD));
      expect(new Set(all).size).toBe(all.length);
      expect(all).toEqual(expect.arrayContaining(finished));
    }),
    { numRuns: 15 },
  );
}, 120_000);
