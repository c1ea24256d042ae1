import type { Stats } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { ExitCode, hasCode, messageOf, UserError } from "./errors.js";

/** What a path is, in words: only the first two are ever read or written. */
export type FileKind = "file" | "folder" | "FIFO" | "socket" | "device";

/** The kind of what `stat` found. Pure. */
export function fileKind(stats: Stats): FileKind {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "folder";
  if (stats.isFIFO()) return "FIFO";
  return stats.isSocket() ? "socket" : "device";
}

/** The kind of a path, links followed; `undefined` when nothing is there. */
export async function kindOfPath(path: string): Promise<FileKind | undefined> {
  const stats = await stat(path).catch((error: unknown) => {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  });
  return stats && fileKind(stats);
}

/**
 * The text of a file that a user named; `undefined` when nothing is there. A FIFO is refused before it is opened: the
 * open would wait for a writer, and no signal ends that wait.
 *
 * @param what Names the file in errors: `the lab's file`.
 * @throws UserError (exit 2) when it is no regular file, or can't be read.
 */
export async function readUserFile(path: string, what: string): Promise<string | undefined> {
  try {
    const kind = await kindOfPath(path);
    if (kind === undefined) return undefined;
    if (kind === "file") return await readFile(path, "utf8");
    throw new UserError(`${what} ${path} is no regular file`, {
      why: `it is a ${kind}`,
      fix: "give a regular file",
      exitCode: ExitCode.usage,
    });
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${what} ${path} can't be read`, {
      why: messageOf(error),
      fix: "check the path and its permissions",
      exitCode: ExitCode.usage,
      cause: error,
    });
  }
}
