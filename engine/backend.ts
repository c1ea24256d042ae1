import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createWhole } from "../base/files.js";
import { privateDir, stateDir } from "../base/paths.js";

/** The Pulumi project of trilab's stacks, unless a caller gives another. */
export const defaultProject = "trilab";

/** A stack's name. `project` defaults to {@link defaultProject}. */
export interface StackRef {
  stack: string;
  project?: string;
}

/** Where the state is: `PULUMI_BACKEND_URL` if set, else `<stateDir>/backend` as a `file://` URL. */
export function backendUrl(): string {
  return process.env.PULUMI_BACKEND_URL || pathToFileURL(join(stateDir(), "backend")).href;
}

/** The directory of a `file://` backend; `undefined` for another backend. */
export function fileBackendDir(): string | undefined {
  const url = backendUrl();
  if (!url.startsWith("file://")) return undefined;
  const bare = url.split("?")[0] ?? url;
  if (bare.startsWith("file://~")) return join(homedir(), bare.slice("file://~".length));
  return bare.startsWith("file:///") ? fileURLToPath(bare) : bare.slice("file://".length);
}

/** The files of one stack in a file backend; `undefined` for another backend. */
export interface StackFiles {
  checkpoint: string;
  locks: string;
  history: string;
  backups: string;
}

export function stackFiles(ref: StackRef): StackFiles | undefined {
  const dir = fileBackendDir();
  if (dir === undefined) return undefined;
  const project = ref.project ?? defaultProject;
  const root = join(dir, ".pulumi");
  return {
    checkpoint: join(root, "stacks", project, `${ref.stack}.json`),
    locks: join(root, "locks", "organization", project, ref.stack),
    history: join(root, "history", project, ref.stack),
    backups: join(root, "backups", project, ref.stack),
  };
}

/** The directory of Pulumi.yaml and Pulumi.<stack>.yaml. Each stack has its own, so that two don't write the same file. */
export const workDir = (stack: string): string => join(stateDir(), "work", stack);

/** What of a stack belongs to a seat that instructors share, and the stack's lock, as paths from the state directory. */
export function stackUnit(stack: string): { lock: string; paths: string[] } {
  const files = [stackFiles({ stack })?.checkpoint, join(workDir(stack), `Pulumi.${stack}.yaml`)];
  const fromState = (path: string): string => relative(stateDir(), path);
  return {
    lock: fromState(stackLock(stack)),
    paths: files.filter((path) => path !== undefined).map(fromState),
  };
}

/** The lock file (base/lock.ts) that callers hold during every operation that changes the stack. */
export const stackLock = (stack: string): string => join(stateDir(), "locks", `${stack}.lock`);

/** The passphrase with which secrets are encrypted, and the environment variables that pass it to the engine. */
export interface Passphrase {
  value: string;
  env: Record<string, string>;
  /** Whether it is trilab's own, which is random and long. */
  generated: boolean;
}

/**
 * The passphrase with which secrets are encrypted: the user's own (`PULUMI_CONFIG_PASSPHRASE` or
 * `PULUMI_CONFIG_PASSPHRASE_FILE`) if set, else the one in `<stateDir>/passphrase` (0600), which is generated once.
 */
export async function passphrase(): Promise<Passphrase> {
  const value = process.env.PULUMI_CONFIG_PASSPHRASE;
  if (value !== undefined) return { value, env: { PULUMI_CONFIG_PASSPHRASE: value }, generated: false };
  const given = process.env.PULUMI_CONFIG_PASSPHRASE_FILE;
  const file = given || join(await privateDir(stateDir()), "passphrase");
  if (!given) {
    // If two first runs start at once, one makes the file, and both read it.
    await createWhole(file, `${randomBytes(32).toString("base64url")}\n`);
  }
  return {
    value: (await readFile(file, "utf8")).trim(),
    env: { PULUMI_CONFIG_PASSPHRASE_FILE: file },
    generated: !given,
  };
}
