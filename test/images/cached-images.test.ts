import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { diskFiles } from "../../images/build-disk.js";
import { rootFiles } from "../../images/build-root.js";
import { cacheLimit, imageDir, rootDir } from "../../images/cache.js";
import { listImages, trimCache } from "../../images/cached-images.js";

const MIB = 2 ** 20;
const HOUR = 3_600_000;
const now = Date.now();
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "trilab-store-"));
  vi.stubEnv("XDG_CACHE_HOME", folder);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const hash = (letter: string): string => letter.repeat(16);
const there = async (): Promise<string[]> => (await listImages()).map((image) => image.hash[0] ?? "").sort();

/** Writes an image with a disk and a root file system of one MiB each, that was last used so long ago. */
async function image(letter: string, root: string, age: number): Promise<void> {
  const file = { size: MIB, mtimeMs: 1, sha256: "0" };
  const manifest = {
    ...{
      version: 1,
      rootHash: hash(root),
      release: "bookworm",
      user: "lab",
      kernelRelease: "6",
      packages: [],
    },
    files: { rootTar: file, kernel: file, initrd: file, disk: file },
    ...{ builtAt: "2026-01-01T00:00:00Z", buildSeconds: 1, hash: hash(letter), diskBytes: MIB },
    ...{ diskBuiltAt: "2026-01-01T00:00:00Z", diskBuildSeconds: 1 },
  };
  const [own, shared] = [imageDir(hash(letter)), rootDir(hash(root))];
  for (const dir of [own, shared]) await mkdir(dir, { recursive: true });
  await writeFile(join(own, diskFiles.disk), Buffer.alloc(MIB));
  await writeFile(join(shared, rootFiles.rootTar), Buffer.alloc(MIB));
  const used = new Date(now - age);
  for (const [dir, name] of [
    [own, diskFiles.manifest],
    [shared, rootFiles.manifest],
  ] as const) {
    await writeFile(join(dir, name), JSON.stringify(manifest));
    await utimes(join(dir, name), used, used);
  }
}

it("removes what was not used for the longest time, until the cache is small enough", async () => {
  await image("a", "1", 5 * HOUR);
  await image("b", "2", 9 * HOUR);
  await image("c", "3", 2 * HOUR);
  const notes: string[] = [];
  await trimCache(4 * MIB, { now, note: (text) => notes.push(text) });
  expect(await there()).toEqual(["a", "c"]);
  expect(existsSync(rootDir(hash("2")))).toBe(false);
  expect(notes).toEqual([`removed image ${hash("b")} from the cache, which may take 4MiB`]);
  await trimCache(4 * MIB, { now });
  expect(await there()).toEqual(["a", "c"]);
});

it("keeps what was used within the last hour, what is needed now, and a root file system of another image", async () => {
  await image("a", "1", 9 * HOUR);
  await image("b", "1", 0);
  await image("c", "3", 8 * HOUR);
  await image("d", "4", 7 * HOUR);
  await trimCache(0, { now, keep: hash("c") });
  expect(await there()).toEqual(["b", "c"]);
  expect(existsSync(rootDir(hash("1")))).toBe(true);
});

it("counts the blocks that files have, and each root file system once", async () => {
  await image("a", "1", 2 * HOUR);
  await image("b", "1", 3 * HOUR);
  await truncate(join(imageDir(hash("a")), diskFiles.disk), 100 * MIB);
  await trimCache(3 * MIB, { now });
  expect(await there()).toEqual(["a", "b"]);
});

it("the cache's size can be chosen, and a wrong one is an error", () => {
  expect(cacheLimit("")).toBe(20 * 1024 * MIB);
  expect(cacheLimit("512MiB")).toBe(512 * MIB);
  expect(() => cacheLimit("much")).toThrow(`TRILAB_CACHE_SIZE can't be "much"`);
});
