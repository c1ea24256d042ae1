import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { privateDir } from "../base/paths.js";
import { pulumiCandidates } from "./find.js";
import {
  engineCache,
  executablesNamed,
  PROVIDERS,
  pluginDir,
  pluginFile,
  pulumiHome,
  userPulumiHome,
} from "./layout.js";
import { pluginVariable } from "./provider-plugin.js";
import { standInEntry } from "./stand-in.js";
import { versions } from "./versions.js";

/**
 * Everything on which the result of `ensureEngine` depends, read without starting a process (a few dozen stat calls). While
 * it is the same, and the files of the result have not changed, the result is the same, too.
 */
async function situation(wanted: object): Promise<string> {
  const [pulumis, ...plugins] = await Promise.all([
    pulumiCandidates(),
    ...PROVIDERS.map(async (provider) => [
      await executablesNamed(pluginFile(provider)),
      await executablesNamed(pluginFile(provider), [pluginDir(provider, userPulumiHome())]),
      standInEntry(provider),
      process.env[pluginVariable(provider)] ?? "",
    ]),
  ]);
  const text = JSON.stringify([wanted, versions, pulumis, plugins, pulumiHome(), process.execPath]);
  return createHash("sha256").update(text).digest("hex");
}

interface Stamp<T> {
  situation: string;
  files: { file: string; size: number; mtimeMs: number }[];
  answer: T;
}

const stampFile = (name: string): string => join(engineCache(), `stamp-${name}.json`);

/** The last result, if nothing on which it depends has changed. Takes a few milliseconds. */
export async function stamped<T>(name: string, wanted: object): Promise<T | undefined> {
  let stamp: Stamp<T>;
  try {
    stamp = JSON.parse(await readFile(stampFile(name), "utf8")) as Stamp<T>;
  } catch {
    return undefined; // There is none yet, or it is incomplete: a full search writes a new one.
  }
  const same = await Promise.all(
    stamp.files.map(async ({ file, size, mtimeMs }) => {
      const now = await stat(file).catch(() => undefined);
      return now?.size === size && now.mtimeMs === mtimeMs;
    }),
  );
  return same.every(Boolean) && stamp.situation === (await situation(wanted)) ? stamp.answer : undefined;
}

export async function writeStamp<T>(name: string, wanted: object, files: string[], answer: T): Promise<void> {
  await privateDir(engineCache());
  const stamp: Stamp<T> = {
    situation: await situation(wanted),
    files: await Promise.all(
      files.map(async (file) => {
        const { size, mtimeMs } = await stat(file);
        return { file, size, mtimeMs };
      }),
    ),
    answer,
  };
  await writeFileAtomic(stampFile(name), `${JSON.stringify(stamp)}\n`);
}
