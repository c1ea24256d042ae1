import { existsSync } from "node:fs";
import { access, constants, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheDir } from "../base/paths.js";
import { versions } from "./versions.js";

/** The checkout, found by a file of our own above this one, whether run from source or from dist/. */
const checkout = ((): string => {
  let dir = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(dir, "engine/go/pulumi/go.mod")) && dirname(dir) !== dir) dir = dirname(dir);
  return dir;
})();

export const goModuleDir = (tool: string): string => join(checkout, "engine/go", tool);
export const standInEntry = (): string => join(checkout, "dist/plugins/docker/main.js");

/** What we downloaded or built ourselves: `bin/pulumi`, `bin/pulumi-language-nodejs`, stamps. */
export const engineCache = (): string => join(cacheDir(), "engine");
/** `PULUMI_HOME` when set, else a home of our own in the cache. */
export const pulumiHome = (): string => process.env.PULUMI_HOME || join(cacheDir(), "pulumi-home");
/** The home Pulumi uses by itself; what the user installed there is honoured. */
export const userPulumiHome = (): string => join(homedir(), ".pulumi");

export const bridgeDir = (): string =>
  join(pulumiHome(), "plugins", `resource-terraform-provider-v${versions.bridge}`);
export const bridgeFile = (): string => join(bridgeDir(), "pulumi-resource-terraform-provider");
export const dockerDir = (home = pulumiHome()): string =>
  join(home, "plugins", `resource-docker-v${versions.docker}`);
export const dockerPlugin = "pulumi-resource-docker";
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

/** Every executable of that name in the directories, in their order. Default: those of PATH. */
export async function which(
  name: string,
  dirs = (process.env.PATH ?? "").split(delimiter),
): Promise<string[]> {
  const files = [...new Set(dirs.filter((dir) => dir.startsWith("/")))].map((dir) => join(dir, name));
  const found = await Promise.all(files.map(isExecutable));
  return files.filter((_, index) => found[index]);
}
