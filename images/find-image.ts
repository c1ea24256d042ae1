import { join } from "node:path";
import { containerTag } from "../model/container-tag.js";
import { diskFiles } from "./build-disk.js";
import { rootFiles } from "./build-root.js";
import { imageDir, rootDir } from "./cache.js";
import { type ImageManifest, readImageManifest } from "./manifest.js";
import type { MatchedImage } from "./matched-image.js";

/** The image that a manifest describes, with its paths in the cache. */
export function imageFrom(manifest: ImageManifest): MatchedImage {
  const root = rootDir(manifest.rootHash);
  return {
    hash: manifest.hash,
    rootHash: manifest.rootHash,
    containerTag: containerTag(manifest.hash),
    rootTar: join(root, rootFiles.rootTar),
    disk: join(imageDir(manifest.hash), diskFiles.disk),
    kernel: join(root, rootFiles.kernel),
    initrd: join(root, rootFiles.initrd),
    manifest,
    manifestFile: join(imageDir(manifest.hash), diskFiles.manifest),
  };
}

/** The image of this spec if it has been built. Reads only its manifest, and does not check its files. */
export async function findImage(hash: string): Promise<MatchedImage | undefined> {
  const manifest = await readImageManifest(join(imageDir(hash), diskFiles.manifest));
  return manifest === undefined ? undefined : imageFrom(manifest);
}
