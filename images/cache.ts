import { randomBytes } from "node:crypto";
import { chmod, mkdir, readdir, readFile, readlink, statfs, symlink } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ExitCode, UserError } from "../base/errors.js";
import { type LockOptions, withLock } from "../base/lock.js";
import { cacheDir } from "../base/paths.js";
import type { Progress } from "../base/progress.js";
import { runTool, ToolFailure } from "./run-tool.js";

/** Where images are kept: `<hash>/` an image, `roots/<hash>/` a root file system, `work/` what is being built. */
export const imageCache = (): string => join(cacheDir(), "images");
export const imageDir = (hash: string): string => join(imageCache(), hash);
export const rootDir = (hash: string): string => join(imageCache(), "roots", hash);
/** Kept after a failed build, replaced by the next. */
export const buildLog = (hash: string): string => join(imageCache(), `build-${hash}.log`);
const workRoot = (): string => join(imageCache(), "work");
const lockPath = (name: string): string => join(imageCache(), "locks", name);

/** Waits for whoever builds the same thing, telling so, and for at most an hour. */
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

/** As `withLock`: fails at once (exit 7) when the image is being built. */
export function withFreeLock<T>(name: string, body: () => Promise<T>): Promise<T> {
  const options: LockOptions = { what: `image ${name}` };
  return withLock(lockPath(name), options, body);
}

/** Field 22 of /proc/PID/stat, which tells a process from a later one of the same number. */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

/** Where trees are unpacked without root: a subordinate id may not enter our home, and /tmp may be in memory. */
const scratchRoot = (): string => process.env.TMPDIR || "/var/tmp";

/**
 * Gives `body` a fresh folder on the cache's own file system (so that a rename publishes what it made) and one for
 * trees, which subordinate ids may enter; removes both afterwards. Folders of builders that died are swept first.
 */
export async function withWorkDir<T>(body: (dir: string, scratch: string) => Promise<T>): Promise<T> {
  await sweepWorkDirs();
  // The name tells whose it is from the first moment on.
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
  // The link comes first, so that whoever sweeps the one finds the other.
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

/** Removes work folders whose builder no longer runs. */
export async function sweepWorkDirs(): Promise<void> {
  for (const name of await readdir(workRoot()).catch(() => [])) {
    const [pid, started] = name.split("-");
    if ((await startOf(Number(pid))) !== started) await removeWork(join(workRoot(), name));
  }
}

/**
 * Removes a folder, also one whose files belong to subordinate ids (mmdebstrap's unshare mode).
 * Never goes into a mount: a tree a killed builder left could have the host's /proc or /sys in it.
 *
 * @throws UserError when something is mounted below and cannot be unmounted.
 */
export async function removeTree(dir: string): Promise<void> {
  await unmountBelow(dir);
  // A builder told to end by its parent's death may still be tidying up in there: try a few times.
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
    fix: `free some space (trilab images prune), or point XDG_CACHE_HOME at a larger file system than that of ${imageCache()}; without root, trees are unpacked in TMPDIR, ${scratchRoot()} by default`,
    exitCode: ExitCode.hostNotReady,
    cause,
  });
}
