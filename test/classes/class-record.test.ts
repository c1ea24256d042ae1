import { mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { classesDir, classNames, readClass, requireClass } from "../../classes/class-record.js";

let dir = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "class-record-"));
  vi.stubEnv("XDG_STATE_HOME", dir);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

it("only what can't be parsed is damaged, and is moved aside", async () => {
  expect(await readClass("one")).toBeUndefined();
  await mkdir(classesDir(), { recursive: true });
  const file = join(classesDir(), "one.json");
  await writeFile(file, '{"schema": 1,');
  const moved = `${file}.damaged`;
  await expect(readClass("one")).rejects.toMatchObject({
    why: expect.stringContaining(`${file} is damaged`),
    fix: expect.stringContaining(`mv ${file} ${moved}`),
  });
  await rename(file, moved);
  expect([await readClass("one"), await classNames()]).toEqual([undefined, []]);
  // Root may read everything; a folder in the file's place is not read by anybody.
  await mkdir(file);
  await expect(readClass("one")).rejects.toMatchObject({
    message: `${file} can't be read`,
    why: expect.stringMatching(/^EISDIR/),
  });
});

it("a folder that can't be read is not one without classes", async () => {
  await mkdir(dirname(classesDir()), { recursive: true });
  await expect(requireClass(undefined)).rejects.toThrow("there is no class");
  await symlink(classesDir(), classesDir());
  await expect(readdir(classesDir())).rejects.toThrow("ELOOP");
  await expect(requireClass(undefined)).rejects.toMatchObject({
    message: `${classesDir()} can't be read`,
    why: expect.stringMatching(/^ELOOP/),
  });
});
