import * as pulumi from "@pulumi/pulumi";
import { addressStrings, rentedCommandLine } from "../model/guest-contract.js";
import { machineName } from "../model/naming.js";
import { metaData, userData } from "./helpers/cloud-init.js";
import { type LibvirtHostArgs, libvirtMachine } from "./libvirt-machine.js";
import type { CloudVpsArgs, VpsMachine } from "./vps-args.js";

/** The hypervisor that a rehearsal is rented from. Its image must hold cloud-init. */
export interface LocalVpsArgs extends Omit<LibvirtHostArgs, "ownership" | "subnet"> {
  /** Writes cloud-init's two files to an image that is kept while the stack is. @returns its path. */
  writeSeed: (userData: string, metaData: string) => Promise<string>;
}

/**
 * A rehearsal, not a cloud: the same user-data in a machine of the instance type's shape on the local hypervisor, with a
 * network of its own, as children of `parent`.
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
      // Its path is no secret, whatever it is made from.
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
 * A burstable type that has spent its credits gets its baseline, and so does its rehearsal. An emulated CPU gets no quota:
 * it is slower than the smallest type's already, and a twentieth of it would not finish its boot.
 */
function quota(
  accelerator: LocalVpsArgs["accelerator"],
  credits: CloudVpsArgs["credits"],
  baseline: number,
): number | undefined {
  return accelerator === "kvm" && credits === "standard" && baseline < 1 ? baseline : undefined;
}
