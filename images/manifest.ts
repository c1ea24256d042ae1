import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { z } from "zod";

const fileSchema = z.strictObject({
  /** Bytes. */
  size: z.number(),
  /** Milliseconds since 1970, whole. */
  mtimeMs: z.number(),
  /** SHA-256 in hex. */
  sha256: z.string(),
});

/** What is stored about a file: size and time for a quick check, a hash for a complete one. */
export type FileRecord = z.infer<typeof fileSchema>;

const packageSchema = z.strictObject({ name: z.string(), version: z.string() });

const rootSchema = z.strictObject({
  version: z.literal(1),
  rootHash: z.string(),
  release: z.string(),
  user: z.string(),
  kernelRelease: z.string(),
  /** Every installed package, sorted by name. */
  packages: z.array(packageSchema),
  /** The services that the lab names, and whether each has a script in /etc/init.d. Absent: there are none. */
  services: z.array(z.strictObject({ name: z.string(), initScript: z.boolean() })).optional(),
  files: z.strictObject({ rootTar: fileSchema, kernel: fileSchema, initrd: fileSchema }),
  /** ISO 8601. */
  builtAt: z.string(),
  buildSeconds: z.number(),
});

/** The manifest of a root file system. Images that differ only in their disk's size share it. */
export type RootManifest = z.infer<typeof rootSchema>;

const imageSchema = z.strictObject({
  ...rootSchema.shape,
  hash: z.string(),
  diskBytes: z.number(),
  files: z.strictObject({ ...rootSchema.shape.files.shape, disk: fileSchema }),
  /** ISO 8601. */
  diskBuiltAt: z.string(),
  diskBuildSeconds: z.number(),
});

/** The manifest of a whole image. */
export type ImageManifest = z.infer<typeof imageSchema>;

/** `undefined` if the file is missing, incomplete, or of another version: then the root file system is built again. */
export async function readRootManifest(path: string): Promise<RootManifest | undefined> {
  return rootSchema.safeParse(await readJson(path)).data;
}

/** `undefined` in the same cases as `readRootManifest`. */
export async function readImageManifest(path: string): Promise<ImageManifest | undefined> {
  return imageSchema.safeParse(await readJson(path)).data;
}

export async function writeManifest(path: string, manifest: RootManifest | ImageManifest): Promise<void> {
  await writeFile(path, `${JSON.stringify(manifest, undefined, 2)}\n`);
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch {
    return undefined;
  }
}

/** The record of a file. Reads all of it. */
export async function recordFile(path: string): Promise<FileRecord> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1024 ** 2 }), hash);
  const { size, mtimeMs } = await stat(path);
  return { size, mtimeMs: Math.floor(mtimeMs), sha256: hash.digest("hex") };
}

/** The installed packages in a dpkg status file, sorted by name. */
export function installedPackages(status: string): Array<{ name: string; version: string }> {
  const field = (stanza: string, name: string): string | undefined =>
    new RegExp(`^${name}: (.*)$`, "m").exec(stanza)?.[1];
  return status
    .split("\n\n")
    .filter((stanza) => field(stanza, "Status") === "install ok installed")
    .map((stanza) => ({ name: field(stanza, "Package") ?? "", version: field(stanza, "Version") ?? "" }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
