import * as pulumi from "@pulumi/pulumi";
import { addressStrings, rentedCommandLine } from "../model/guest-contract.js";
import { machineName } from "../model/naming.js";
import { metaData, userData } from "./helpers/cloud-init.js";
import { type LibvirtHostArgs, libvirtMachine } from "./libvirt-machine.js";
import type { CloudVpsArgs, VpsMachine } from "./vps-args.js";

/** The hypervisor for a rehearsal. Its image must contain cloud-init. */
export interface LocalVpsArgs extends Omit<LibvirtHostArgs, "ownership" | "subnet"> {
  /** Writes cloud-init's two files to an image that stays as long as the stack. @returns its path. */
  writeSeed: (userData: string, metaData: string) => Promise<string>;
}

/**
 * A rehearsal, not a cloud: a machine with the same user-data and the instance type's shape on the local hypervisor, with its
 * own network, as children of `parent`.
 */
export function localVps(
  name: string,
  args: CloudVpsArgs & LocalVpsArgs,
  parent: pulumi.ComponentResource,
): VpsMachine {
  const { accelerator, credits, ownership, spec, subnet, type } = args;
  const machine = machineName(ownership, "vps");
  const domain = libvirtMachine(
    name,
    {
      ownership,
      subnet,
      image: args.image,
      diskPool: args.diskPool,
      accelerator,
      ceiling: args.ceiling,
      makeWay: args.makeWay,
      ...(args.transform ? { transform: args.transform } : {}),
      target: "vps",
      shape: { cpus: type.vcpus, memory: type.memory, disk: spec.disk },
      commandLine: rentedCommandLine(accelerator),
      oemStrings: addressStrings({
        address: `${subnet.address}/${subnet.prefix}`,
        gateway: subnet.gateway,
        dns: [subnet.gateway],
      }),
      // Its path is not secret, although its content is.
      seed: pulumi.unsecret(
        pulumi.all([args.userKeys, args.hostKey]).apply(([userKeys, hostKey]) => {
          const { hostPublicKey, files = [], run = [] } = args;
          const config = { hostname: machine, user: spec.user, userKeys, hostKey, hostPublicKey, files, run };
          return args.writeSeed(userData(config), metaData(machine));
        }),
      ),
      cpuShare: quota(accelerator, credits, type.baseline),
    },
    parent,
  );
  return { id: domain.id, name: domain.name, address: pulumi.output(subnet.address) };
}

/**
 * The CPU quota of a rehearsal: the baseline that a burstable type gets without credits. An emulated CPU gets no quota: it is
 * already slower than the smallest type's, and a twentieth of it would never finish booting.
 */
function quota(
  accelerator: LocalVpsArgs["accelerator"],
  credits: CloudVpsArgs["credits"],
  baseline: number,
): number | undefined {
  return accelerator === "kvm" && credits === "standard" && baseline < 1 ? baseline : undefined;
}
