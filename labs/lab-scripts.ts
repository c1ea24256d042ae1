import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { readUserFile } from "../base/files.js";
import type { Target } from "../model/naming.js";

/** A script in a lab's folder, and what people call it: `tasks/pushed/check.sh`. */
export interface LabScript {
  name: string;
  text: string;
}

/**
 * A lab's script for a target: `check.guest.sh` if it exists, else `check.sh`. The lab's lib.sh, if there is one, goes
 * before it.
 *
 * @param folder within the lab's folder: `tasks/pushed`; empty for the lab's folder itself.
 * @returns `undefined` when the lab has neither.
 */
export async function labScript(
  dir: string,
  folder: string,
  name: string,
  target: Target,
): Promise<LabScript | undefined> {
  for (const file of [`${name}.${target}.sh`, `${name}.sh`]) {
    const path = join(folder, file);
    const text = await readUserFile(join(dir, path), "the script");
    if (text !== undefined) return withLib(dir, { name: path, text });
  }
  return undefined;
}

/** What several scripts of a lab need is in its lib.sh. */
async function withLib(dir: string, { name, text }: LabScript): Promise<LabScript> {
  const lib = await readUserFile(join(dir, "lib.sh"), "the script");
  return { name, text: lib === undefined ? text : `${lib}\n${text}` };
}

/** The files that solve a task wrongly, on purpose: `wrong-1.sh` and so on; they prove that its check can fail. */
export async function wrongSolutions(dir: string, task: string): Promise<LabScript[]> {
  const folder = join("tasks", task);
  if (!existsSync(join(dir, folder))) return [];
  const names = (await readdir(join(dir, folder))).filter((name) => /^wrong-[\w-]+\.sh$/.test(name)).sort();
  return Promise.all(
    names.map(async (name) =>
      withLib(dir, { name: join(folder, name), text: await readFile(join(dir, folder, name), "utf8") }),
    ),
  );
}

/** What a learner's attempts were made with: a digest of everything in the lab's folder. 16 hex digits. */
export async function labDigest(dir: string): Promise<string> {
  const hash = createHash("sha256");
  const names = (await readdir(dir, { recursive: true })).sort();
  for (const name of names) {
    const path = join(dir, name);
    if (!(await stat(path)).isFile()) continue;
    hash
      .update(`${relative(dir, path)}\0`)
      .update(await readFile(path))
      .update("\0");
  }
  return hash.digest("hex").slice(0, 16);
}
