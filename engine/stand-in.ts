import { access, chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ExitCode, UserError } from "../base/errors.js";
import { repoDir } from "../base/paths.js";
import type { ProviderName } from "./layout.js";

/** The stand-ins, by their folders in plugins/: each replaces a program of Pulumi. */
export type StandInName = ProviderName | "language-nodejs";

const markerName = "trilab-stand-in.json";

/** A stand-in's compiled program. */
export const standInEntry = (standIn: StandInName): string =>
  join(repoDir, "dist/plugins", standIn, "main.js");

/** Whether the plugin in this directory is a stand-in: then there is a marker file. */
export const isStandIn = (dir: string): Promise<boolean> =>
  access(join(dir, markerName)).then(
    () => true,
    () => false,
  );

/**
 * Writes a launcher script named `file` into `dir`. It runs a stand-in with this Node.js and this checkout.
 *
 * @returns the launcher's path.
 * @throws UserError (exit 3) when the stand-in is not compiled.
 */
export async function writeStandIn(standIn: StandInName, dir: string, file: string): Promise<string> {
  const entry = standInEntry(standIn);
  if (!(await readFile(entry).then(Boolean, () => false))) {
    throw new UserError(`the stand-in ${standIn} is not compiled`, {
      why: `${entry} is missing`,
      fix: "run `npm run build`",
      exitCode: ExitCode.hostNotReady,
    });
  }
  const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  const script = `#!/bin/sh\n# Written by trilab: its stand-in for Pulumi's own program of this name.\nexec ${quote(process.execPath)} ${quote(entry)} "$@"\n`;
  await mkdir(dir, { recursive: true });
  // The marker is written first, so that a stand-in is never there without it.
  await writeFile(join(dir, markerName), `${JSON.stringify({ standIn, entry })}\n`);
  const path = join(dir, file);
  if ((await readFile(path, "utf8").catch(() => undefined)) !== script) await writeFile(path, script);
  await chmod(path, 0o755);
  return path;
}
