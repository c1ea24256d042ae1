import * as pulumi from "@pulumi/pulumi";
import { kernelCommandLine, oemStrings } from "../model/guest-contract.js";
import { expiresInMachine } from "../model/lifetime.js";
import type { MachineSpec } from "../model/machine-spec.js";
import { machineName } from "../model/naming.js";
import { type LibvirtHostArgs, libvirtMachine } from "./libvirt-machine.js";

export interface LibvirtGuestArgs extends LibvirtHostArgs {
  spec: MachineSpec;
  /** OpenSSH public keys that may log in as the login user and as root. */
  userKeys: pulumi.Input<string[]>;
  /** The local path of the guest's SSH host key, an OpenSSH private key file: made by us, so that clients can pin it. */
  hostKeyFile: pulumi.Input<string>;
}

/**
 * The spec as a guest under libvirt: a NAT network for this machine, an overlay on the read-only base disk, and the domain.
 *
 * The guest boots its kernel directly. It reads its name, address and keys from SMBIOS, and its host key from a file that
 * only QEMU may read, so it waits for no metadata service and no DHCP lease. The provider's `libvirt:uri` selects the hypervisor.
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
    const { hostKeyFile, ownership, spec, subnet, userKeys, ...host } = args;
    const machine = machineName(ownership, "guest");
    const identity = pulumi.output(userKeys).apply((keys) =>
      oemStrings({
        hostname: machine,
        address: `${subnet.address}/${subnet.prefix}`,
        gateway: subnet.gateway,
        dns: [subnet.gateway],
        userKeys: keys,
        expires: expiresInMachine(ownership.expires),
      }),
    );

    const domain = libvirtMachine(
      name,
      {
        ...host,
        target: "guest",
        ownership,
        subnet,
        shape: spec,
        commandLine: kernelCommandLine(host.accelerator),
        oemStrings: identity,
        hostKeyFile,
      },
      this,
    );

    this.domainId = domain.id;
    this.name = domain.name;
    this.address = pulumi.output(subnet.address);
    this.registerOutputs({ domainId: this.domainId, name: this.name, address: this.address });
  }
}
