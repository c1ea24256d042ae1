import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ExitCode, UserError } from "../base/errors.js";
import type { Progress } from "../base/progress.js";
import { downloadPlugin } from "./download.js";
import {
  engineCache,
  executablesNamed,
  isExecutable,
  type ProviderName,
  pluginDir,
  pluginFile,
  userPulumiHome,
} from "./layout.js";
import { isStandIn, writeStandIn } from "./stand-in.js";
import { versions } from "./versions.js";

/** The plugin that serves a provider's SDK, and where it is. */
export interface ProviderPlugin {
  kind: "official" | "stand-in";
  file: string;
  way: "path" | "pulumi-home" | "stand-in";
}

/** The providers' names in messages. */
const TITLES: Readonly<Record<ProviderName, string>> = { docker: "Docker", aws: "AWS" };

/** The variable that chooses the plugin: `TRILAB_DOCKER_PLUGIN`, `TRILAB_AWS_PLUGIN`. */
export const pluginVariable = (provider: ProviderName): string => `TRILAB_${provider.toUpperCase()}_PLUGIN`;

/** The directory of a launcher for the front of PATH. It is used if the stand-in is requested, also if there is an official plugin. */
export const forcedStandInDir = (provider: ProviderName): string => join(engineCache(), "stand-in", provider);

/** The value of `TRILAB_…_PLUGIN`: official, stand-in, or unset, which means the official one if possible. */
export function forcedPlugin(provider: ProviderName): "official" | "stand-in" | undefined {
  const variable = pluginVariable(provider);
  const value = process.env[variable];
  if (!value) return undefined;
  if (value === "official" || value === "stand-in") return value;
  throw new UserError(`${variable} is "${value}"`, {
    fix: "set it to official or stand-in, or unset it",
    exitCode: ExitCode.usage,
  });
}

/** Finds a provider's plugin, and changes nothing. A stand-in is recognised by its marker, in any home. */
export async function findPlugin(provider: ProviderName): Promise<ProviderPlugin | undefined> {
  if (forcedPlugin(provider) === "stand-in") {
    const file = join(forcedStandInDir(provider), pluginFile(provider));
    return (await isExecutable(file)) ? { kind: "stand-in", file, way: "stand-in" } : undefined;
  }
  const [onPath] = await executablesNamed(pluginFile(provider));
  if (onPath) return { kind: "official", file: onPath, way: "path" };
  const dir = pluginDir(provider);
  const file = join(dir, pluginFile(provider));
  const here = (await isExecutable(file)) ? ((await isStandIn(dir)) ? "stand-in" : "official") : undefined;
  if (here === "official") return { kind: here, file, way: "pulumi-home" };
  // The user's own plugin, which the next `up` links into our home, where it replaces a stand-in.
  const theirs = pluginDir(provider, userPulumiHome());
  const official = join(theirs, pluginFile(provider));
  const whole = (await isExecutable(official)) && !existsSync(`${theirs}.partial`);
  if (whole && !(await isStandIn(theirs))) return { kind: "official", file: official, way: "pulumi-home" };
  return here && { kind: here, file, way: "stand-in" };
}

/**
 * Makes sure that the engine finds a provider's plugin: the official one, from PATH, PULUMI_HOME (where linkUserPlugins has
 * put the user's) or a download; else our stand-in.
 *
 * @param options.retry Query the release servers also if they failed within the last hour.
 * @param options.onlyHere Don't query them at all.
 * @throws UserError (exit 3) when the official one is requested and can't be downloaded, or the stand-in is not compiled.
 */
export async function ensurePlugin(
  provider: ProviderName,
  pulumi: string,
  progress: Progress,
  { retry = false, onlyHere = false } = {},
): Promise<ProviderPlugin> {
  const forced = forcedPlugin(provider);
  const name = pluginFile(provider);
  if (forced === "stand-in") {
    const file = await writeStandIn(provider, forcedStandInDir(provider), name);
    return { kind: "stand-in", file, way: "stand-in" };
  }
  const found = await findPlugin(provider);
  if (found?.kind === "official") return found;
  const dir = pluginDir(provider);
  if (!onlyHere && (await downloadPlugin(pulumi, provider, versions[provider], progress, retry)))
    return { kind: "official", file: join(dir, name), way: "pulumi-home" };
  if (forced === "official") {
    throw new UserError(
      `the official ${TITLES[provider]} plugin ${versions[provider]} is not here and cannot be downloaded`,
      {
        why: `${pluginVariable(provider)}=official requires it, and Pulumi's release server does not answer`,
        fix: `put ${name} ${versions[provider]} on PATH, or unset ${pluginVariable(provider)} to use trilab's stand-in`,
        exitCode: ExitCode.hostNotReady,
      },
    );
  }
  const file = await writeStandIn(provider, dir, name);
  await writeFile(`${dir}.lock`, "");
  if (!found)
    progress.note(
      `${TITLES[provider]} is served by trilab's stand-in plugin, because the official one can't be downloaded`,
    );
  return { kind: "stand-in", file, way: "stand-in" };
}
