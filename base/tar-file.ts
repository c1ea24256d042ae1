import { createReadStream, createWriteStream } from "node:fs";
import { rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { removedAtExit } from "./scratch.js";

/** A file of a tar: its name there, and its content as bytes or as a local file. */
export interface TarEntry {
  name: string;
  content: Buffer | { file: string };
}

/** Writes a tar of these files; readable only by its owner. An error or an interrupt leaves nothing behind. */
export async function writeTar(file: string, entries: readonly TarEntry[]): Promise<void> {
  const { pack } = await import("tar-stream");
  const part = `${file}.part`;
  const tar = pack();
  const fill = async (): Promise<void> => {
    for (const { content, name } of entries) {
      if (Buffer.isBuffer(content)) {
        tar.entry({ name, mode: 0o600 }, content);
        continue;
      }
      const { size } = await stat(content.file);
      await new Promise<void>((resolve, reject) => {
        // The next entry may begin when this one is over, not when its last byte was given.
        const entry = tar.entry({ name, size, mode: 0o600 }, (error) => (error ? reject(error) : resolve()));
        pipeline(createReadStream(content.file), entry).catch(reject);
      });
    }
    tar.finalize();
  };
  const over = removedAtExit(part);
  try {
    await Promise.all([pipeline(tar, createWriteStream(part, { mode: 0o600 })), fill()]);
    await rename(part, file);
  } catch (error) {
    tar.destroy();
    await rm(part, { force: true });
    throw error;
  } finally {
    over();
  }
}

/** Handles one file of a tar. What it does not read is skipped. */
export type TarVisitor = (name: string, content: NodeJS.ReadableStream, size: number) => Promise<void>;

/** Shows every plain file of a tar, in order; links and folders are passed over. @throws Error when the tar is damaged. */
export async function readTar(file: string, visit: TarVisitor): Promise<void> {
  const { extract } = await import("tar-stream");
  const files = extract();
  files.on("entry", ({ name, size = 0, type }, content, next) => {
    let isRead = false;
    content.once("end", () => {
      isRead = true;
    });
    const visited = type === "file" ? visit(name.replace(/^\.\//, ""), content, size) : Promise.resolve();
    visited.then(
      () => {
        if (isRead) return next();
        content.once("end", next);
        content.resume();
      },
      (error: unknown) => files.destroy(error instanceof Error ? error : new Error(String(error))),
    );
  });
  await pipeline(createReadStream(file), files);
}

/** One small file of a tar; `undefined` when it is not there. @throws Error when it is larger than `max` bytes. */
export async function fileInTar(file: string, wanted: string, max = 2 ** 20): Promise<Buffer | undefined> {
  let found: Buffer | undefined;
  await readTar(file, async (name, content, size) => {
    if (name !== wanted) return;
    if (size > max) throw new Error(`${wanted} is larger than ${max} bytes`);
    found = await buffer(content);
  });
  return found;
}

/** Writes the files of a tar that have one of these names into a folder. @returns the names that were there. */
export async function unpackTar(file: string, dir: string, names: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  await readTar(file, async (name, content) => {
    if (!names.includes(name) || found.includes(name)) return;
    await pipeline(content, createWriteStream(join(dir, name), { mode: 0o600 }));
    found.push(name);
  });
  return found;
}
