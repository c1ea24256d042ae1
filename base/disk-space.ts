import { statfs } from "node:fs/promises";
import { hasCode } from "./errors.js";

/** Free bytes on the file system of `path`, which need not exist yet. */
export async function freeBytes(path: string): Promise<number | undefined> {
  for (let dir = path; dir !== ""; dir = dir.slice(0, dir.lastIndexOf("/"))) {
    const stat = await statfs(dir).catch((error: unknown) => {
      if (!hasCode(error, "ENOENT")) throw error;
      return undefined;
    });
    if (stat) return stat.bavail * stat.bsize;
  }
  return undefined;
}
