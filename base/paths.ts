import { existsSync } from "node:fs";
import { chmod, mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Where trilab keeps things, by the XDG base directory specification:
 * state is what must not be lost (Pulumi state, keys), cache is what can be made again (engine, images), configuration is
 * what a user wrote.
 * Read from the environment on every call, so that tests can point it elsewhere.
 */
function xdg(variable: string, fallback: string): string {
  const value = process.env[variable];
  return join(value?.startsWith("/") ? value : join(homedir(), fallback), "trilab");
}

export const stateDir = (): string => xdg("XDG_STATE_HOME", ".local/state");
export const cacheDir = (): string => xdg("XDG_CACHE_HOME", ".cache");
export const configDir = (): string => xdg("XDG_CONFIG_HOME", ".config");

/** The checkout: the nearest folder above this file that holds Pulumi.yaml. */
export const repoDir = ((): string => {
  let dir = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(dir, "Pulumi.yaml")) && dirname(dir) !== dir) dir = dirname(dir);
  return dir;
})();

/** Makes the directory (and its parents) readable by its owner only, and returns it. */
export async function privateDir(path: string): Promise<string> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  await chmod(path, 0o700);
  return path;
}

/** Whether a word names a folder rather than something registered: it holds a slash, or is `.` or `..`. */
export const isFolderPath = (word: string): boolean => word.includes("/") || word === "." || word === "..";
