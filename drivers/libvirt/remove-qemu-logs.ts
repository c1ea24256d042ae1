import { readdir, rm } from "node:fs/promises";
import { asRoot, isRoot } from "../../base/privilege.js";
import { SshHost } from "../ssh-host.js";

const DIR = "/var/log/libvirt/qemu";

/**
 * Removes libvirt's own logs of these domains' QEMU, and of their clones (which `compare` makes), because they stay when a
 * domain is removed. They stay if that needs a password, or if libvirt's host is not reached by plain ssh. On this machine
 * without root, only the domains' own logs are known by name.
 */
export async function removeQemuLogs(
  libvirt: { isLocal: boolean; uri: string },
  domains: readonly string[],
): Promise<void> {
  const removed = libvirt.isLocal ? Promise.all(domains.map(removeHere)) : removeThere(libvirt.uri, domains);
  await removed.catch(() => {});
}

async function removeHere(domain: string): Promise<void> {
  if (!isRoot()) {
    await asRoot("rm", ["-f", `${DIR}/${domain}.log`], { ask: false });
    return;
  }
  const names = await readdir(DIR).catch(() => []);
  const own = names.filter(
    (name) => name.startsWith(domain) && /^(-clone\d+)?\.log(\.\d+)?$/.test(name.slice(domain.length)),
  );
  await Promise.all(own.map((name) => rm(`${DIR}/${name}`, { force: true })));
}

/** @param domains Their names consist of letters, digits and dashes. */
async function removeThere(uri: string, domains: readonly string[]): Promise<void> {
  const logs = domains.flatMap((name) => [`${name}.log*`, `${name}-clone[0-9]*.log*`]);
  await SshHost.of(uri)?.asRoot("removing QEMU's logs", `cd ${DIR} && rm -f -- ${logs.join(" ")}`);
}
