import { chmod, mkdir, open, stat } from "node:fs/promises";
import { join } from "node:path";
import { ExitCode, UserError } from "../base/errors.js";
import type { Progress } from "../base/progress.js";
import { type BuildOptions, publish, rootFiles } from "./build-root.js";
import { buildLog, checkFreeSpace, imageDir, rootDir, withWorkDir } from "./cache.js";
import { type ImageManifest, type RootManifest, recordFile, writeManifest } from "./manifest.js";
import { runTool } from "./run-tool.js";
import { type ImageSpec, imageHash } from "./spec.js";

/** Paths within a published image folder. */
export const diskFiles = { disk: "disk.qcow2", manifest: "manifest.json" } as const;

/**
 * Builds the disk and puts it into the cache: an ext4 file system with the root's files, without a partition table, as
 * qcow2. Needs no mounts and no loop devices. The caller holds the lock.
 */
export async function buildDisk(
  spec: ImageSpec,
  root: RootManifest,
  progress: Progress,
  options: BuildOptions,
): Promise<ImageManifest> {
  const started = Date.now();
  const hash = imageHash(spec);
  const rootTar = join(rootDir(root.rootHash), rootFiles.rootTar);
  const rootBytes = root.files.rootTar.size;
  // For ext4's tables and journal, and some free space, because nobody can use a full disk.
  if (spec.diskBytes < rootBytes * 1.1 + 256 * 1024 ** 2)
    throw new UserError(`a disk of ${mib(spec.diskBytes)} MiB is too small`, {
      why: `the root file system alone has ${mib(rootBytes)} MiB`,
      fix: `give the machine a disk of at least ${mib(rootBytes * 1.1) + 512} MiB`,
      exitCode: ExitCode.usage,
    });
  return await withWorkDir(async (work, scratch) => {
    // The tree, the raw file system and the qcow2 exist at the same time for a while.
    await checkFreeSpace([work, scratch], options.spaceNeeded ?? rootBytes * 3.5, "the disk image");
    const out = join(work, "out");
    await mkdir(out);
    const disk = join(out, diskFiles.disk);
    await makeFileSystem(spec, rootTar, scratch, disk, progress, options);

    progress.update("checksum of the disk");
    const manifest: ImageManifest = {
      ...root,
      hash,
      diskBytes: spec.diskBytes,
      files: { ...root.files, disk: await recordFile(disk) },
      diskBuiltAt: new Date().toISOString(),
      diskBuildSeconds: (Date.now() - started) / 1000,
    };
    await writeManifest(join(out, diskFiles.manifest), manifest);
    await publish(out, imageDir(hash));
    return manifest;
  });
}

const mib = (bytes: number): number => Math.ceil(bytes / 1024 ** 2);

async function makeFileSystem(
  spec: ImageSpec,
  rootTar: string,
  scratch: string,
  disk: string,
  progress: Progress,
  options: BuildOptions,
): Promise<void> {
  const asRoot = process.getuid?.() === 0;
  // Without root, file owners exist only in a user namespace, whose users may not enter our own folders.
  const inside = (tool: string, args: readonly string[]): [string, string[]] =>
    asRoot ? [tool, [...args]] : ["mmdebstrap", ["--unshare-helper", tool, ...args]];
  const common = { logPath: buildLog(imageHash(spec)), signal: options.signal };
  const shared = join(scratch, "shared");
  const tree = join(shared, "tree");
  const raw = join(shared, "disk.raw");
  await mkdir(shared);
  if (!asRoot) await chmod(shared, 0o777);

  progress.update("disk: unpacking the root file system (20 %)");
  await runTool(...inside("mkdir", ["-m", "755", tree]), common);
  const extract = [
    "--numeric-owner",
    "--same-permissions",
    "--xattrs",
    "--xattrs-include=*",
    "-C",
    tree,
    "-xf",
    "-",
  ];
  await runTool(...inside("tar", extract), { ...common, stdinFile: rootTar });

  progress.update("disk: making the ext4 file system (50 %)");
  await runTool(...inside("truncate", ["-s", String(spec.diskBytes), raw]), common);
  await runTool(
    ...inside("mke2fs", [
      "-q",
      "-F",
      "-t",
      "ext4",
      "-L",
      "trilab",
      "-m",
      "1",
      "-d",
      tree,
      // Initialises the tables now. Otherwise a kernel thread would write them into each seat's overlay after the first mount.
      "-E",
      "lazy_itable_init=0,lazy_journal_init=0",
      raw,
    ]),
    common,
  );

  progress.update("disk: converting to qcow2 (80 %)");
  await runTool("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", raw, disk], common);
  // qemu-img may not notice that the host's disk is full, so the image is synced and checked.
  const file = await open(disk, "r+");
  await file.sync();
  await file.close();
  await runTool("qemu-img", ["check", "-q", "-f", "qcow2", disk], common);
  if ((await stat(disk)).size === 0) throw new Error("qemu-img made an empty file");
}
