import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { ExitCode, UserError } from "../base/errors.js";
import { withLock } from "../base/lock.js";
import type { Progress } from "../base/progress.js";
import { buildTool } from "./build.js";
import { attempt, downloadPlugin, downloadPulumi, pluginWorthTrying } from "./download.js";
import { type Found, findPulumi } from "./find.js";
import {
  bridgeDir,
  bridgeFile,
  engineCache,
  isExecutable,
  libvirtFile,
  PROVIDERS,
  pulumiHome,
} from "./layout.js";
import { intact, verified } from "./provenance.js";
import {
  ensurePlugin,
  findPlugin,
  forcedPlugin,
  forcedStandInDir,
  type ProviderPlugin,
} from "./provider-plugin.js";
import { stamped, writeStamp } from "./stamp.js";
import { linkUserPlugins } from "./user-plugins.js";
import { goTools, versions } from "./versions.js";

/** An engine that is ready to run. */
export interface Engine {
  /** The CLI's absolute path. */
  pulumi: string;
  /** Its version, without the leading v. */
  version: string;
  /** Its PULUMI_HOME. */
  home: string;
  /** Directories to put at the front of PATH. */
  path: string[];
  /** Present if the Docker plugin was requested. */
  docker?: ProviderPlugin["kind"];
  /** Present if the AWS plugin was requested. */
  aws?: ProviderPlugin["kind"];
}

export interface EngineOptions {
  progress: Progress;
  /** Whether the Docker plugin is needed. Default false. */
  docker?: boolean;
  /** Whether the AWS plugin is needed. Default false. */
  aws?: boolean;
  /** Whether the Terraform bridge and the libvirt provider are needed. Default false. */
  libvirt?: boolean;
  /** Search again, and query the release servers for the official plugins even if that failed within the last hour. Default false. */
  retry?: boolean;
  /** Use only what is installed on this machine: download and build nothing. Default false. */
  onlyHere?: boolean;
}

/** A part of the engine is not installed, and must not be downloaded or built now. */
export class NotInstalled extends UserError {
  constructor(what: string) {
    super(`${what} is not installed here`, {
      why: "it was in trilab's cache, and has been removed",
      fix: "run `trilab up`, which installs what the seat needs",
      exitCode: ExitCode.hostNotReady,
    });
  }
}

/**
 * Finds, downloads or builds the engine. Takes a few milliseconds if everything is installed, and about four minutes on two
 * cores if everything must be built.
 *
 * @throws UserError (exit 3) that names what is missing and how to get it.
 */
export async function ensureEngine(options: EngineOptions): Promise<Engine> {
  const providers = PROVIDERS.filter((provider) => options[provider] === true);
  const wanted = { providers, libvirt: options.libvirt === true };
  const name = ["engine", ...providers, ...(wanted.libvirt ? ["libvirt"] : [])].join("-");
  const known = options.retry ? undefined : await stamped<Engine>(name, wanted);
  const { onlyHere = false } = options;
  if (known && (onlyHere || !(await hasReplaceableStandIn(known)))) return known;
  const lock = { what: "the engine's installation", waitMs: 30 * 60_000 };
  return withLock(join(engineCache(), "install.lock"), lock, async () => {
    const { progress, retry = false } = options;
    await linkUserPlugins();
    if (onlyHere) await requireHere(wanted.libvirt);
    const cli = await ensurePulumi(progress, wanted.libvirt);
    if (wanted.libvirt) await ensureLibvirt(cli.file, progress);
    const plugins: { [provider in (typeof PROVIDERS)[number]]?: ProviderPlugin } = {};
    for (const provider of providers)
      plugins[provider] = await ensurePlugin(provider, cli.file, progress, { retry, onlyHere });
    const engine: Engine = {
      pulumi: cli.file,
      version: cli.version,
      home: pulumiHome(),
      path: PROVIDERS.filter((provider) => forcedPlugin(provider) === "stand-in").map(forcedStandInDir),
      ...(plugins.docker ? { docker: plugins.docker.kind } : {}),
      ...(plugins.aws ? { aws: plugins.aws.kind } : {}),
    };
    const files = [
      cli.file,
      ...(wanted.libvirt ? [bridgeFile(), libvirtFile()] : []),
      ...Object.values(plugins).map((plugin) => plugin.file),
    ];
    await writeStamp(name, wanted, files, engine);
    return engine;
  });
}

