import { pathToFileURL } from "node:url";
import * as libvirt from "@pulumi/libvirt";
import * as pulumi from "@pulumi/pulumi";
import type { Subnet } from "../model/cidr.js";
import { type CommandLine, commandLineWords } from "../model/guest-contract.js";
import { growingCommandLine, memoryDevice } from "../model/hot-plug.js";
import type { Ownership } from "../model/labels.js";
import type { MachineSize } from "../model/machine-size.js";
import type { MachineSpec } from "../model/machine-spec.js";
import {
  bridgeName,
  consoleLogName,
  type DomainTarget,
  diskName,
  hostKeyName,
  macAddress,
  machineName,
  seedName,
} from "../model/naming.js";
import { MiB } from "../model/units.js";
import { diskXslt, domainXslt, networkXslt, secretXslt } from "./helpers/domain-xslt.js";
import { applyTransform, type Transform } from "./helpers/transform.js";

/** What executes the guest's instructions: the CPU (kvm), or QEMU's emulation (tcg), which is slow; its CPU figures mean nothing. */
export type Accelerator = "kvm" | "tcg";

/** The matched image on the libvirt host. */
export interface GuestImage {
  /** The storage pool and the volume of the read-only base disk. */
  pool: string;
  baseVolume: string;
  /** Paths on the libvirt host. */
  kernel: string;
  initrd: string;
}

/** The part of a domain's definition that a seat's settings can change. */
export interface DomainDefinition {
  name: string;
  accelerator: Accelerator;
  /** Bytes at its first boot; `resize` changes the running domain, and not this. */
  memory: number;
  cpus: number;
  /** The kernel command line, word by word. */
  kernelParameters: readonly string[];
  /** SMBIOS type 11 strings. */
  oemStrings: readonly string[];
}

/** The arguments of every machine on a libvirt host. */
export interface LibvirtHostArgs {
  /** Who owns the seat, and until when. */
  ownership: Ownership;
  /** The machine's own NAT network, in which its address is fixed. */
  subnet: Subnet;
  image: GuestImage;
  /** The storage pool for the seat's overlay disk, and its path on the host. */
  diskPool: { name: string; path: string };
  accelerator: Accelerator;
  /**
   * How large the machine can become while it runs. A domain keeps it, because a change would replace the domain. At least
   * the machine's own size. Default: its size is fixed.
   */
  ceiling?: MachineSize | undefined;
  /**
   * Called before the domain is defined, but not in a preview. A changed definition replaces the domain, and the provider
   * switches it off without a shutdown. Here it can be shut down before. Default: does nothing.
   */
  makeWay?: ((definition: DomainDefinition) => Promise<void>) | undefined;
  /** Changes of the children's arguments. */
  transform?: {
    network?: Transform<libvirt.NetworkArgs>;
    disk?: Transform<libvirt.VolumeArgs>;
    seed?: Transform<libvirt.VolumeArgs>;
    hostKey?: Transform<libvirt.VolumeArgs>;
    domain?: Transform<libvirt.DomainArgs>;
  };
}

export interface LibvirtMachineArgs extends LibvirtHostArgs {
  target: DomainTarget;
  shape: Pick<MachineSpec, "cpus" | "memory" | "disk">;
  commandLine: CommandLine;
  /** SMBIOS type 11 strings. */
  oemStrings: pulumi.Input<string[]>;
  /** The local path of an image with cloud-init's files, for a second disk. Absent: there is none. */
  seed?: pulumi.Input<string>;
  /** The local path of an SSH host key, an OpenSSH private key file, which the machine reads from QEMU's fw_cfg. Absent: none. */
  hostKeyFile?: pulumi.Input<string>;
  /** The share of each virtual CPU that it may use. Absent: all of it. */
  cpuShare?: number | undefined;
}

/**
 * Creates the machine's own network, an overlay on the read-only base disk, and the domain, as children of `parent`. The
 * machine boots its kernel directly and does not wait for a lease.
 */
