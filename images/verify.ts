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
  /** A predicate: "is gone", "has 5 bytes, not 7". */
  why: string;
}

/**
 * The first file of an image that is not what was built. A file whose size and time are as recorded is taken
 * as unchanged; one with another time is read whole, as is every file with `full`.
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
 * Checks an image's files: sizes and times, and SHA-256 where those differ or everywhere with `full`.
 *
 * @throws UserError (exit 1) naming the file. `ensureImage` needs no such call: it checks and rebuilds by itself.
 */
export async function verifyImage(image: MatchedImage, options: { full?: boolean } = {}): Promise<void> {
  const corrupt = await findCorruption(image, options);
  if (corrupt !== undefined)
    throw new UserError(`${corrupt.path} ${corrupt.why}`, {
      why: `it belongs to image ${image.hash}, and whatever is made from it would not be the matched machine`,
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
