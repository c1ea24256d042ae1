import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
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
