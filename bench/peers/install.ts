import { which } from "../../base/privilege.js";
import { installPackages } from "../../hosts/packages.js";

/** Installs the other tools that Debian has. Only on request, because they do not belong to trilab. */
export async function installPeers(say: (line: string) => void): Promise<void> {
  if (which("vagrant") !== undefined) return;
  await installPackages(["vagrant", "vagrant-libvirt"], { update: say, note: say });
}

/** The tools that are not compared, because they are not installed. */
export function peersMissing(): string[] {
  return [
    ...(which("terraform") === undefined ? ["terraform: not installed"] : []),
    ...(which("vagrant") === undefined ? ["vagrant: not installed (--install-peers)"] : []),
  ];
}
