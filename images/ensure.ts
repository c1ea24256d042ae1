import { join } from "node:path";
import { hasCode } from "../base/errors.js";
import type { Progress } from "../base/progress.js";
import { silent } from "../base/progress.js";
import { buildDisk } from "./build-disk.js";
import { type BuildOptions, buildRoot, rootFiles } from "./build-root.js";
import { cacheLimit, diskFullError, rootDir, withBuildLock } from "./cache.js";
import { markUsed, trimCache } from "./cached-images.js";
import { findImage, imageFrom } from "./find-image.js";
import { type RootManifest, readRootManifest } from "./manifest.js";
import type { MatchedImage } from "./matched-image.js";
import { ToolFailure } from "./run-tool.js";
import { checkImageSpec, type ImageSpec, imageHash, rootHash } from "./spec.js";
import { findCorruption } from "./verify.js";

export interface EnsureOptions extends BuildOptions {
  progress?: Progress;
  /** Build it again, even if there is a valid one. */
  force?: boolean;
}

/**
 * The image of this spec: built if it is not in the cache (about a minute), else verified. A corrupt image is built
 * again, with a note. If several callers need the same image, one builds it and the others wait.
 *
 * @throws UserError: the spec is not valid (exit 2), a tool or disk space is missing (3), mmdebstrap failed (1).
 */
export async function ensureImage(spec: ImageSpec, options: EnsureOptions = {}): Promise<MatchedImage> {
  checkImageSpec(spec);
  const limit = cacheLimit();
  const progress = withElapsed(options.progress ?? silent);
  const hash = imageHash(spec);
  if (options.force !== true) {
    const ready = await soundImage(hash);
    if (ready !== undefined) return ready;
  }
  try {
    const built = await withBuildLock(hash, progress, async () => {
      // The former holder of the lock may have built it.
      const ready = options.force === true ? undefined : await soundImage(hash, progress);
      if (ready !== undefined) return ready;
      const root = await ensureRoot(spec, progress, options);
      const manifest = await buildDisk(spec, root, progress, options);
      progress.note(`image ${hash} built: Debian ${spec.release}, ${manifest.packages.length} packages`);
      return imageFrom(manifest);
    });
    await trimCache(limit, { keep: hash, note: progress.note });
    return built;
  } catch (error) {
    throw (error instanceof ToolFailure && error.diskFull) || hasCode(error, "ENOSPC", "EDQUOT")
      ? diskFullError("the file system got full during the build; the unfinished image was removed", error)
      : error;
  }
}

/** The image when it is complete and passes the quick check. */
async function soundImage(hash: string, progress: Progress = silent): Promise<MatchedImage | undefined> {
  const image = await findImage(hash);
  if (image === undefined) return undefined;
  const corrupt = await findCorruption(image);
  if (corrupt === undefined) {
    await markUsed(image.manifestFile);
    return image;
  }
  progress.note(`${corrupt.path} ${corrupt.why}; building it again`);
  return undefined;
}

/** The root file system: from the cache if it is valid, else built, under its own lock. */
function ensureRoot(spec: ImageSpec, progress: Progress, options: EnsureOptions): Promise<RootManifest> {
  const hash = rootHash(spec);
  const dir = rootDir(hash);
  return withBuildLock(`root-${hash}`, progress, async () => {
    const manifest = await readRootManifest(join(dir, rootFiles.manifest));
    if (manifest !== undefined && options.force !== true) {
      const { rootTar, kernel, initrd } = manifest.files;
      const corrupt = await findCorruption({
        files: [
          { path: join(dir, rootFiles.rootTar), record: rootTar },
          { path: join(dir, rootFiles.kernel), record: kernel },
          { path: join(dir, rootFiles.initrd), record: initrd },
        ],
      });
      if (corrupt === undefined) {
        await markUsed(join(dir, rootFiles.manifest));
        return manifest;
      }
      progress.note(`${corrupt.path} ${corrupt.why}; building the root file system again`);
    }
    const built = await buildRoot(spec, progress, options);
    return built;
  });
}

/** Appends the seconds since the start, which shows that a slow step is still running. */
function withElapsed(progress: Progress): Progress {
  const started = Date.now();
  return {
    update: (text) => progress.update(`${text}, ${Math.round((Date.now() - started) / 1000)} s`),
    note: (text) => progress.note(text),
  };
}
