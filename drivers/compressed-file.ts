import { createReadStream, createWriteStream } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";

/** The fastest level: what moves between machines of one room is compressed so. */
const LEVEL = 1;

/** Compresses a stream into a file, which must not exist, as `gzip -1` does. Only this user may read it. */
export const compressTo = (file: string, from: Readable, signal: AbortSignal): Promise<void> =>
  pipeline(from, createGzip({ level: LEVEL }), createWriteStream(file, { flags: "wx", mode: 0o600 }), {
    signal,
  });

/** Writes what is in such a file to a stream. */
export const expandFrom = (file: string, to: Writable, signal: AbortSignal): Promise<void> =>
  pipeline(createReadStream(file), createGunzip(), to, { signal });
