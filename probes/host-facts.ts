import { cpus, release, totalmem } from "node:os";
import type { Drivers } from "../drivers/drivers.js";
import type { RunDocument } from "./run-document.js";

/** Describes the host. The version of a daemon that does not answer is left out. */
export async function hostFacts(
  trilab: string,
  drivers: Drivers,
): Promise<Pick<RunDocument["host"], "cpuModel" | "cpus" | "memory" | "kernel" | "versions">> {
  const [docker, libvirt] = await Promise.all([
    drivers.docker?.version().then(
      ({ version }) => ({ docker: version }),
      () => ({}),
    ),
    drivers.libvirt?.version().then(
      ({ libvirt, hypervisor = "" }) => ({
        ...(libvirt ? { libvirt } : {}),
        ...(hypervisor.startsWith("QEMU ") ? { qemu: hypervisor.slice("QEMU ".length) } : {}),
      }),
      () => ({}),
    ),
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
