import { stat } from "node:fs/promises";
import { UserError } from "../base/errors.js";
import { type FileRecord, recordFile } from "./manifest.js";
import type { MatchedImage } from "./matched-image.js";

interface Recorded {
  path: string;
  record: FileRecord;
}

export interface Corruption {
  path: string;
  /** The rest of a sentence that begins with the path: "is gone", "has 5 bytes, not 7". */
  why: string;
}

/**
 * The first file of an image that is not as it was built. A file with the recorded size and time counts as unchanged. One
 * with another time is read completely; with `full`, every file is.
 */
export async function findCorruption(
  image: MatchedImage | { files: readonly Recorded[] },
  options: { full?: boolean } = {},
): Promise<Corruption | undefined> {
  const files = "manifest" in image ? recordsOf(image) : image.files;
  for (const { path, record } of files) {
    const now = await stat(path).catch(() => undefined);
    if (now === undefined) return { path, why: "is gone" };
    if (now.size !== record.size) return { path, why: `has ${now.size} bytes, not ${record.size}` };
    if (options.full !== true && Math.floor(now.mtimeMs) === record.mtimeMs) continue;
    const { sha256 } = await recordFile(path);
    if (sha256 !== record.sha256) return { path, why: "has changed since it was built (SHA-256)" };
  }
  return undefined;
}

/**
 * Checks an image's files: sizes and times; SHA-256 if the time differs, or for all files with `full`.
 *
 * @throws UserError (exit 1) naming the file. Not needed before `ensureImage`, which checks and rebuilds by itself.
 */
export async function verifyImage(image: MatchedImage, options: { full?: boolean } = {}): Promise<void> {
  const corrupt = await findCorruption(image, options);
  if (corrupt !== undefined)
    throw new UserError(`${corrupt.path} ${corrupt.why}`, {
      why: `it belongs to image ${image.hash}; machines made from it would not match`,
      fix: "build it again: trilab images build --force",
    });
}

function recordsOf(image: MatchedImage): Recorded[] {
  const { files } = image.manifest;
  return [
    { path: image.disk, record: files.disk },
    { path: image.kernel, record: files.kernel },
    { path: image.initrd, record: files.initrd },
    { path: image.rootTar, record: files.rootTar },
  ];
}
