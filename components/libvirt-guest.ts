import * as libvirt from "@pulumi/libvirt";
import * as pulumi from "@pulumi/pulumi";
import { type GuestIdentity, kernelCommandLine, oemStrings } from "../images/guest-contract.js";
import type { Subnet } from "./helpers/cidr.js";
import { domainXslt, networkXslt } from "./helpers/domain-xslt.js";
import type { Ownership } from "./helpers/labels.js";
import { expiresInMachine } from "./helpers/lifetime.js";
import { bridgeName, consoleLogName, diskName, macAddress, machineName } from "./helpers/naming.js";
import { applyTransform, type Transform } from "./helpers/transform.js";
import { MiB } from "./helpers/units.js";
import type { MachineSpec } from "./machine-spec.js";

/** What runs the guest's instructions: the CPU itself, or QEMU's translator (slow: its CPU figures mean nothing). */
export type Accelerator = "kvm" | "tcg";

/** The matched image as it lies on the libvirt host. */
export interface GuestImage {
  /** The storage pool and the volume of the read-only base disk. */
  pool: string;
  baseVolume: string;
  /** Paths on the libvirt host. */
  kernel: string;
  initrd: string;
}

export interface LibvirtGuestArgs {
  spec: MachineSpec;
  /** Who owns the seat, and until when. */
  ownership: Ownership;
  /** The seat's own NAT network; the guest's address in it is fixed. */
  subnet: Subnet;
  image: GuestImage;
  /** The storage pool for the seat's overlay disk, and its path on the host. */
  diskPool: { name: string; path: string };
  accelerator: Accelerator;
  /** OpenSSH public keys let in as the login user and as root. */
  userKeys: pulumi.Input<string[]>;
  /** The guest's SSH host key, an OpenSSH private key file: made by us, so that clients can pin it. */
  hostKey: pulumi.Input<string>;
  /** Last words on the children's arguments. */
  transform?: {
    network?: Transform<libvirt.NetworkArgs>;
    disk?: Transform<libvirt.VolumeArgs>;
    domain?: Transform<libvirt.DomainArgs>;
  };
}

/**
 * The spec as a guest under libvirt: a NAT network of the seat's own, an overlay on the read-only base disk, the domain.
 *
 * The guest boots its kernel directly and reads who it is (name, address, keys) from SMBIOS, so it waits for no
 * metadata service and no DHCP lease. Which hypervisor, says the libvirt provider's configuration (`libvirt:uri`).
 */
export class LibvirtGuest extends pulumi.ComponentResource {
  /** The domain's UUID. */
  readonly domainId: pulumi.Output<string>;
  /** The domain's name and hostname. */
  readonly name: pulumi.Output<string>;
  /** Its address in the seat's network. */
  readonly address: pulumi.Output<string>;

  constructor(name: string, args: LibvirtGuestArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trilab:index:LibvirtGuest", name, {}, opts);
    const { ownership, spec, subnet, transform } = args;
    const machine = machineName(ownership, "guest");

    const network = new libvirt.Network(
      `${name}-network`,
      applyTransform(transform?.network, {
        name: machine,
        mode: "nat",
        bridge: bridgeName(ownership, "guest"),
        addresses: [subnet.cidr],
        dhcp: { enabled: false },
        dns: { enabled: true },
        autostart: true,
        xml: { xslt: networkXslt() },
      }),
      { parent: this },
    );

    const disk = new libvirt.Volume(
      `${name}-disk`,
      applyTransform(transform?.disk, {
        name: diskName(ownership),
        pool: args.diskPool.name,
        baseVolumeName: args.image.baseVolume,
        baseVolumePool: args.image.pool,
        size: spec.disk,
        format: "qcow2",
      }),
      { parent: this },
    );

    const identity = pulumi.secret(pulumi.all([args.userKeys, args.hostKey])).apply(([userKeys, hostKey]) =>
      oemStrings({
        ...guestIdentity(machine, subnet, userKeys, hostKey),
        expires: expiresInMachine(ownership.expires),
      }),
    );
    const domain = new libvirt.Domain(
      `${name}-domain`,
      applyTransform(transform?.domain, {
        name: machine,
        description: `trilab: seat ${ownership.seat} of lab ${ownership.lab}`,
        type: args.accelerator === "kvm" ? "kvm" : "qemu",
        arch: "x86_64",
        machine: "pc",
        memory: Math.floor(spec.memory / MiB),
        vcpu: spec.cpus,
        ...(args.accelerator === "kvm" ? { cpu: { mode: "host-passthrough" } } : {}),
        kernel: args.image.kernel,
        initrd: args.image.initrd,
        // The provider reads one map of all pairs back, then one of all bare flags: written so, nothing differs.
        cmdlines: [kernelCommandLine.pairs, { _: kernelCommandLine.flags.join(" ") }],
        // Given by file, it would be read back as a volume and differ; the stylesheet writes the path, which AppArmor
        // can follow, where the provider would write pool and volume.
        disks: [{ volumeId: disk.id }],
        networkInterfaces: [
          { networkId: network.id, mac: macAddress(ownership, "guest").toUpperCase(), waitForLease: false },
        ],
        consoles: [{ type: "pty", targetPort: "0", targetType: "serial" }],
        autostart: true,
        running: true,
        xml: {
          xslt: identity.apply((strings) =>
            domainXslt({
              oemStrings: strings,
              ownership,
              diskFile: `${args.diskPool.path}/${diskName(ownership)}`,
              consoleLog: `${args.diskPool.path}/${consoleLogName(ownership)}`,
              accelerator: args.accelerator,
            }),
          ),
        },
      }),
      { parent: this },
    );

    this.domainId = domain.id;
    this.name = domain.name;
    this.address = pulumi.output(subnet.address);
    this.registerOutputs({ domainId: this.domainId, name: this.name, address: this.address });
  }
}

function guestIdentity(hostname: string, subnet: Subnet, userKeys: string[], hostKey: string): GuestIdentity {
  return {
    hostname,
    address: `${subnet.address}/${subnet.prefix}`,
    gateway: subnet.gateway,
    dns: [subnet.gateway],
    userKeys,
    hostKey,
  };
}
