import { existsSync } from "node:fs";
import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { ExitCode, UserError } from "../base/errors.js";
import type { Progress } from "../base/progress.js";
import { SERVICES_PROGRAM } from "../model/services.js";
import { hostFetchOptions, hostSources } from "./apt-config.js";
import { recipeDir, rootfsDir, servicesDir } from "./assets.js";
import { buildLog, checkFreeSpace, rootDir, withWorkDir } from "./cache.js";
import { buildInitrd } from "./initrd.js";
import { newestKernelRelease, unpackKernel } from "./kernel.js";
import { installedPackages, type RootManifest, recordFile, writeManifest } from "./manifest.js";
import { MmdebstrapProgress } from "./mmdebstrap-progress.js";
import { runTool, ToolFailure } from "./run-tool.js";
import { allPackages, type ImageSpec, rootHash } from "./spec.js";

/** Paths within a published root folder. */
export const rootFiles = {
  rootTar: "root.tar",
  kernel: "vmlinux",
  initrd: "initrd",
  manifest: "manifest.json",
} as const;

/** Bytes. A minimal root is a tar of 0.4 GB; during the build, its tree and the downloads need space, too. */
const spaceForRoot = 2 * 1024 ** 3;

/** Builds the root file system and puts it into the cache: root.tar, the unpacked kernel, the initrd. The caller holds the lock. */
export async function buildRoot(
  spec: ImageSpec,
  progress: Progress,
  options: BuildOptions,
): Promise<RootManifest> {
  const started = Date.now();
  const hash = rootHash(spec);
  const { services = [] } = spec;
  return await withWorkDir(async (work, scratch) => {
    await checkFreeSpace([work, scratch], options.spaceNeeded ?? spaceForRoot, "the root file system");
    const out = join(work, "out");
    await mkdir(out);
    await bootstrap(spec, { work, scratch }, join(out, rootFiles.rootTar), progress, options);

    progress.update("unpacking the kernel");
    const tree = join(work, "boot-tree");
    const kernelRelease = await extractBootFiles(join(out, rootFiles.rootTar), tree, services.length > 0);
    const vmlinux = join(work, rootFiles.kernel);
    await unpackKernel(join(tree, "boot", `vmlinuz-${kernelRelease}`), vmlinux);
    await rename(vmlinux, join(out, rootFiles.kernel));
    await writeSynced(join(out, rootFiles.initrd), await buildInitrd(tree, kernelRelease));

    progress.update("checksums of the root file system");
    const manifest: RootManifest = {
      version: 1,
      rootHash: hash,
      release: spec.release,
      user: spec.user,
      kernelRelease,
      packages: installedPackages(await readFile(join(tree, "var/lib/dpkg/status"), "utf8")),
      ...(services.length > 0 ? { services: withInitScripts(services, tree) } : {}),
      files: {
        rootTar: await recordFile(join(out, rootFiles.rootTar)),
        kernel: await recordFile(join(out, rootFiles.kernel)),
        initrd: await recordFile(join(out, rootFiles.initrd)),
      },
      builtAt: new Date().toISOString(),
      buildSeconds: (Date.now() - started) / 1000,
    };
    await writeManifest(join(out, rootFiles.manifest), manifest);
    await publish(out, rootDir(hash));
    return manifest;
  });
}

export interface BuildOptions {
  signal?: AbortSignal | undefined;
  /** Bytes that must be free before the build; the default depends on the stage. Tests set it, so that space runs out later. */
  spaceNeeded?: number | undefined;
  /** Package sources as one-line entries. Default: the host's. */
  sources?: readonly string[] | undefined;
}

async function bootstrap(
  spec: ImageSpec,
  { work, scratch }: { work: string; scratch: string },
  rootTar: string,
  progress: Progress,
  options: BuildOptions,
): Promise<void> {
  const { services = [] } = spec;
  const log = buildLog(rootHash(spec));
  await rm(log, { force: true });
  await packRecipe(work);
  const sources = options.sources ?? (await hostSources(spec.release));
  const fetchOptions = await hostFetchOptions();
  const parser = new MmdebstrapProgress();
  try {
    await runTool(
      "mmdebstrap",
      [
        "--verbose",
        "--variant=minbase",
        "--format=tar",
        `--include=${allPackages(spec).join(",")}`,
        ...fetchOptions.map((option) => `--aptopt=${option}`),
        "--customize-hook=tar-in recipe.tar /",
        "--customize-hook=tar-in rootfs.tar /",
        '--customize-hook=chroot "$1" sh /.trilab/customize',
        ...(services.length > 0
          ? [
              "--customize-hook=tar-in services.tar /",
              `--customize-hook=chroot "$1" ${SERVICES_PROGRAM} only ${services.join(" ")}`,
            ]
          : []),
        spec.release,
        rootTar,
        ...sources,
      ],
      {
        cwd: work,
        logPath: log,
        // As root, mmdebstrap would mount /proc, /sys and more in our own namespace, and leave them mounted if it was killed.
        ownNamespaces: process.getuid?.() === 0,
        // The guest has its own initrd, so the kernel package must not make one.
        env: { TRILAB_USER: spec.user, INITRD: "No", TMPDIR: scratch },
        signal: options.signal,
        onLine: (line) => {
          const text = parser.feed(line);
          if (text !== undefined) progress.update(text);
        },
      },
    );
  } catch (error) {
    throw error instanceof ToolFailure && !error.diskFull ? explain(error, spec, sources) : error;
  }
}

