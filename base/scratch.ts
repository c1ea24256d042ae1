import { createHash } from "node:crypto";
import { rmdirSync, rmSync } from "node:fs";
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ExitCode, hasCode, UserError } from "./errors.js";
import { ownStateDir } from "./paths.js";
import { hasEnded } from "./processes.js";

/**
 * Where the commands of one state directory keep their temporary files, one folder per process. Not in the state directory
 * itself, because the paths of sockets may have at most 107 characters.
 */
export function scratchRoot(state = ownStateDir()): string {
  const hash = createHash("sha256").update(state).digest("hex").slice(0, 8);
  return join(tmpdir(), `trilab-${process.getuid?.() ?? 0}-${hash}`);
}

const folders = new Map<string, Promise<string>>();

/**
 * The folder for temporary files of this process and of its child processes (as their TMPDIR). It is removed when the
 * process ends; if the process is killed, the next command removes it.
 *
 * @throws UserError (exit 3) when the path belongs to somebody else.
 */
export function scratchDir(): Promise<string> {
  const root = scratchRoot();
  let folder = folders.get(root);
  if (folder === undefined) {
    folder = makeFolder();
    folders.set(root, folder);
  }
  return folder;
}

/** Creates a folder with this name plus some characters in the process's own folder. */
export const scratchFolder = async (name: string): Promise<string> =>
  mkdtemp(join(await scratchDir(), `${name}-`));

/** Runs `body` with such a folder, and then removes it. */
export async function inScratchFolder<T>(name: string, body: (dir: string) => Promise<T>): Promise<T> {
  const dir = await scratchFolder(name);
  try {
    return await body(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/**
 * Removes a file or folder when the process ends, as after Ctrl-C: for what can't be in the process's own folder, because it will
 * be moved into its place.
 *
 * @returns to be called when it is complete or removed.
 */
export function removedAtExit(path: string): () => void {
  const remove = (): void => {
    try {
      rmSync(path, { recursive: true, force: true, maxRetries: 3 });
    } catch {
      // The process ends anyway.
    }
  };
  process.once("exit", remove);
  return () => {
    process.off("exit", remove);
  };
}

/**
 * Creates {@link scratchRoot}, if it is missing.
 *
 * @throws UserError (exit 3) when the path belongs to somebody else.
 */
export async function privateScratchRoot(): Promise<string> {
  const root = scratchRoot();
  await mkdir(root, { mode: 0o700 }).catch((error: unknown) => {
    if (!hasCode(error, "EEXIST")) throw error;
  });
  if (await isPrivate(root)) return root;
  throw new UserError(`the temporary folder ${root} can't be used`, {
    why: "it is not a folder that only you can read and write",
    fix: "remove it, or set TMPDIR to a folder of your own",
    exitCode: ExitCode.hostNotReady,
  });
}

async function makeFolder(): Promise<string> {
  for (;;) {
    const root = await privateScratchRoot();
    const folder = await mkdtemp(join(root, `${process.pid}-`)).catch((error: unknown) => {
      // Another process has just removed it.
      if (!hasCode(error, "ENOENT")) throw error;
      return undefined;
    });
    if (folder === undefined) continue;
    process.once("exit", () => {
      rmSync(folder, { recursive: true, force: true });
      try {
        rmdirSync(root);
      } catch {
        // It contains folders of others.
      }
    });
    return folder;
  }
}

/** Removes what killed processes left behind, unless one of their child processes still uses it. */
export async function sweepScratch(): Promise<void> {
  const root = scratchRoot();
  if (!(await isPrivate(root))) return;
  for (const name of await readdir(root)) {
    const pid = /^(\d+)-/.exec(name)?.[1];
    const folder = join(root, name);
    if (pid !== undefined && hasEnded(Number(pid)) && !(await isUsed(folder)))
      await rm(folder, { recursive: true, force: true });
  }
  await rmdir(root).catch(() => {}); // It contains folders of others.
}

async function isPrivate(path: string): Promise<boolean> {
  const info = await lstat(path).catch((error: unknown) => {
    if (!hasCode(error, "ENOENT")) throw error;
    return undefined;
  });
  return info?.isDirectory() === true && info.uid === process.getuid?.() && (info.mode & 0o077) === 0;
}

/** Whether it is the TMPDIR of a running process: an engine finishes its step even if its CLI was killed. */
async function isUsed(folder: string): Promise<boolean> {
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  const environments = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/environ`, "latin1").catch(() => "")),
  );
  return environments.some((text) => text.split("\0").includes(`TMPDIR=${folder}`));
}