/** @throws NotInstalled when the CLI, the Terraform bridge or the libvirt provider would have to be downloaded or built. */
async function requireHere(libvirt: boolean): Promise<void> {
  const { found } = await findPulumi();
  if (!found || (found.way === "cache" && !(await intact(found.file)))) throw new NotInstalled("Pulumi");
  if (!libvirt) return;
  if (!(await intact(bridgeFile()))) throw new NotInstalled("Pulumi's Terraform bridge");
  if (!(await intact(libvirtFile()))) throw new NotInstalled("the libvirt provider");
}

/** Whether a stand-in is used whose official plugin may be downloadable now. True at most once an hour. */
async function hasReplaceableStandIn(engine: Engine): Promise<boolean> {
  const served = PROVIDERS.filter((p) => engine[p] === "stand-in" && forcedPlugin(p) === undefined);
  return (await Promise.all(served.map(pluginWorthTrying))).some(Boolean);
}

/** Tries to download the official plugins that stand-ins replace. Without stand-ins, does nothing. */
export async function replaceStandIns(progress: Progress): Promise<void> {
  const found = await Promise.all(PROVIDERS.map(findPlugin));
  const served = PROVIDERS.filter(
    (provider, i) => found[i]?.kind === "stand-in" && forcedPlugin(provider) === undefined,
  );
  if (served.length === 0) return;
  const [docker, aws] = [served.includes("docker"), served.includes("aws")];
  await ensureEngine({ progress, docker, aws, retry: true });
}

/** The CLI: found, else downloaded, else built. It is built after the bridge if that is needed, too, because that is faster. */
async function ensurePulumi(progress: Progress, libvirt: boolean): Promise<Found> {
  const ours = join(engineCache(), "bin", "pulumi");
  const first = await findPulumi();
  // Our own CLI is verified after each change of the file; a damaged one is built again.
  if (first.found && (first.found.way !== "cache" || (await verified(ours)))) return first.found;
  for (const { file, version } of first.unfit) {
    progress.note(
      `${file} is not used: ${version ? `it is version ${version}` : "it does not run"}, and ${versions.pulumiMinimum} or newer is needed`,
    );
  }
  if (!(await downloadPulumi(progress))) {
    if (libvirt && !(await intact(bridgeFile()))) await buildBridge(progress);
    await buildTool(goTools.pulumi, ours, progress);
  }
  const version = (await verified(ours))?.version ?? versions.pulumi;
  return { file: ours, version, way: "cache" };
}

async function ensureLibvirt(pulumi: string, progress: Progress): Promise<void> {
  const haveBridge = await intact(bridgeFile());
  if (!haveBridge && !(await downloadPlugin(pulumi, "terraform-provider", versions.bridge, progress))) {
    await buildBridge(progress);
  }
  if (await intact(libvirtFile())) return;
  if (await downloadLibvirtProvider(pulumi, progress)) return;
  await buildTool(goTools.libvirt, libvirtFile(), progress);
}

/** Makes what `pulumi plugin install --file` would: the directory with the binary, and an empty lock file beside it. */
async function buildBridge(progress: Progress): Promise<void> {
  await buildTool(goTools.bridge, bridgeFile(), progress);
  await writeFile(`${bridgeDir()}.lock`, "");
}

/** Asks the bridge for a schema. For that, it downloads the provider from the OpenTofu registry, and checks its signature. */
async function downloadLibvirtProvider(pulumi: string, progress: Progress): Promise<boolean> {
  const text = "downloading the libvirt provider";
  return attempt({ what: "libvirt", servers: "plugin-server", progress, text }, async () => {
    await execa(
      pulumi,
      ["package", "get-schema", "terraform-provider", "dmacvicar/libvirt", versions.libvirt],
      {
        env: {
          PULUMI_HOME: pulumiHome(),
          PULUMI_SKIP_UPDATE_CHECK: "true",
          PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
        },
        cwd: engineCache(),
        timeout: 120_000,
        stdout: "ignore",
      },
    );
    if (!(await isExecutable(libvirtFile()))) throw new Error("the bridge did not keep the provider");
  });
}
