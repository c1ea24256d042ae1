import { asRoot, isRoot, which } from "../base/privilege.js";
import type { Progress } from "../base/progress.js";
import type { Drivers } from "../drivers/drivers.js";

/** A command that trilab runs, and the Debian package it comes in. */
interface Tool {
  command: string;
  package: string;
  /** What needs it; `image`: to build one for either daemon; `ssh`: guests and rented machines. */
  for: "always" | "image" | "ssh" | "docker" | "libvirt";
  /** Only where the daemon is on this machine. */
  local?: boolean;
  /** The daemon itself: one that answers needs no binary of this name (Docker Desktop, virtqemud, rootless). */
  daemon?: boolean;
  /** Only for who is not root. */
  unprivileged?: boolean;
}

const TOOLS: readonly Tool[] = [
  { command: "flock", package: "util-linux", for: "always" },
  { command: "ip", package: "iproute2", for: "always" },
  { command: "mmdebstrap", package: "mmdebstrap", for: "image" },
  // mmdebstrap only recommends it, and needs it for its user namespaces.
  { command: "newuidmap", package: "uidmap", for: "image", unprivileged: true },
  { command: "docker", package: "docker.io", for: "docker" },
  { command: "dockerd", package: "docker.io", for: "docker", local: true, daemon: true },
  { command: "iptables", package: "iptables", for: "docker", local: true },
  { command: "ssh", package: "openssh-client", for: "ssh" },
  { command: "scp", package: "openssh-client", for: "ssh" },
  { command: "virsh", package: "libvirt-clients", for: "libvirt" },
  { command: "qemu-img", package: "qemu-utils", for: "libvirt" },
  { command: "mke2fs", package: "e2fsprogs", for: "libvirt" },
  { command: "xsltproc", package: "xsltproc", for: "libvirt" },
  { command: "mkisofs", package: "genisoimage", for: "libvirt" },
  { command: "libvirtd", package: "libvirt-daemon-system", for: "libvirt", local: true, daemon: true },
  { command: "qemu-system-x86_64", package: "qemu-system-x86", for: "libvirt", local: true },
  { command: "dnsmasq", package: "dnsmasq-base", for: "libvirt", local: true },
  { command: "iptables", package: "iptables", for: "libvirt", local: true },
];

/** The commands that these sources need and that are not there, and the packages which bring them. */
export async function missingTools(drivers: Drivers): Promise<{ commands: string[]; packages: string[] }> {
  const [docker, libvirt] = await Promise.all([answers(drivers.docker), answers(drivers.libvirt)]);
  const wanted = {
    always: true,
    image: drivers.docker !== undefined || drivers.libvirt !== undefined,
    ssh: drivers.libvirt !== undefined || drivers.ec2 !== undefined,
    docker: drivers.docker !== undefined,
    libvirt: drivers.libvirt !== undefined,
  };
  const running = { always: false, image: false, ssh: false, docker, libvirt };
  const needed = TOOLS.filter((tool) => {
    if (!wanted[tool.for]) return false;
    if (tool.daemon === true && running[tool.for]) return false;
    if (tool.unprivileged === true && isRoot()) return false;
    if (tool.local !== true) return true;
    return (tool.for === "docker" ? drivers.docker : drivers.libvirt)?.isLocal === true;
  });
  const missing = needed.filter((tool) => which(tool.command) === undefined);
  return {
    commands: [...new Set(missing.map((t) => t.command))],
    packages: [...new Set(missing.map((t) => t.package))].sort(),
  };
}

const answers = async (driver: { preflight(): Promise<void> } | undefined): Promise<boolean> => {
  if (driver === undefined) return false;
  return driver.preflight().then(
    () => true,
    () => false,
  );
};

/** What else a daemon's host needs where it is another one: `docker` carries Docker's connection over SSH. */
const BESIDE_DAEMONS = ["docker", "virsh", "qemu-img"];

/** The commands that a host of these daemons needs, and their packages; image and engine are made here. Pure. */
export const daemonTools = (daemons: {
  docker: boolean;
  libvirt: boolean;
}): readonly Pick<Tool, "command" | "package">[] =>
  TOOLS.filter(
    (tool) =>
      (tool.for === "docker" || tool.for === "libvirt") &&
      daemons[tool.for] &&
      (tool.local === true || BESIDE_DAEMONS.includes(tool.command)),
  );

export const hasApt = (): boolean => which("apt-get") !== undefined;

/** Installs Debian packages. Package lists are fetched first, as a fresh machine has none. */
export async function installPackages(packages: readonly string[], progress: Progress): Promise<void> {
  const root = { env: { DEBIAN_FRONTEND: "noninteractive" } };
  // Another apt-get (a desktop's updater) is waited for.
  const options = ["-q", "-o", "DPkg::Lock::Timeout=120"];
  progress.update("fetching package lists");
  await asRoot("apt-get", [...options, "update"], root);
  progress.update(`installing ${packages.length} packages: ${packages.join(" ")}`);
  await asRoot("apt-get", [...options, "install", "-y", "--no-install-recommends", ...packages], root);
  progress.note(`installed ${packages.join(" ")}`);
}
