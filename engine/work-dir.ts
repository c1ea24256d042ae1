import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hasCode } from "../base/errors.js";
import { privateDir } from "../base/paths.js";
import { defaultProject, type StackRef, workDir } from "./backend.js";

/** Makes the stack's work directory with its Pulumi.yaml. */
export async function prepareWorkDir(ref: StackRef): Promise<string> {
  const dir = await privateDir(workDir(ref.stack));
  await writeIfChanged(join(dir, "Pulumi.yaml"), `name: ${ref.project ?? defaultProject}\nruntime: nodejs\n`);
  return dir;
}

/** The text of a file; `undefined` when there is none. */
export async function readText(file: string): Promise<string | undefined> {
  return readFile(file, "utf8").catch((error: unknown) => {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  });
}

/** Writes a text to a file (mode 0600), unless the file has it already. */
export async function writeIfChanged(file: string, text: string): Promise<void> {
  if ((await readText(file)) !== text) await writeFile(file, text, { mode: 0o600 });
}