const withInitScripts = (services: readonly string[], tree: string) =>
  services.map((name) => ({ name, initScript: existsSync(join(tree, "etc/init.d", name)) }));

function explain(failure: ToolFailure, spec: ImageSpec, sources: readonly string[]): UserError {
  const lines = failure.tail.filter((line) => line.trim() !== "");
  const service = lines.map((line) => /^trilab: there is no service (\S+)$/.exec(line)?.[1]).find(Boolean);
  if (service !== undefined)
    return new UserError(`there is no service "${service}"`, {
      why: "the machine's packages have neither a systemd unit nor a script in /etc/init.d of this name",
      fix: "correct machine.services in lab.yaml, or add the package that contains it to machine.packages",
      exitCode: ExitCode.usage,
      cause: failure,
    });
  const unknown = lines
    .map((line) =>
      /Unable to locate package (\S+)|Package '?([^ ']+)'? has no installation candidate/.exec(line),
    )
    .map((match) => match?.[1] ?? match?.[2])
    .filter((name) => name !== undefined);
  const unreachable = lines.some((line) =>
    /Could not resolve|Failed to fetch|Could not connect|Connection (refused|timed out|failed)|Temporary failure/.test(
      line,
    ),
  );
  const mirror =
    sources.length > 0 ? `the host's package sources (${sources.join("; ")})` : "Debian's default mirror";
  const fix =
    unknown.length > 0
      ? `correct packages in lab.yaml: ${[...new Set(unknown)].join(", ")} is not in Debian ${spec.release}`
      : unreachable
        ? `make ${mirror} reachable: check /etc/apt, the proxy (http_proxy or Acquire::http::Proxy), and the network`
        : "read the log, then run it again";
  return new UserError(`mmdebstrap could not build Debian ${spec.release} (${failure.status})`, {
    why: `${lines.slice(-8).join("\n")}\nwhole log: ${failure.logPath ?? "none"}`,
    fix,
    cause: failure,
  });
}

/** Packs the recipe's files as tars, which mmdebstrap's hooks unpack also in a user namespace. Owned by root, readable by all. */
async function packRecipe(work: string): Promise<void> {
  const common = ["--owner=0", "--group=0", "--numeric-owner", "--mode=u=rwX,go=rX", "--sort=name"];
  await runTool("tar", [...common, "-C", rootfsDir, "-cf", join(work, "rootfs.tar"), "."]);
  await runTool("tar", [...common, "-C", servicesDir, "-cf", join(work, "services.tar"), "."]);
  const intoHidden = "--transform=s,^\\.,./.trilab,";
  await runTool("tar", [...common, intoHidden, "-C", recipeDir, "-cf", join(work, "recipe.tar"), "."]);
}

/** Unpacks from the root's tar what kernel, initrd and manifest are made from. Returns the kernel's release. */
async function extractBootFiles(rootTar: string, tree: string, initScripts: boolean): Promise<string> {
  await mkdir(tree);
  await runTool("tar", [
    "-C",
    tree,
    "--no-same-owner",
    "--wildcards",
    "-xf",
    rootTar,
    "./boot/vmlinuz-*",
    "./var/lib/dpkg/status",
    "./usr/lib/klibc*",
    "./usr/lib/modules/*/modules.dep",
    "./usr/lib/modules/*/kernel/drivers/*",
    "./usr/lib/modules/*/kernel/net/*",
    ...(initScripts ? ["./etc/init.d/*"] : []),
  ]);
  return await newestKernelRelease(join(tree, "boot"));
}

async function writeSynced(path: string, content: Buffer): Promise<void> {
  const file = await open(path, "w", 0o644);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Moves a finished folder to its place in one step. Replaces a former one, which is corrupt or outdated. */
export async function publish(from: string, to: string): Promise<void> {
  await mkdir(join(to, ".."), { recursive: true, mode: 0o700 });
  await runTool("sync", ["--file-system", from]);
  const former = await stat(to).then(
    () => `${from}.former`,
    () => undefined,
  );
  if (former !== undefined) await rename(to, former);
  await rename(from, to);
}
