import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

test("a path that can't be locked is told as that, in flock's words", async () => {
  const path = join(folder, "a".repeat(300));
  await expect(withLock(path, { what: "it" }, async () => "never")).rejects.toMatchObject({
    exitCode: ExitCode.hostNotReady,
    why: expect.stringMatching(/^flock: .*File name too long/),
  });
});
