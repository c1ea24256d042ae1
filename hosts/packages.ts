import { asRoot, isRoot, which } from "../base/privilege.js";
import type { Progress } from "../base/progress.js";
import type { Drivers } from "../drivers/drivers.js";

/** A command that trilab runs, and its Debian package. */
export interface Tool {
  command: string;
  package: string;
  /** What needs it; `image`: to build one for either daemon; `ssh`: guests and rented machines. */
  for: "always" | "image" | "ssh" | "docker" | "libvirt";
  /** Only if the daemon is on this machine. */
  local?: boolean;
  /** The daemon itself: if it answers, no binary of this name is needed (Docker Desktop, virtqemud, rootless). */
  daemon?: boolean;
  /** Only for users other than root. */
  unprivileged?: boolean;
}

const TOOLS: readonly Tool[] = [
  { command: "flock", package: "util-linux", for: "always" },
  { command: "ip", package: "iproute2", for: "always" },
  { command: "mmdebstrap", package: "mmdebstrap", for: "image" },
  // mmdebstrap only recommends it, but needs it for user namespaces.
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

/** The missing commands that these sources need, and their packages. */
export async function missingTools(drivers: Drivers): Promise<{ commands: string[]; packages: string[] }> {
  const wanted = {
    always: true,
    image: drivers.docker !== undefined || drivers.libvirt !== undefined,
    ssh: drivers.libvirt !== undefined || drivers.ec2 !== undefined,
    docker: drivers.docker !== undefined,
    libvirt: drivers.libvirt !== undefined,
  };
  const needed = TOOLS.filter((tool) => {
    if (!wanted[tool.for]) return false;
    if (tool.unprivileged === true && isRoot()) return false;
    if (tool.local !== true) return true;
    return (tool.for === "docker" ? drivers.docker : drivers.libvirt)?.isLocal === true;
  });
  const absent = needed.filter((tool) => which(tool.command) === undefined);
  // Only where a daemon's binary is not found does it matter whether the daemon answers all the same.
  const running = await Promise.all(
    absent.map(({ daemon, for: what }) => {
      const isOne = daemon === true && (what === "docker" || what === "libvirt");
      return isOne && answers(drivers[what]);
    }),
  );
  const missing = absent.filter((_, i) => !running[i]);
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

/** What another host of a daemon needs in addition: the `docker` command carries the connection over SSH. */
const BESIDE_DAEMONS = ["docker", "virsh", "qemu-img"];

/** The commands that another host with these daemons needs, and their packages; image and engine are made on this machine. Pure. */
export const daemonTools = (daemons: { docker: boolean; libvirt: boolean }): readonly Tool[] =>
  TOOLS.filter(
    (tool) =>
      (tool.for === "docker" || tool.for === "libvirt") &&
      daemons[tool.for] &&
      (tool.local === true || BESIDE_DAEMONS.includes(tool.command)),
  );

export const hasApt = (): boolean => which("apt-get") !== undefined;

/** Installs Debian packages. Fetches the package lists first, because a fresh machine has none. */
export async function installPackages(packages: readonly string[], progress: Progress): Promise<void> {
  const root = { env: { DEBIAN_FRONTEND: "noninteractive" } };
  // Waits for another apt-get, such as a desktop's updater.
  const options = ["-q", "-o", "DPkg::Lock::Timeout=120"];
  progress.update("fetching package lists");
  await asRoot("apt-get", [...options, "update"], root);
  progress.update(`installing ${packages.length} packages: ${packages.join(" ")}`);
  await asRoot("apt-get", [...options, "install", "-y", "--no-install-recommends", ...packages], root);
  progress.note(`installed ${packages.join(" ")}`);
}