export function libvirtMachine(
  name: string,
  args: LibvirtMachineArgs,
  parent: pulumi.ComponentResource,
): libvirt.Domain {
  const { ceiling, diskPool, image, ownership, shape, subnet, target, transform } = args;
  const machine = machineName(ownership, target);
  const spec: MachineSize = { memory: Math.floor(shape.memory / MiB) * MiB, cpus: shape.cpus };
  const device = ceiling ? memoryDevice(spec, ceiling) : 0;
  const commandLine = device > 0 ? growingCommandLine(args.commandLine) : args.commandLine;
  const definition = {
    name: machine,
    accelerator: args.accelerator,
    ...spec,
    kernelParameters: commandLineWords(commandLine),
  };

  const network = new libvirt.Network(
    `${name}-network`,
    applyTransform(transform?.network, {
      name: machine,
      mode: "nat",
      bridge: bridgeName(ownership, target),
      addresses: [subnet.cidr],
      dhcp: { enabled: false },
      dns: { enabled: true },
      autostart: true,
      xml: { xslt: networkXslt() },
    }),
    { parent },
  );

  const disk = new libvirt.Volume(
    `${name}-disk`,
    applyTransform(transform?.disk, {
      name: diskName(ownership, target),
      pool: diskPool.name,
      baseVolumeName: image.baseVolume,
      baseVolumePool: image.pool,
      size: shape.disk,
      format: "qcow2",
      xml: { xslt: diskXslt() },
    }),
    { parent },
  );

  // Not the provider's CloudinitDisk: it downloads its content at every refresh, and sometimes hangs.
  const upload = (part: "seed" | "hostKey", volume: string, source: pulumi.Input<string>) =>
    new libvirt.Volume(
      `${name}-${part === "seed" ? "seed" : "host-key"}`,
      applyTransform(transform?.[part], {
        name: volume,
        pool: diskPool.name,
        // The provider reads it as a URL, so a % in a path must be encoded.
        source: pulumi.output(source).apply((path) => pathToFileURL(path).href),
        format: "raw",
        xml: { xslt: secretXslt() },
      }),
      // After the upload, the source does not matter any more, libvirt detects another format, and the permissions are set.
      { parent, ignoreChanges: ["source", "format", "xml"] },
    );
  const seed = args.seed && upload("seed", seedName(ownership), args.seed);
  const hostKey = args.hostKeyFile && upload("hostKey", hostKeyName(ownership), args.hostKeyFile);

  return new libvirt.Domain(
    `${name}-domain`,
    applyTransform(transform?.domain, {
      name: machine,
      description: `trilab: seat ${ownership.seat} of lab ${ownership.lab}`,
      type: args.accelerator === "kvm" ? "kvm" : "qemu",
      arch: "x86_64",
      machine: "pc",
      // The provider reads back what the domain can become, with and without a resize.
      memory: (spec.memory + device) / MiB,
      vcpu: ceiling?.cpus ?? spec.cpus,
      ...(args.accelerator === "kvm" ? { cpu: { mode: "host-passthrough" } } : {}),
      kernel: image.kernel,
      initrd: image.initrd,
      // The provider reads back one map of all pairs, then one of all flags. In this form, there is no difference.
      cmdlines: [commandLine.pairs, { _: commandLine.flags.join(" ") }],
      // If they were given by file, the provider would read them back as volumes, and they would differ. It writes pool and volume
      // into the XML; the stylesheet replaces these by the paths, which AppArmor can follow.
      disks: [{ volumeId: disk.id }, ...(seed ? [{ volumeId: seed.id }] : [])],
      networkInterfaces: [
        { networkId: network.id, mac: macAddress(ownership, target).toUpperCase(), waitForLease: false },
      ],
      consoles: [{ type: "pty", targetPort: "0", targetType: "serial" }],
      autostart: true,
      running: true,
      xml: {
        xslt: pulumi.output(args.oemStrings).apply(async (oemStrings) => {
          if (!pulumi.runtime.isDryRun()) await args.makeWay?.({ ...definition, oemStrings });
          return domainXslt({
            oemStrings,
            ownership,
            target,
            diskFile: `${diskPool.path}/${diskName(ownership, target)}`,
            seedFile: args.seed && `${diskPool.path}/${seedName(ownership)}`,
            hostKeyFile: args.hostKeyFile && `${diskPool.path}/${hostKeyName(ownership)}`,
            consoleLog: `${diskPool.path}/${consoleLogName(ownership, target)}`,
            accelerator: args.accelerator,
            cpuShare: args.cpuShare,
            growth: ceiling && { spec, ceiling },
          });
        }),
      },
    }),
    // Libvirt accepts no second domain of the same name. The disk is a resource of its own and stays.
    { parent, deleteBeforeReplace: true, dependsOn: hostKey ? [hostKey] : [] },
  );
}
