import { access, constants, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { cacheDir, repoDir } from "../base/paths.js";
import { versions } from "./versions.js";

export const goModuleDir = (tool: string): string => join(repoDir, "engine/go", tool);

/** The folder of what we downloaded or built: `bin/pulumi`, stamps. */
export const engineCache = (): string => join(cacheDir(), "engine");
/** `PULUMI_HOME` if set, else our own folder in the cache. */
export const pulumiHome = (): string => process.env.PULUMI_HOME || join(cacheDir(), "pulumi-home");
/** Pulumi's default home. What the user has installed there is used. */
export const userPulumiHome = (): string => join(homedir(), ".pulumi");

export const bridgeDir = (): string =>
  join(pulumiHome(), "plugins", `resource-terraform-provider-v${versions.bridge}`);
export const bridgeFile = (): string => join(bridgeDir(), "pulumi-resource-terraform-provider");

/** The providers for which we have a stand-in. */
export const PROVIDERS = ["docker", "aws"] as const;
export type ProviderName = (typeof PROVIDERS)[number];

/** The directory in which the engine looks for a provider's plugin, and the program's name. */
export const pluginDir = (provider: ProviderName, home = pulumiHome()): string =>
  join(home, "plugins", `resource-${provider}-v${versions[provider]}`);
export const pluginFile = (provider: ProviderName): string => `pulumi-resource-${provider}`;

export const libvirtFile = (): string =>
  join(
    pulumiHome(),
    "dynamic_tf_plugins/registry.opentofu.org/dmacvicar/libvirt",
    versions.libvirt,
    `${process.platform}_${process.arch === "x64" ? "amd64" : process.arch}`,
    `terraform-provider-libvirt_v${versions.libvirt}`,
  );

export async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

/** All executables of that name in the directories, in their order. Default: the directories of PATH. */
export async function executablesNamed(
  name: string,
  dirs = (process.env.PATH ?? "").split(delimiter),
): Promise<string[]> {
  const files = [...new Set(dirs.filter((dir) => dir.startsWith("/")))].map((dir) => join(dir, name));
  const found = await Promise.all(files.map(isExecutable));
  return files.filter((_, index) => found[index]);
}
