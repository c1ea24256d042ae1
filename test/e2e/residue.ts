import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { execa } from "execa";

/** One command's lines; a failing one is said, as "nothing found" would be a lie. */
async function linesOf(command: string, ...args: string[]): Promise<string[]> {
  const { stdout } = await execa(command, args, { stdin: "ignore", env: { LC_ALL: "C" } });
  return stdout.split("\n").map((line) => line.trim());
}

/**
 * Whatever of a seat is still on this machine: asked of docker, virsh, the kernel and the file system, with none of
 * the product's own code.
 */
export async function residueOf(lab: string, seat: string): Promise<string[]> {
  const prefix = `trilab-${lab}-${seat.replaceAll("-", "--")}-`;
  const docker = (kind: string, ...args: string[]) => named(kind, prefix, linesOf("docker", ...args));
  const virsh = (kind: string, ...args: string[]) =>
    named(kind, prefix, linesOf("virsh", "-q", "-c", "qemu:///system", ...args));
  const files = (dir: string) =>
    named(
      dir,
      prefix,
      readdir(dir).catch(() => []),
    );
  const labelled = (kind: string, ...args: string[]) =>
    linesOf("docker", ...args, "--filter", `label=trilab.seat=${seat}`, "-q").then((ids) =>
      ids.filter(Boolean).map((id) => `${kind} ${id} by label`),
    );
  const found = await Promise.all([
    docker("container", "ps", "-a", "--format", "{{.Names}}"),
    docker("network", "network", "ls", "--format", "{{.Name}}"),
    docker("volume", "volume", "ls", "--format", "{{.Name}}"),
    docker("image", "images", "--all", "--format", "{{.Repository}}:{{.Tag}}"),
    labelled("container", "ps", "-a"),
    labelled("network", "network", "ls"),
    labelled("volume", "volume", "ls"),
    labelled("image", "images", "--all"),
    virsh("domain", "list", "--all", "--name"),
    virsh("libvirt network", "net-list", "--all", "--name"),
    virsh("libvirt volume", "vol-list", "trilab"),
    files("/var/lib/libvirt/images/trilab"),
    files("/var/log/libvirt/qemu"),
    files("/etc/libvirt/qemu"),
    files("/etc/libvirt/qemu/autostart"),
    files("/etc/libvirt/qemu/networks"),
    files("/etc/libvirt/qemu/networks/autostart"),
    files("/var/lib/libvirt/dnsmasq"),
    files("/var/lib/libvirt/qemu/save"),
    processes(prefix),
    bridges(prefix),
  ]);
  return found.flat();
}

async function named(kind: string, prefix: string, names: Promise<string[]>): Promise<string[]> {
  return (await names).filter((name) => name.startsWith(prefix)).map((name) => `${kind} ${name}`);
}

/** QEMU and dnsmasq name the machine in their arguments. */
async function processes(prefix: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const args = (await readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => "")).replaceAll("\0", " ");
    if (/^\S*(qemu-system|dnsmasq|containerd-shim)/.test(args) && args.includes(prefix))
      found.push(`process ${pid} ${args.slice(0, 80)}`);
  }
  return found;
}

async function bridges(prefix: string): Promise<string[]> {
  const links = await linesOf("ip", "-br", "link");
  return ["container", "guest", "vps"]
    .map(
      (target) =>
        `tl${createHash("sha256")
          .update(prefix + target)
          .digest("hex")
          .slice(0, 12)}`,
    )
    .filter((name) => links.some((line) => line.startsWith(`${name} `)));
}
