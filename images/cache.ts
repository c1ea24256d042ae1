import { randomBytes } from "node:crypto";
import { chmod, mkdir, readdir, readFile, readlink, statfs, symlink } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ExitCode, UserError } from "../base/errors.js";
import { type LockOptions, withLock } from "../base/lock.js";
import { cacheDir } from "../base/paths.js";
import type { Progress } from "../base/progress.js";
import { parseSize } from "../model/units.js";
import { runTool, ToolFailure } from "./run-tool.js";

/** The cache: `<hash>/` is an image, `roots/<hash>/` a root file system, and `work/` contains running builds. */
export const imageCache = (): string => join(cacheDir(), "images");
export const imageDir = (hash: string): string => join(imageCache(), hash);
export const rootDir = (hash: string): string => join(imageCache(), "roots", hash);
/** The log of a build. It stays until the next build of the same image. */
export const buildLog = (hash: string): string => join(imageCache(), `build-${hash}.log`);
const workRoot = (): string => join(imageCache(), "work");
/** Bytes that the cache may take, unless TRILAB_CACHE_SIZE says otherwise. An image of a lab takes about one GiB. */
const CACHE_LIMIT = 20 * 1024 ** 3;

/** @throws UserError (exit 2) when TRILAB_CACHE_SIZE is no size. */
export function cacheLimit(text = process.env.TRILAB_CACHE_SIZE): number {
  if (!text) return CACHE_LIMIT;
  const bytes = parseSize(text);
  if (bytes !== undefined) return bytes;
  throw new UserError(`TRILAB_CACHE_SIZE can't be "${text}"`, {
    why: "it is the size that the cache of images may have",
    fix: "set it to a size such as 20GiB, or remove it",
    exitCode: ExitCode.usage,
  });
}

const lockPath = (name: string): string => join(imageCache(), "locks", name);

/** Waits at most an hour for another run that builds the same image, and reports that it waits. */
export async function withBuildLock<T>(name: string, progress: Progress, body: () => Promise<T>): Promise<T> {
  const what = `image ${name}`;
  const deadline = Date.now() + 3_600_000;
  for (let waitMs = 0; ; waitMs = 5_000) {
    let inside = false;
    try {
      return await withLock(lockPath(name), { what, waitMs }, () => {
        inside = true;
        return body();
      });
    } catch (error) {
      const busy = !inside && error instanceof UserError && error.exitCode === ExitCode.locked;
      if (!busy || Date.now() > deadline) throw error;
      progress.update(`another run is building this image (${error.why ?? "locked"}); waiting`);
    }
  }
}

/** As `withLock`, without waiting: fails (exit 7) if the image is being built. */
export function withFreeLock<T>(name: string, body: () => Promise<T>): Promise<T> {
  const options: LockOptions = { what: `image ${name}` };
  return withLock(lockPath(name), options, body);
}

/** The start time of a process (field 22 of /proc/PID/stat). It differs between two processes that had the same PID. */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

/** Where trees are unpacked without root: subordinate users may not enter our home, and /tmp may be in memory. */
const scratchRoot = (): string => process.env.TMPDIR || "/var/tmp";

/**
 * Runs `body` with two new folders, and removes both afterwards: one on the cache's own file system, so that a rename
 * publishes the result, and one for trees, which subordinate users may enter. First removes the folders of builds that died.
 */
export async function withWorkDir<T>(body: (dir: string, scratch: string) => Promise<T>): Promise<T> {
  await sweepWorkDirs();
  // The name shows from the start which process owns it.
  const name = `${process.pid}-${(await startOf(process.pid)) ?? "0"}-${randomBytes(4).toString("hex")}`;
  const dir = join(workRoot(), name);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  try {
    return await body(dir, await makeScratch(dir, name));
  } finally {
    await removeWork(dir);
  }
}

