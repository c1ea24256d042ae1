import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { hasCode, messageOf } from "../base/errors.js";
import { privateDir } from "../base/paths.js";
import type { Progress } from "../base/progress.js";
import { pulumiVersion } from "./find.js";
import { engineCache, type ProviderName, pluginDir, pluginFile, pulumiHome } from "./layout.js";
import { record } from "./provenance.js";
import { versions } from "./versions.js";

/** How long a release server that did not answer is left alone. */
const rememberMs = 60 * 60_000;
const connectSeconds = 5;

/**
 * Downloads the official CLI into our cache by the Automation API, when the release server answers.
 * @returns whether it is there now.
 */
export async function downloadPulumi(progress: Progress): Promise<boolean> {
  return attempt("pulumi", progress, "downloading the Pulumi CLI", async () => {
    const { PulumiCommand } = await import("@pulumi/pulumi/automation/index.js");
    // Without a version it takes the SDK's own, which package-lock.json pins.
    const installed = await withTimeout(PulumiCommand.install({ root: engineCache() }), 10 * 60_000);
    const version = (await pulumiVersion(installed.command)) ?? versions.pulumi;
    await record(installed.command, { version, way: "download" });
  });
}

/** Downloads an official resource plugin into PULUMI_HOME by `pulumi plugin install`. */
export async function downloadPlugin(
  pulumi: string,
  plugin: ProviderName | "terraform-provider",
  version: string,
  progress: Progress,
): Promise<boolean> {
  return attempt(`plugin-${plugin}`, progress, `downloading Pulumi's ${plugin} plugin`, async () => {
    await execa(pulumi, ["plugin", "install", "resource", plugin, `v${version}`, "--non-interactive"], {
      env: { PULUMI_HOME: pulumiHome(), PULUMI_SKIP_UPDATE_CHECK: "true" },
      timeout: 10 * 60_000,
      cwd: await privateDir(engineCache()),
    });
    if (plugin !== "terraform-provider") await stat(join(pluginDir(plugin), pluginFile(plugin)));
  });
}

/** Whether an attempt is worth making: none failed within the last hour. */
export async function worthTrying(what: string): Promise<boolean> {
  const last = await stat(failureFile(what)).catch(() => undefined);
  return !last || Date.now() - last.mtimeMs > rememberMs;
}

export async function attempt(
  what: string,
  progress: Progress,
  text: string,
  download: () => Promise<void>,
): Promise<boolean> {
  if (process.env.TRILAB_OFFLINE === "1" || !(await worthTrying(what)) || !(await worthTrying("server")))
    return false;
  progress.update(text);
  if (!(await serverAnswers())) {
    await remember("server", "get.pulumi.com did not answer");
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

/** One HEAD request; by curl where it is, since it knows the proxy variables, which Node 20's fetch does not. */
async function serverAnswers(): Promise<boolean> {
  const url = process.env.TRILAB_RELEASE_SERVER ?? "https://get.pulumi.com";
  const limits = ["--connect-timeout", String(connectSeconds), "--max-time", String(connectSeconds + 3)];
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
