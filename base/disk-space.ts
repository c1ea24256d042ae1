import { statfs } from "node:fs/promises";
import { hasCode } from "./errors.js";

/** Bytes free on the file system that holds, or will hold, `path`. */
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
