import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repoDir } from "../base/paths.js";

/** trilab's own version, from package.json. */
export function readVersion(): string {
  const { version } = JSON.parse(readFileSync(join(repoDir, "package.json"), "utf8")) as { version: string };
  return version;
}