async function makeScratch(dir: string, name: string): Promise<string> {
  const link = join(dir, "scratch");
  if (process.getuid?.() === 0) {
    await mkdir(link, { mode: 0o700 });
    return link;
  }
  const scratch = join(scratchRoot(), `trilab-${name}`);
  // The link is made first, so that a cleanup that removes the one folder finds the other.
  await symlink(scratch, link);
  await mkdir(scratch);
  await chmod(scratch, 0o711);
  return scratch;
}

async function removeWork(dir: string): Promise<void> {
  const scratch = await readlink(join(dir, "scratch")).catch(() => undefined);
  if (scratch !== undefined) await removeTree(scratch);
  await removeTree(dir);
}

/** Removes the work folders of builds that no longer run. */
export async function sweepWorkDirs(): Promise<void> {
  for (const name of await readdir(workRoot()).catch(() => [])) {
    const [pid, started] = name.split("-");
    if ((await startOf(Number(pid))) !== started) await removeWork(join(workRoot(), name));
  }
}

/**
 * Removes a folder, also if its files belong to subordinate users (mmdebstrap's unshare mode).
 * Never enters a mount: the host's /proc or /sys could be mounted in a tree that a killed build left.
 *
 * @throws UserError when something is mounted below and cannot be unmounted.
 */
export async function removeTree(dir: string): Promise<void> {
  await unmountBelow(dir);
  // A build whose parent died may still be removing files in it, so this tries a few times.
  for (let attempt = 0; attempt < 10; attempt++) {
    try {
      await runTool("rm", ["-rf", "--one-file-system", dir]);
      return;
    } catch (error) {
      if (!(error instanceof ToolFailure)) throw error;
      if (error.tail.some((line) => /Permission denied|Operation not permitted/.test(line)))
        await runTool("mmdebstrap", ["--unshare-helper", "rm", "-rf", "--one-file-system", dir]).catch(
          () => {},
        );
      await sleep(200);
    }
  }
  await runTool("rm", ["-rf", "--one-file-system", dir]);
}

async function unmountBelow(dir: string): Promise<void> {
  const mounts = mountsBelow(dir, await readFile("/proc/self/mountinfo", "utf8").catch(() => ""));
  for (const mount of mounts) await runTool("umount", [mount]).catch(() => {});
  const left = mountsBelow(dir, await readFile("/proc/self/mountinfo", "utf8").catch(() => ""));
  if (left.length > 0)
    throw new UserError(`${dir} cannot be removed`, {
      why: `still mounted in it: ${left.join(", ")}`,
      fix: `unmount it: umount ${left.join(" ")}`,
    });
}

/** Mount points strictly below a folder, deepest first, from the text of /proc/self/mountinfo. */
export function mountsBelow(dir: string, mountinfo: string): string[] {
  return mountinfo
    .split("\n")
    .map((line) =>
      (line.split(" ")[4] ?? "").replace(/\\([0-7]{3})/g, (_, octal: string) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      ),
    )
    .filter((path) => path.startsWith(`${dir}/`))
    .sort((a, b) => b.length - a.length);
}

/** @throws UserError (exit 3) when a file system that holds one of `dirs` has less than `needed` bytes free. */
export async function checkFreeSpace(dirs: readonly string[], needed: number, what: string): Promise<void> {
  for (const dir of dirs) {
    const { bavail, bsize } = await statfs(dir);
    const free = bavail * bsize;
    if (free < needed)
      throw diskFullError(`${what} needs ${inMiB(needed)} MiB, and ${dir} has ${inMiB(free)} MiB free`);
  }
}

const inMiB = (bytes: number): number => Math.round(bytes / 1024 ** 2);

export function diskFullError(why: string, cause?: unknown): UserError {
  return new UserError("there is not enough disk space to build the image", {
    why,
    fix: `free some space (trilab images prune), or set XDG_CACHE_HOME to a folder on a larger file system than that of ${imageCache()}; without root, trees are unpacked in TMPDIR, by default ${scratchRoot()}`,
    exitCode: ExitCode.hostNotReady,
    cause,
  });
}
