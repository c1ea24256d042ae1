import { expect, it } from "vitest";
import { ExitCode } from "../../base/errors.js";
import { removeDeadLocks, takeLock } from "../../shared/remote-lock.js";
import { MemoryBucket } from "../support/memory-bucket.js";

const take = (bucket: MemoryBucket, copy: string, waitMs = 0) =>
  takeLock(bucket, "classes/one", { copy, what: 'class "one"', waitMs });

it("one holds it; the other is told who does, and since when", async () => {
  const bucket = new MemoryBucket();
  const lock = await take(bucket, "a");
  await expect(take(bucket, "b")).rejects.toMatchObject({
    message: 'class "one" is in use by another instructor',
    why: expect.stringMatching(/^\S+@\S+ \(trilab.*\) has held it since \d{4}-/),
    fix: expect.stringContaining("trilab class unlock"),
    exitCode: ExitCode.locked,
  });
  await lock.release();
  expect(bucket.objects.size).toBe(0);
  await (await take(bucket, "b")).release();
});

it("of many at once, one gets it", async () => {
  const bucket = new MemoryBucket();
  const ends = await Promise.allSettled(["a", "b", "c", "d", "e"].map((copy) => take(bucket, copy)));
  expect(ends.filter(({ status }) => status === "fulfilled").length).toBe(1);
});

it("waits for the other, if it may", async () => {
  const bucket = new MemoryBucket();
  const lock = await take(bucket, "a");
  const waiting = take(bucket, "b", 10_000);
  await lock.release();
  await (await waiting).release();
});

it("takes over what a killed command of the same copy held", async () => {
  const bucket = new MemoryBucket();
  const killed = await take(bucket, "a");
  const next = await take(bucket, "a");
  expect(await killed.beat()).toBe(false);
  await killed.release();
  expect(await next.beat()).toBe(true);
  await next.release();
  expect(bucket.objects.size).toBe(0);
});

it("a beat whose answer was lost does not lose the lock", async () => {
  const bucket = new MemoryBucket();
  const lock = await take(bucket, "a");
  bucket.losesAnswers = true;
  await expect(lock.beat()).rejects.toThrow("can't be looked at");
  bucket.losesAnswers = false;
  expect(await lock.beat()).toBe(true);
  bucket.losesAnswers = true;
  await expect(lock.beat()).rejects.toThrow("can't be looked at");
  bucket.losesAnswers = false;
  await lock.release();
  expect(bucket.objects.size).toBe(0);
});

it("removes the locks of holders that show no life, and no others", async () => {
  const bucket = new MemoryBucket();
  const dead = await take(bucket, "a");
  const alive = await takeLock(bucket, "seats/lab/alice", { copy: "b", what: "alice" });
  const beating = setInterval(() => void alive.beat(), 20);
  const seen = await removeDeadLocks(bucket, { watchMs: 300 });
  clearInterval(beating);
  expect(Object.fromEntries(seen.map(({ state, unit }) => [unit, state]))).toEqual({
    "classes/one": "removed",
    "seats/lab/alice": "alive",
  });
  expect(await dead.beat()).toBe(false);
  await (await take(bucket, "c")).release();
});

it("a lock that is released while it is asked for is free", async () => {
  const bucket = new MemoryBucket();
  const lock = await take(bucket, "a");
  const get = bucket.get.bind(bucket);
  bucket.get = async (key) => {
    await lock.release();
    return get(key);
  };
  await (await take(bucket, "b")).release();
});

it("a lock whose command finishes meanwhile is not called in use", async () => {
  const bucket = new MemoryBucket();
  const lock = await take(bucket, "a");
  setTimeout(() => void lock.release(), 30);
  expect(await removeDeadLocks(bucket, { watchMs: 300 })).toMatchObject([{ state: "released" }]);
});

it("does not wait when every holder lives, or there is no lock", async () => {
  const bucket = new MemoryBucket();
  expect(await removeDeadLocks(bucket)).toEqual([]);
  const alive = await take(bucket, "a");
  const beating = setInterval(() => void alive.beat(), 20);
  const began = Date.now();
  expect(await removeDeadLocks(bucket, { watchMs: 3_000 })).toMatchObject([{ state: "alive" }]);
  expect(Date.now() - began).toBeLessThan(2_000);
  clearInterval(beating);
});
