import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ExitCode } from "../../base/errors.js";
import { withLock } from "../../base/lock.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "trilab-lock-"));
});
afterEach(() => rm(folder, { recursive: true }));

test("a lock that is held is told as that, with its holder, and free again afterwards", async () => {
  const path = join(folder, "a.lock");
  await withLock(path, { what: "it" }, async () => {
    await expect(withLock(path, { what: "it" }, async () => "never")).rejects.toMatchObject({
      exitCode: ExitCode.locked,
      why: expect.stringContaining(`process ${process.pid}`),
    });
  });
  expect(await withLock(path, { what: "it" }, async () => "body")).toBe("body");
});

test("a path that can't be locked is told as that, in the system's words", async () => {
  const path = join(folder, "a".repeat(300));
  await expect(withLock(path, { what: "it" }, async () => "never")).rejects.toMatchObject({
    exitCode: ExitCode.hostNotReady,
    why: expect.stringMatching(/File name too long/),
  });
});

test("the file goes with what it guards, and no two hold the lock while it comes and goes", async () => {
  const path = join(folder, "a.lock");
  let holders = 0;
  const hold = () =>
    withLock(path, { what: "it", waitMs: 20_000, isGone: async () => true }, async () => {
      holders += 1;
      await sleep(20);
      expect(holders).toBe(1);
      expect(existsSync(path)).toBe(true);
      holders -= 1;
    });
  await Promise.all(Array.from({ length: 8 }, hold));
  expect(existsSync(path)).toBe(false);
  await withLock(path, { what: "it", isGone: async () => false }, async () => {});
  expect(existsSync(path)).toBe(true);
});

test("the waiting ends when it is aborted, and nobody waits on; a lock that is held is kept", async () => {
  const path = join(folder, "a.lock");
  const abort = new AbortController();
  const options = { what: "it", waitMs: 900_000, signal: abort.signal };
  const waiters = async (): Promise<string> =>
    (await execa("pgrep", ["-f", `${path} 900`], { reject: false })).stdout;
  await withLock(path, { what: "it" }, async () => {
    const refused = expect(withLock(path, options, async () => "never")).rejects.toThrow("aborted");
    await vi.waitFor(async () => expect(await waiters()).not.toBe(""));
    abort.abort();
    await refused;
    await vi.waitFor(async () => expect(await waiters()).toBe(""));
    await expect(withLock(path, { what: "it" }, async () => "never")).rejects.toThrow("in use");
  });
  await expect(withLock(path, options, async () => "never")).rejects.toThrow("aborted");
  const later = new AbortController();
  const held = withLock(path, { what: "it", signal: later.signal }, async () => {
    later.abort();
    await expect(withLock(path, { what: "it" }, async () => "never")).rejects.toThrow("in use");
    return "body";
  });
  expect(await held).toBe("body");
});

test("if nobody can say whether the guarded thing is gone, the lock is free, and the body's error is the one", async () => {
  const path = join(folder, "a.lock");
  const isGone = async (): Promise<boolean> => {
    throw new Error("who knows");
  };
  const failing = withLock(path, { what: "it", isGone }, async () => {
    throw new Error("of the body");
  });
  await expect(failing).rejects.toThrow("of the body");
  await expect(withLock(path, { what: "it", isGone }, async () => {})).rejects.toThrow("who knows");
  expect(await withLock(path, { what: "it" }, async () => "body")).toBe("body");
});
