import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { hasCode, messageOf } from "../base/errors.js";
import { privateDir } from "../base/paths.js";
import type { Progress } from "../base/progress.js";
import { pulumiVersion } from "./find.js";
import { engineCache, type ProviderName, pulumiHome } from "./layout.js";
import { record } from "./provenance.js";
import { versions } from "./versions.js";

/** After a failure, how long a release server is not tried again, in milliseconds. */
const rememberMs = 60 * 60_000;
const connectSeconds = 3;

/** The servers of which one must answer: the CLI comes from Pulumi's own server, everything else from GitHub or from Pulumi's. */
const SERVERS = {
  server: ["https://get.pulumi.com"],
  "plugin-server": ["https://get.pulumi.com", "https://github.com"],
} as const;
type Servers = keyof typeof SERVERS;

/** The settings of a download. */
interface Attempt {
  what: string;
  servers: Servers;
  progress: Progress;
  text: string;
  /** Try also if it failed within the last hour. Default false. */
  retry?: boolean;
}

/**
 * Downloads the official CLI into our cache, with the Automation API, if the release server answers.
 * @returns whether it was downloaded.
 */
export async function downloadPulumi(progress: Progress): Promise<boolean> {
  const text = "downloading the Pulumi CLI";
  return attempt({ what: "pulumi", servers: "server", progress, text }, async () => {
    const { PulumiCommand } = await import("@pulumi/pulumi/automation/index.js");
    // Without a version, it downloads the SDK's own, which package-lock.json pins.
    const installed = await withTimeout(PulumiCommand.install({ root: engineCache() }), 10 * 60_000);
    const version = (await pulumiVersion(installed.command)) ?? versions.pulumi;
    await record(installed.command, { version, way: "download" });
  });
}

/** Downloads an official resource plugin into PULUMI_HOME with `pulumi plugin install`. Replaces what is there. */
export async function downloadPlugin(
  pulumi: string,
  plugin: ProviderName | "terraform-provider",
  version: string,
  progress: Progress,
  retry = false,
): Promise<boolean> {
  const what = `plugin-${plugin}`;
  const text = `downloading Pulumi's ${plugin} plugin`;
  return attempt({ what, servers: "plugin-server", progress, text, retry }, async () => {
    // Into another home first: the present plugin, a stand-in, serves others until the new one is complete.
    const home = await privateDir(`${pulumiHome()}.download`);
    try {
      await execa(pulumi, ["plugin", "install", "resource", plugin, `v${version}`, "--non-interactive"], {
        env: { PULUMI_HOME: home, PULUMI_SKIP_UPDATE_CHECK: "true" },
        timeout: 10 * 60_000,
        cwd: await privateDir(engineCache()),
      });
      const dir = join("plugins", `resource-${plugin}-v${version}`);
      await stat(join(home, dir, `pulumi-resource-${plugin}`));
      await mkdir(join(pulumiHome(), "plugins"), { recursive: true });
      await rm(join(pulumiHome(), dir), { recursive: true, force: true });
      await rename(join(home, dir), join(pulumiHome(), dir));
      await writeFile(join(pulumiHome(), `${dir}.lock`), "");
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  });
}

/** Whether to try to download an official plugin: not if that failed within the last hour. */
export const pluginWorthTrying = (plugin: ProviderName): Promise<boolean> =>
  worthTrying(`plugin-${plugin}`, "plugin-server");

const isOffline = (): boolean => process.env.TRILAB_OFFLINE === "1";

async function worthTrying(what: string, servers: Servers): Promise<boolean> {
  if (isOffline()) return false;
  const failures = await Promise.all([what, servers].map((name) => stat(failureFile(name)).catch(() => {})));
  return failures.every((last) => !last || Date.now() - last.mtimeMs > rememberMs);
}

export async function attempt(
  { what, servers, progress, text, retry = false }: Attempt,
  download: () => Promise<void>,
): Promise<boolean> {
  if (isOffline() || (!retry && !(await worthTrying(what, servers)))) return false;
  progress.update(text);
  if (!(await anyAnswers(SERVERS[servers]))) {
    await remember(
      servers,
      `${SERVERS[servers].map((url) => new URL(url).host).join(" and ")} did not answer`,
    );
    return false;
  }
  try {
    await download();
    return true;
  } catch (error) {
    await remember(what, messageOf(error));
    return false;
  }
}

/** Queries all at once. `TRILAB_RELEASE_SERVER`, if set, is queried instead. */
async function anyAnswers(servers: readonly string[]): Promise<boolean> {
  const { TRILAB_RELEASE_SERVER: instead } = process.env;
  const asked = (instead === undefined ? servers : [instead]).map(async (url) => {
    if (!(await answers(url))) throw new Error(`${url} did not answer`);
  });
  return Promise.any(asked).then(
    () => true,
    () => false,
  );
}

/** Sends one HEAD request: with curl if it is installed, because Node 20's fetch ignores the proxy variables. */
async function answers(url: string): Promise<boolean> {
  const limits = ["--connect-timeout", String(connectSeconds), "--max-time", String(connectSeconds + 2)];
  const result = await execa("curl", ["--silent", "--fail", "--head", "--location", ...limits, url], {
    reject: false,
  });
  if (!hasCode(result.cause, "ENOENT") && !hasCode(result, "ENOENT")) return result.exitCode === 0;
  const signal = AbortSignal.timeout(connectSeconds * 1000);
  return fetch(url, { method: "HEAD", signal }).then(
    (response) => response.ok,
    () => false,
  );
}

const failureFile = (what: string): string => join(engineCache(), `no-${what}`);

async function remember(what: string, why: string): Promise<void> {
  await privateDir(engineCache());
  await writeFile(failureFile(what), `${why}\n`);
}

/** Why the last attempt failed, for `doctor`. */
export async function lastFailure(what: string): Promise<string | undefined> {
  const text = await readFile(failureFile(what), "utf8").catch(() => undefined);
  return text?.trim();
}

async function withTimeout<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing after ${ms / 1000} s`)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
