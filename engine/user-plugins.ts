import { mkdir, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pulumiHome, userPulumiHome } from "./layout.js";
import { isStandIn } from "./stand-in.js";

const linkMarker = "trilab-linked";

/**
 * Links the resource plugins of the user's ~/.pulumi into our PULUMI_HOME. They replace stand-ins of the same name. Each is a
 * real directory with links in it, because Pulumi ignores a directory that is itself a link. Removes the links of plugins
 * that the user has removed.
 */
export async function linkUserPlugins(): Promise<void> {
  if (userPulumiHome() === pulumiHome()) return;
  const from = join(userPulumiHome(), "plugins");
  const to = join(pulumiHome(), "plugins");
  const theirs = new Set(await pluginsIn(from));
  for (const name of await pluginsIn(to)) {
    if (theirs.has(name) || !(await exists(join(to, name, linkMarker)))) continue;
    await rm(join(to, name), { recursive: true });
  }
  for (const name of theirs) {
    const dir = join(to, name);
    if (await isStandIn(join(from, name))) continue;
    if ((await exists(dir)) && !(await isStandIn(dir))) continue;
    await rm(dir, { recursive: true, force: true });
    await mkdir(dir, { recursive: true });
    await writeFile(join(dir, linkMarker), `${join(from, name)}\n`);
    for (const entry of await readdir(join(from, name)))
      await symlink(join(from, name, entry), join(dir, entry));
    await writeFile(`${dir}.lock`, "");
  }
}

async function pluginsIn(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  const names = entries
    .filter((entry) => entry.isDirectory() && entry.name.startsWith("resource-"))
    .map((e) => e.name);
  const half = new Set(entries.map((entry) => entry.name).filter((name) => name.endsWith(".partial")));
  return names.filter((name) => !half.has(`${name}.partial`));
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
