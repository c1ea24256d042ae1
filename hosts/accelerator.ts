import { existsSync } from "node:fs";
import type { Accelerator } from "../components/libvirt-machine.js";
import type { LibvirtDriver } from "../drivers/libvirt/driver.js";
import { SshHost } from "../drivers/ssh-host.js";
import { kvmVerdict, listImages, type ProbeVerdict } from "../images/index.js";
import { remoteKvm } from "./remote-kvm.js";

/** The accelerator for guests on a host, and why. */
export interface AcceleratorVerdict {
  use: Accelerator;
  why: string;
  /** Not found out yet. */
  provisional?: boolean;
}

const UNPROBED: AcceleratorVerdict = {
  use: "tcg",
  why: "not probed yet: there is no image to boot",
  provisional: true,
};

function forcedAccelerator(): AcceleratorVerdict | undefined {
  const forced = process.env.TRILAB_ACCELERATOR;
  return forced === "kvm" || forced === "tcg"
    ? { use: forced, why: "TRILAB_ACCELERATOR says so" }
    : undefined;
}

/**
 * KVM if a kernel really booted under it, else TCG. A device node proves nothing: on some hosts, /dev/kvm can be opened but
 * never runs a guest. `TRILAB_ACCELERATOR=kvm|tcg` overrides.
 */
export async function accelerator(libvirt: LibvirtDriver): Promise<AcceleratorVerdict> {
  const forced = forcedAccelerator();
  if (forced) return forced;
  if (!libvirt.isLocal) return remoteAccelerator(libvirt);
  if (!existsSync("/dev/kvm")) return { use: "tcg", why: "there is no /dev/kvm" };
  const image = (await listImages())[0];
  if (image === undefined) return UNPROBED;
  return verdictOf(await kvmVerdict({ kernel: image.kernel, initrd: image.initrd }));
}

const verdictOf = ({ inconclusive = false, why, works }: ProbeVerdict): AcceleratorVerdict => ({
  use: works ? "kvm" : "tcg",
  why,
  provisional: inconclusive,
});

/** If libvirt offers KVM, it is tested over SSH. Without SSH, libvirt's answer is used. */
async function remoteAccelerator(libvirt: LibvirtDriver): Promise<AcceleratorVerdict> {
  if (!(await libvirt.offersKvm())) return { use: "tcg", why: "the remote libvirt does not offer KVM" };
  const host = SshHost.of(libvirt.uri);
  return host ? sshAccelerator(host) : { use: "kvm", why: "the remote libvirt offers it" };
}

/** The accelerator of a host that is reached over SSH. */
export async function sshAccelerator(host: SshHost): Promise<AcceleratorVerdict> {
  const forced = forcedAccelerator();
  if (forced) return forced;
  const image = (await listImages())[0];
  if (image === undefined) return UNPROBED;
  return verdictOf(await remoteKvm(host, image));
}
