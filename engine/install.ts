import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
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
  languageHost,
  languageHostDir,
  libvirtFile,
  PROVIDERS,
  pulumiHome,
  which,
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
import { writeStandIn } from "./stand-in.js";
import { linkUserPlugins } from "./user-plugins.js";
import { goTools, versions } from "./versions.js";

/** An engine that is ready to run. */
export interface Engine {
  /** The CLI, absolute. */
  pulumi: string;
  /** Its version, without v. */
  version: string;
  /** PULUMI_HOME for it. */
  home: string;
  /** Directories that go before PATH. */
  path: string[];
  /** Set when the Docker plugin was asked for. */
  docker?: ProviderPlugin["kind"];
  /** Set when the AWS plugin was asked for. */
  aws?: ProviderPlugin["kind"];
}

export interface EngineOptions {
  progress: Progress;
  /** The Docker plugin is needed too. Default false. */
  docker?: boolean;
  /** The AWS plugin is needed too. Default false. */
  aws?: boolean;
  /** The Terraform bridge and the libvirt provider are needed too. Default false. */
  libvirt?: boolean;
  /** Look anew, and ask the release servers for the official plugins although they failed lately. Default false. */
  retry?: boolean;
  /** Use only what is on this machine: download and build nothing. Default false. */
  onlyHere?: boolean;
}

/** A part of the engine is not on this machine, and only what is was asked for. */
export class NotInstalled extends UserError {
  constructor(what: string) {
    super(`${what} is not installed here`, {
      why: "it was in trilab's cache, and has been removed since",
      fix: "run `trilab up`, which installs what the seat needs",
      exitCode: ExitCode.hostNotReady,
    });
  }
}

/**
 * Finds, downloads or builds the engine. With all in place: a few milliseconds. From nothing, offline: about
 * four minutes on two cores.
 *
 * @throws UserError (exit 3) naming what is missing and the way out.
 */
export async function ensureEngine(options: EngineOptions): Promise<Engine> {
  const providers = PROVIDERS.filter((provider) => options[provider] === true);
  const wanted = { providers, libvirt: options.libvirt === true };
  const name = ["engine", ...providers, ...(wanted.libvirt ? ["libvirt"] : [])].join("-");
  const known = options.retry ? undefined : await stamped<Engine>(name, wanted);
  const { onlyHere = false } = options;
  if (known && (onlyHere || !(await isMakeshift(known)))) return known;
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

/** @throws NotInstalled when the CLI, or what serves libvirt, would have to be downloaded or built. */
async function requireHere(libvirt: boolean): Promise<void> {
  const { found } = await findPulumi();
  if (!found || (found.way === "cache" && !(await intact(found.file)))) throw new NotInstalled("Pulumi");
  if (!libvirt) return;
  if (!(await intact(bridgeFile()))) throw new NotInstalled("Pulumi's Terraform bridge");
  if (!(await intact(libvirtFile()))) throw new NotInstalled("the libvirt provider");
}

/** Whether a stand-in serves where the official plugin may be had by now: at most once an hour. */
async function isMakeshift(engine: Engine): Promise<boolean> {
  const served = PROVIDERS.filter((p) => engine[p] === "stand-in" && forcedPlugin(p) === undefined);
  return (await Promise.all(served.map(pluginWorthTrying))).some(Boolean);
}

/** Asks at once for the official plugins in whose place stand-ins serve; where there are none, does nothing. */
export async function replaceStandIns(progress: Progress): Promise<void> {
  const found = await Promise.all(PROVIDERS.map(findPlugin));
  const served = PROVIDERS.filter(
    (provider, i) => found[i]?.kind === "stand-in" && forcedPlugin(provider) === undefined,
  );
  if (served.length === 0) return;
  const [docker, aws] = [served.includes("docker"), served.includes("aws")];
  await ensureEngine({ progress, docker, aws, retry: true });
}

/** The CLI: found, else downloaded, else built (after the bridge when that is wanted too: it is faster that way). */
async function ensurePulumi(progress: Progress, libvirt: boolean): Promise<Found> {
  const ours = join(engineCache(), "bin", "pulumi");
  const first = await findPulumi();
  // Our own is verified once per change; a damaged one is made again.
  if (first.found && (first.found.way !== "cache" || (await verified(ours)))) return first.found;
  for (const { file, version } of first.unfit) {
    progress.note(
      `${file} is not used: ${version ? `version ${version}` : "it does not run"}, ${versions.pulumiMinimum} or newer is needed`,
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

/** As `pulumi plugin install --file` leaves it: the directory, the binary in it, an empty lock file beside. */
async function buildBridge(progress: Progress): Promise<void> {
  await buildTool(goTools.bridge, bridgeFile(), progress);
  await writeFile(`${bridgeDir()}.lock`, "");
}

/** Asked for a schema, the bridge fetches the provider from the OpenTofu registry and checks its signature. */
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

/**
 * The Node.js language host: plain `pulumi up` needs it, trilab's inline programs do not. An official installation
 * has it; else our stand-in. @returns its path; its directory belongs on PATH.
 */
export async function ensureLanguageHost(engine: Engine): Promise<string> {
  const [found] = [...(await which(languageHost, [dirname(engine.pulumi)])), ...(await which(languageHost))];
  return found ?? writeStandIn("language-nodejs", languageHostDir(), languageHost);
}
