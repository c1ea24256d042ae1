import { readdir, readFile, rm, stat } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { z } from "zod";
import { digest } from "../base/digest.js";
import { hasCode } from "../base/errors.js";
import { privateDir } from "../base/paths.js";

/** A path from the state directory, inside it. */
const pathSchema = z
  .string()
  .refine(
    (path) => path !== "" && !path.startsWith("/") && !normalize(path).startsWith(".."),
    "leads outside",
  );

/**
 * What instructors share as a whole: the files of one seat, say. One instructor at a time changes a unit, and it is one object
 * in the bucket.
 */
export const unitSchema = z.object({
  /** Names the object: `seats/first-boot/alice`. */
  name: pathSchema,
  /** The lock file that a command on this machine holds while it changes the unit. */
  lock: pathSchema,
  /** Its files, and folders whose files belong to it. All paths are from the state directory. */
  paths: z.array(pathSchema),
  /** Names of files in those folders that stay on this machine, because every machine makes them anew. */
  own: z.array(z.string()).default([]),
});
export type Unit = z.input<typeof unitSchema>;

/** A unit as its object holds it. */
const contentSchema = z.object({
  schema: z.literal(1),
  unit: unitSchema,
  /** The files' texts, by path. */
  files: z.record(pathSchema, z.string()),
});
export type Content = z.output<typeof contentSchema>;

/** @returns `undefined` when a newer trilab wrote it. */
export const parseContent = (text: string): Content | undefined =>
  contentSchema.safeParse(JSON.parse(text)).data;

/** Files that are being written: write-file-atomic adds a number to the name. And lock files. */
const TRANSIENT = /\.\d+$|^lock$|\.lock$/;

/** The unit's files on this machine, by path, sorted. */
export async function readUnit(dir: string, { own = [], paths }: Unit): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const path of paths) {
    const info = await stat(join(dir, path)).catch(ifMissing(undefined));
    const entries = info?.isDirectory()
      ? (await readdir(join(dir, path), { withFileTypes: true }).catch(ifMissing([])))
          .filter((entry) => entry.isFile() && !TRANSIENT.test(entry.name) && !own.includes(entry.name))
          .map((entry) => join(path, entry.name))
      : info
        ? [path]
        : [];
    for (const file of entries.sort()) {
      const text = await readFile(join(dir, file), "utf8").catch(ifMissing(undefined));
      if (text !== undefined) files[file] = text;
    }
  }
  return files;
}

/** Makes the unit's files on this machine these, and removes its others. */
export async function writeUnit(
  dir: string,
  unit: Unit,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  const before = await readUnit(dir, unit);
  for (const path of Object.keys(before)) if (!(path in files)) await rm(join(dir, path), { force: true });
  for (const [path, text] of Object.entries(files)) {
    if (before[path] === text) continue;
    await privateDir(dirname(join(dir, path)));
    await writeFileAtomic(join(dir, path), text, { mode: 0o600 });
  }
  // A folder that is left holds only what this machine made for itself.
  if (Object.keys(files).length === 0)
    for (const path of unit.paths) await rm(join(dir, path), { recursive: true, force: true });
}

/** A digest of files; `undefined` of none. */
export const digestOf = (files: Readonly<Record<string, string>>): string | undefined =>
  Object.keys(files).length === 0 ? undefined : digest(files);

const ifMissing =
  <T>(instead: T) =>
  (error: unknown): T => {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return instead;
    throw error;
  };
