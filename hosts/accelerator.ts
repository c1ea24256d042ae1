import { existsSync } from "node:fs";
import type { Accelerator } from "../components/libvirt-machine.js";
import type { LibvirtDriver } from "../drivers/libvirt/driver.js";
import { VirshError } from "../drivers/libvirt/virsh.js";
import { kvmVerdict, listImages } from "../images/index.js";

/** Which accelerator guests get here, and why. */
export interface AcceleratorVerdict {
  use: Accelerator;
  why: string;
  /** Not found out yet. */
  provisional?: boolean;
}

/**
 * KVM where a kernel really booted under it, else TCG. A device node proves nothing: there are hosts whose /dev/kvm
 * opens and never runs a guest. `TRILAB_ACCELERATOR=kvm|tcg` overrides.
 */
export async function accelerator(libvirt: LibvirtDriver): Promise<AcceleratorVerdict> {
  const forced = process.env.TRILAB_ACCELERATOR;
  if (forced === "kvm" || forced === "tcg") return { use: forced, why: "TRILAB_ACCELERATOR says so" };
  if (!libvirt.isLocal) return remoteAccelerator(libvirt);
  if (!existsSync("/dev/kvm")) return { use: "tcg", why: "there is no /dev/kvm" };
  const image = (await listImages())[0];
  if (image === undefined)
    return { use: "tcg", why: "not probed yet: there is no image to boot", provisional: true };
  const probe = await kvmVerdict({ kernel: image.kernel, initrd: image.initrd });
  return { use: probe.works ? "kvm" : "tcg", why: probe.why };
}

/** A remote host is taken at libvirt's word: nothing can be booted there without making something. */
async function remoteAccelerator(libvirt: LibvirtDriver): Promise<AcceleratorVerdict> {
  try {
    await libvirt.virsh("domcapabilities", "--virttype", "kvm");
    return { use: "kvm", why: "the remote libvirt offers it" };
  } catch (error) {
    if (error instanceof VirshError) return { use: "tcg", why: "the remote libvirt does not offer KVM" };
    throw error;
  }
}
