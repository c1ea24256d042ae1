import { randomUUID } from "node:crypto";
import type { Stats } from "node:fs";
import { link, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { ExitCode, hasCode, messageOf, UserError } from "./errors.js";
import { ownStateDir } from "./paths.js";

/** The kind of a path, in words. Only the first two are read or written. */
export type FileKind = "file" | "folder" | "FIFO" | "socket" | "device";

/** The kind from a result of `stat`. Pure. */
export function fileKind(stats: Stats): FileKind {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "folder";
  if (stats.isFIFO()) return "FIFO";
  return stats.isSocket() ? "socket" : "device";
}

/** The kind of a path, links followed; `undefined` when it does not exist. */
export async function kindOfPath(path: string): Promise<FileKind | undefined> {
  const stats = await stat(path).catch((error: unknown) => {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  });
  return stats && fileKind(stats);
}

/**
 * The text of a file that a user named; `undefined` when it does not exist. A FIFO is refused before opening it, because
 * the open would wait for a writer, and no signal ends that.
 *
 * @param what The file's name in errors: `the lab's file`.
 * @throws UserError (exit 2) when it is not a regular file, or can't be read.
 */
export async function readUserFile(path: string, what: string): Promise<string | undefined> {
  try {
    const kind = await kindOfPath(path);
    if (kind === undefined) return undefined;
    if (kind === "file") return await readFile(path, "utf8");
    throw new UserError(`${what} ${path} is not a regular file`, {
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

/** The text of a file of trilab's own; `undefined` when it does not exist. @throws UserError when it can't be read. */
export const readOwnFile = (path: string): Promise<string | undefined> =>
  readFile(path, "utf8").catch(nothingThere(path));

/**
 * Makes a private file (0600), unless it exists. It is never there without its text, whatever ends the process, and if two
 * processes make it at once, both find the same text.
 */
export async function createWhole(path: string, text: string): Promise<void> {
  // Where it exists, a full disk or a folder that can't be written to is no reason to fail.
  if ((await kindOfPath(path)) !== undefined) return;
  const draft = `${path}.${randomUUID()}`;
  const isThere = (error: unknown): void => {
    if (!hasCode(error, "EEXIST")) throw error;
  };
  try {
    await writeFile(draft, text, { mode: 0o600, flag: "wx" });
    await link(draft, path).catch(async (error: unknown) => {
      // A file system without hard links.
      if (hasCode(error, "EPERM", "ENOTSUP", "ENOSYS"))
        await writeFile(path, text, { mode: 0o600, flag: "wx" }).catch(isThere);
      else isThere(error);
    });
  } finally {
    await rm(draft, { force: true });
  }
}

/** The names in a folder of trilab's own; none when it does not exist. @throws UserError when it can't be read. */
export const namesIn = async (dir: string): Promise<string[]> =>
  (await readdir(dir).catch(nothingThere(dir))) ?? [];

/** The names of the folders in a folder of trilab's own, sorted; none when it does not exist. @throws UserError when it can't be read. */
export const folderNames = async (dir: string): Promise<string[]> =>
  ((await readdir(dir, { withFileTypes: true }).catch(nothingThere(dir))) ?? [])
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();

/** Only what does not exist is nothing: what can't be read may be a seat, or its keys. */
const nothingThere =
  (path: string) =>
  (error: unknown): undefined => {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return undefined;
    throw new UserError(`${path} can't be read`, {
      why: messageOf(error),
      fix: `if a command with sudo made trilab's files, take them over: sudo chown -R "$USER" ${ownStateDir()}`,
      cause: error,
    });
  };
