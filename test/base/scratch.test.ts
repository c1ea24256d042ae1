import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { inScratchFolder, scratchDir, scratchFolder, scratchRoot, sweepScratch } from "../../base/scratch.js";

let temporary: string;
beforeEach(async () => {
  temporary = await mkdtemp(join(tmpdir(), "trilab-test-"));
  vi.stubEnv("TMPDIR", temporary);
  vi.stubEnv("XDG_STATE_HOME", join(temporary, "a-long-name-of-a-state-directory".repeat(4)));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(temporary, { recursive: true });
});

/** The PID of a process that has ended. */
async function endedPid(): Promise<number> {
  const child = execa("true");
  await child;
  return child.pid ?? 0;
}

test("a process has one folder, private and short, for its state directory", async () => {
  const [one, two] = await Promise.all([scratchDir(), scratchDir()]);
  expect(one).toBe(two);
  expect((await stat(one)).mode & 0o777).toBe(0o700);
  expect((await stat(scratchRoot())).mode & 0o777).toBe(0o700);
  expect(one.length - temporary.length).toBeLessThan(45);
  expect((await scratchFolder("ssh")).startsWith(`${one}/ssh-`)).toBe(true);
  vi.stubEnv("XDG_STATE_HOME", join(temporary, "another"));
  expect(await scratchDir()).not.toBe(one);
});

test("a folder for one piece of work is removed after it, also after an error", async () => {
  const folder = await inScratchFolder("ssh", async (dir) => {
    await writeFile(join(dir, "a"), "");
    return dir;
  });
  expect(existsSync(folder)).toBe(false);
  const failing = inScratchFolder("ssh", async (dir) => Promise.reject(new Error(dir)));
  const error: Error = await failing.catch((caught) => caught);
  expect(error.message).toMatch(/ssh-/);
  expect(existsSync(error.message)).toBe(false);
});

test("the next command removes what a killed one left, and nothing of those that live", async () => {
  const own = await scratchDir();
  const ended = await endedPid();
  const left = join(scratchRoot(), `${ended}-abcdef`);
  const used = join(scratchRoot(), `${ended}-ghijkl`);
  for (const folder of [left, used]) await mkdir(join(folder, "ssh-1"), { recursive: true });
  // An engine whose CLI was killed finishes its step.
  const orphan = spawn("sleep", ["60"], { env: { ...process.env, TMPDIR: used } });
  await once(orphan, "spawn");
  await sweepScratch();
  expect([left, used, own].map(existsSync)).toEqual([false, true, true]);
  const over = once(orphan, "exit");
  orphan.kill();
  await over;
  await rm(own, { recursive: true });
  await sweepScratch();
  expect(await readdir(temporary)).toEqual([]);
});

test("a folder that others can write to is not used, and not swept", async () => {
  const inside = join(scratchRoot(), `${await endedPid()}-abcdef`);
  await mkdir(inside, { recursive: true });
  await chmod(scratchRoot(), 0o777);
  await expect(scratchDir()).rejects.toMatchObject({ exitCode: 3, fix: expect.stringMatching(/TMPDIR/) });
  await sweepScratch();
  expect(existsSync(inside)).toBe(true);
});
