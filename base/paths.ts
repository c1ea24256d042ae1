import { AsyncLocalStorage } from "node:async_hooks";
import { existsSync } from "node:fs";
import { chmod, mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * trilab's directories, by the XDG base directory specification: state must not be lost (Pulumi state, keys), cache can be
 * made again (engine, images), configuration is written by the user. Read from the environment on every call, so that tests
 * can change them.
 */
function xdg(variable: string, fallback: string): string {
  const value = process.env[variable];
  return join(value?.startsWith("/") ? value : join(homedir(), fallback), "trilab");
}

/** The state directory of this user. */
export const ownStateDir = (): string => xdg("XDG_STATE_HOME", ".local/state");

const chosen = new AsyncLocalStorage<string>();

/** The state directory that a command works in: this user's own, or the one that {@link inStateDir} has chosen. */
export const stateDir = (): string => chosen.getStore() ?? ownStateDir();

/** Runs `body`, and all that it starts, with another state directory. */
export const inStateDir = <T>(dir: string, body: () => T): T => chosen.run(dir, body);

export const cacheDir = (): string => xdg("XDG_CACHE_HOME", ".cache");
export const configDir = (): string => xdg("XDG_CONFIG_HOME", ".config");

/** The checkout: the nearest folder above this file that contains Pulumi.yaml. */
export const repoDir = ((): string => {
  let dir = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(dir, "Pulumi.yaml")) && dirname(dir) !== dir) dir = dirname(dir);
  return dir;
})();

/** Creates the directory (and its parents), readable only by its owner, and returns it. */
export async function privateDir(path: string): Promise<string> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  await chmod(path, 0o700);
  return path;
}

/** Whether a word is a folder's path instead of a registered name: it contains a slash, or is `.` or `..`. */
export const isFolderPath = (word: string): boolean => word.includes("/") || word === "." || word === "..";
