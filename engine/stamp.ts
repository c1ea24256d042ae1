import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { privateDir } from "../base/paths.js";
import { pulumiCandidates } from "./find.js";
import {
  engineCache,
  PROVIDERS,
  pluginDir,
  pluginFile,
  pulumiHome,
  userPulumiHome,
  which,
} from "./layout.js";
import { pluginVariable } from "./provider-plugin.js";
import { standInEntry } from "./stand-in.js";
import { versions } from "./versions.js";

/**
 * Everything that decides what `ensureEngine` would find, looked up without running anything (a few dozen
 * stat calls). As long as it is the same, and the files it named have not changed, so is the answer.
 */
async function situation(wanted: object): Promise<string> {
  const [pulumis, ...plugins] = await Promise.all([
    pulumiCandidates(),
    ...PROVIDERS.map(async (provider) => [
      await which(pluginFile(provider)),
      await which(pluginFile(provider), [pluginDir(provider, userPulumiHome())]),
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

/** The answer of the last time, when nothing it rests on has changed. A few milliseconds. */
export async function stamped<T>(name: string, wanted: object): Promise<T | undefined> {
  let stamp: Stamp<T>;
  try {
    stamp = JSON.parse(await readFile(stampFile(name), "utf8")) as Stamp<T>;
  } catch {
    return undefined; // None yet, or cut short: the long way writes it anew.
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
