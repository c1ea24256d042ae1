import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import writeFileAtomic from "write-file-atomic";
import { z } from "zod";
import { isExecutable } from "./layout.js";

const schema = z.object({
  version: z.string(),
  way: z.enum(["download", "built"]),
  sha256: z.string(),
  size: z.number(),
  mtimeMs: z.number(),
});
export type Provenance = z.infer<typeof schema>;

const besideOf = (file: string): string => `${file}.trilab.json`;

/** Writes where `file` came from, and its SHA-256, to a file beside it. */
export async function record(
  file: string,
  origin: { version: string; way: "download" | "built" },
): Promise<void> {
  const { size, mtimeMs } = await stat(file);
  const entry: Provenance = { ...origin, sha256: await sha256(file), size, mtimeMs };
  await writeFileAtomic(besideOf(file), `${JSON.stringify(entry)}\n`);
}

/** The record of `file`; `undefined` if there is none or it can't be read. */
export async function provenance(file: string): Promise<Provenance | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(besideOf(file), "utf8")));
  } catch {
    return undefined;
  }
}

/**
 * Whether `file` is as recorded: by size and time if both are the same (1 ms), else by its SHA-256, for example after a copy
 * (0.1–0.3 s for 100 MB). False for a file without a record.
 */
export async function verified(file: string): Promise<Provenance | undefined> {
  const entry = await provenance(file);
  const now = await stat(file).catch(() => undefined);
  if (!entry || !now || now.size !== entry.size) return undefined;
  if (now.mtimeMs === entry.mtimeMs) return entry;
  return (await sha256(file)) === entry.sha256 ? entry : undefined;
}

/** Whether `file` can be used: an official one always, one of ours only if it is as recorded. */
export async function intact(file: string): Promise<boolean> {
  if (!(await isExecutable(file))) return false;
  return (await provenance(file)) === undefined || (await verified(file)) !== undefined;
}

async function sha256(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  return hash.digest("hex");
}
