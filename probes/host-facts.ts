import { cpus, release, totalmem } from "node:os";
import { dockerClient } from "../drivers/docker/client.js";
import { virsh } from "../drivers/libvirt/virsh.js";
import type { RunDocument } from "./run-document.js";

/** What the host is; a daemon that does not answer has no version. */
export async function hostFacts(
  trilab: string,
): Promise<Pick<RunDocument["host"], "cpuModel" | "cpus" | "memory" | "kernel" | "versions">> {
  const [docker, libvirt] = await Promise.all([
    dockerClient()
      .version()
      .then(
        ({ Version }) => ({ docker: Version }),
        () => ({}),
      ),
    virsh("version").then(parseVirshVersion, () => ({})),
  ]);
  const list = cpus();
  return {
    cpuModel: list[0]?.model ?? "unknown",
    cpus: list.length,
    memory: totalmem(),
    kernel: release(),
    versions: { trilab, node: process.versions.node, ...docker, ...libvirt },
  };
}

/** Pure. */
export function parseVirshVersion(text: string): Record<string, string> {
  const version = (pattern: RegExp): string | undefined => pattern.exec(text)?.[1];
  const libvirt = version(/^Using library: libvirt (\S+)/m);
  const qemu = version(/^Running hypervisor: QEMU (\S+)/m);
  return { ...(libvirt ? { libvirt } : {}), ...(qemu ? { qemu } : {}) };
}
