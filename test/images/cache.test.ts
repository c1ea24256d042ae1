import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { checkFreeSpace, imageCache, sweepWorkDirs, withWorkDir } from "../../images/cache.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "trilab-cache-"));
  vi.stubEnv("XDG_CACHE_HOME", join(folder, "cache"));
  vi.stubEnv("TMPDIR", join(folder, "scratch"));
  await mkdir(join(folder, "scratch"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});
const beUser = () => vi.spyOn(process, "getuid").mockReturnValue(1000);

test("without root, trees lie where subordinate ids may enter, and go with the work", async () => {
  beUser();
  let paths: string[] = [];
  await withWorkDir(async (work, scratch) => {
    paths = [work, scratch];
    expect(work.startsWith(imageCache())).toBe(true);
    expect(scratch.startsWith(join(folder, "scratch", "trilab-"))).toBe(true);
    expect((await stat(scratch)).mode & 0o777).toBe(0o711);
    await writeFile(join(scratch, "file"), "");
  });
  expect(paths.map(existsSync)).toEqual([false, false]);
});

test("as root they lie in the work folder, closed to others", async () => {
  vi.spyOn(process, "getuid").mockReturnValue(0);
  await withWorkDir(async (work, scratch) => {
    expect(scratch.startsWith(`${work}/`)).toBe(true);
    expect((await stat(scratch)).mode & 0o777).toBe(0o700);
  });
});

test("what a dead builder left is swept, its trees elsewhere too; a living one's stays", async () => {
  beUser();
  const dead = join(imageCache(), "work", "999999999-1-00000000");
  const trees = join(folder, "elsewhere");
  for (const dir of [dead, trees]) await mkdir(dir, { recursive: true });
  await symlink(trees, join(dead, "scratch"));
  await withWorkDir(async (work, scratch) => {
    await sweepWorkDirs();
    expect([work, scratch].map(existsSync)).toEqual([true, true]);
  });
  expect([dead, trees].map(existsSync)).toEqual([false, false]);
});

test("each file system that is written to must have room", async () => {
  await expect(checkFreeSpace([folder, tmpdir()], 1, "it")).resolves.toBeUndefined();
  await expect(checkFreeSpace([folder, "/proc"], 1, "it")).rejects.toMatchObject({
    exitCode: 3,
    why: expect.stringContaining("/proc has 0 MiB free"),
  });
});
