import { readdir, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { ExitCode, UserError } from "../base/errors.js";
import { buildLog, imageCache, imageDir, rootDir, sweepWorkDirs, withFreeLock } from "./cache.js";
import { findImage } from "./ensure.js";
import type { MatchedImage } from "./matched-image.js";

export interface CachedImage extends MatchedImage {
  /** Bytes that the image's disk takes. */
  diskUsage: number;
  /** Bytes that its root file system takes, which other images may share. */
  rootUsage: number;
}

const isHash = (name: string): boolean => /^[0-9a-f]{16}$/.test(name);

/** The images in the cache, newest first. */
export async function listImages(): Promise<CachedImage[]> {
  const images: CachedImage[] = [];
  for (const hash of await hashesIn(imageCache())) {
    const image = await findImage(hash);
    if (image === undefined) continue;
    images.push({
      ...image,
      diskUsage: await usage(image.disk),
      rootUsage: (await usage(image.rootTar)) + (await usage(image.kernel)) + (await usage(image.initrd)),
    });
  }
  return images.sort((a, b) => b.manifest.diskBuiltAt.localeCompare(a.manifest.diskBuiltAt));
}

/**
 * Removes all cached images except those to keep, root file systems that no image needs, and the files of builds that died.
 * An image that another run is building stays.
 *
 * @returns the hashes of what was removed.
 */
export async function pruneImages(options: { keep?: readonly string[] } = {}): Promise<string[]> {
  await sweepWorkDirs();
  const keep = new Set(options.keep);
  const removed: string[] = [];
  for (const hash of await hashesIn(imageCache()))
    if (!keep.has(hash) && (await removeUnlocked(hash, imageDir(hash)))) removed.push(hash);
  const needed = new Set((await listImages()).map((image) => image.rootHash));
  for (const hash of await hashesIn(join(imageCache(), "roots")))
    if (!needed.has(hash) && (await removeUnlocked(`root-${hash}`, rootDir(hash)))) removed.push(hash);
  return removed;
}

async function removeUnlocked(lock: string, dir: string): Promise<boolean> {
  try {
    await withFreeLock(lock, async () => {
      await rm(dir, { recursive: true, force: true });
      await rm(buildLog(basename(dir)), { force: true });
    });
    return true;
  } catch (error) {
    if (error instanceof UserError && error.exitCode === ExitCode.locked) return false;
    throw error;
  }
}

async function hashesIn(dir: string): Promise<string[]> {
  return (await readdir(dir).catch(() => [])).filter(isHash);
}

async function usage(path: string): Promise<number> {
  return await stat(path).then(
    ({ blocks }) => blocks * 512,
    () => 0,
  );
}
