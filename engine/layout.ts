import { access, constants, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { cacheDir, repoDir } from "../base/paths.js";
import { versions } from "./versions.js";

export const goModuleDir = (tool: string): string => join(repoDir, "engine/go", tool);

/** What we downloaded or built ourselves: `bin/pulumi`, stamps. */
export const engineCache = (): string => join(cacheDir(), "engine");
/** `PULUMI_HOME` when set, else a home of our own in the cache. */
export const pulumiHome = (): string => process.env.PULUMI_HOME || join(cacheDir(), "pulumi-home");
/** The home Pulumi uses by itself; what the user installed there is honoured. */
export const userPulumiHome = (): string => join(homedir(), ".pulumi");

export const bridgeDir = (): string =>
  join(pulumiHome(), "plugins", `resource-terraform-provider-v${versions.bridge}`);
export const bridgeFile = (): string => join(bridgeDir(), "pulumi-resource-terraform-provider");

/** The providers whose official plugin we can stand in for. */
export const PROVIDERS = ["docker", "aws"] as const;
export type ProviderName = (typeof PROVIDERS)[number];

/** Where the engine looks for a provider's plugin, and the program it looks for there. */
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

/** Our stand-in for Pulumi's Node.js language host; a directory of its own, to be put on PATH or left out. */
export const languageHostDir = (): string => join(engineCache(), "language-host");
export const languageHost = "pulumi-language-nodejs";

export async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

/** Every executable of that name in the directories, in their order. Default: those of PATH. */
export async function which(
  name: string,
  dirs = (process.env.PATH ?? "").split(delimiter),
): Promise<string[]> {
  const files = [...new Set(dirs.filter((dir) => dir.startsWith("/")))].map((dir) => join(dir, name));
  const found = await Promise.all(files.map(isExecutable));
  return files.filter((_, index) => found[index]);
}
