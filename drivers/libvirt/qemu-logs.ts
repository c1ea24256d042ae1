import { readdir, rm } from "node:fs/promises";
import { asRoot, isRoot } from "../../base/privilege.js";

const DIR = "/var/log/libvirt/qemu";

/**
 * Removes libvirt's own logs of a domain's QEMU and of its clones (which `compare` makes), because they stay when the domain
 * is removed. If that needs a password, they stay. Without root, only the domain's own log is known by name.
 */
export async function removeQemuLogs(libvirt: { isLocal: boolean }, domain: string): Promise<void> {
  if (!libvirt.isLocal) return;
  if (!isRoot()) {
    await asRoot("rm", ["-f", `${DIR}/${domain}.log`], { ask: false }).catch(() => {});
    return;
  }
  const names = await readdir(DIR).catch(() => []);
  const own = names.filter(
    (name) => name.startsWith(domain) && /^(-clone\d+)?\.log(\.\d+)?$/.test(name.slice(domain.length)),
  );
  await Promise.all(own.map((name) => rm(`${DIR}/${name}`, { force: true })));
}
