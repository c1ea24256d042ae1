import { which } from "../../base/privilege.js";
import { installPackages } from "../../hosts/packages.js";

/** Installs the peers that Debian has. Only when asked: they are no part of trilab. */
export async function installPeers(say: (line: string) => void): Promise<void> {
  if (which("vagrant") !== undefined) return;
  await installPackages(["vagrant", "vagrant-libvirt"], { update: say, note: say });
}

/** What stands in no line because it is not on this machine. */
export function peersMissing(): string[] {
  return [
    ...(which("terraform") === undefined ? ["terraform: not here"] : []),
    ...(which("vagrant") === undefined ? ["vagrant: not here (--install-peers)"] : []),
  ];
}
