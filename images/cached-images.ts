import { readdir, rm, stat, utimes } from "node:fs/promises";
import { basename, join } from "node:path";
import { ExitCode, UserError } from "../base/errors.js";
import { formatSize } from "../model/units.js";
import { rootFiles } from "./build-root.js";
import { buildLog, imageCache, imageDir, rootDir, sweepWorkDirs, withFreeLock } from "./cache.js";
import { findImage } from "./find-image.js";
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

/** An image that was used less than so many milliseconds ago is not removed to make room: another run may be loading it. */
const RECENT_MS = 3_600_000;

/** Remembers that an image, or a root file system, was used now, for {@link trimCache}. */
export async function markUsed(manifestFile: string): Promise<void> {
  const now = new Date();
  await utimes(manifestFile, now, now).catch(() => {}); // It is another user's, or just being removed.
}

/** When it was last used, in milliseconds since 1970. */
const usedAt = async (manifestFile: string, otherwise: number): Promise<number> =>
  (await stat(manifestFile).catch(() => undefined))?.mtimeMs ?? otherwise;

/**
 * Removes images from the cache until it takes at most `limit` bytes: first those that were not used for the longest time. What
 * was used within the last hour stays. Daemons keep their own copies, so no seat needs what is removed.
 *
 * @param options.keep The hash of an image that stays in any case.
 * @param options.note Called with what was removed, in words.
 */
export async function trimCache(
  limit: number,
  { keep, note, now = Date.now() }: { keep?: string; note?: (text: string) => void; now?: number },
): Promise<void> {
  const isOld = (used: number): boolean => now - used >= RECENT_MS;
  const images = await listImages();
  const used = new Map<string, number>();
  for (const { hash, manifestFile } of images) used.set(hash, await usedAt(manifestFile, now));
  const lastUse = ({ hash }: CachedImage): number => used.get(hash) ?? now;
  const left = new Map(images.map((image) => [image.hash, image]));
  for (const image of images.sort((a, b) => lastUse(a) - lastUse(b))) {
    if (sizeOf([...left.values()]) <= limit) return;
    if (image.hash === keep || !isOld(lastUse(image))) continue;
    if (!(await removeUnlocked(image.hash, imageDir(image.hash)))) continue;
    left.delete(image.hash);
    note?.(`removed image ${image.hash} from the cache, which may take ${formatSize(limit)}`);
    const root = image.rootHash;
    const isNeeded = [...left.values()].some(({ rootHash }) => rootHash === root);
    // A build may have begun to use it, and has no image yet.
    if (!isNeeded && isOld(await usedAt(join(rootDir(root), rootFiles.manifest), 0)))
      await removeUnlocked(`root-${root}`, rootDir(root));
  }
}

/** Bytes of images, each root file system counted once. */
function sizeOf(images: readonly CachedImage[]): number {
  const roots = new Map(images.map(({ rootHash, rootUsage }) => [rootHash, rootUsage]));
  return [...roots.values(), ...images.map(({ diskUsage }) => diskUsage)].reduce((a, b) => a + b, 0);
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
