import * as pulumi from "@pulumi/pulumi";
import { subnetOf } from "../model/cidr.js";
import type { Ownership } from "../model/labels.js";
import type { MachineSpec } from "../model/machine-spec.js";
import type { Target } from "../model/naming.js";
import { type CloudArgs, CloudVps, type CloudVpsArgs } from "./cloud-vps.js";
import { DockerHost, type DockerHostArgs } from "./docker-host.js";
import { LibvirtGuest, type LibvirtGuestArgs } from "./libvirt-guest.js";
import { SwarmService, type SwarmServiceArgs } from "./swarm-service.js";

export interface MatchedLabArgs {
  /** One spec for every target. */
  spec: MachineSpec;
  ownership: Ownership;
  /** The seat's block of addresses on this host: 0 … 1023, see helpers/cidr.ts. */
  slot: number;
  /** Arguments for the container only. Absent: there is no container. */
  container?: Pick<DockerHostArgs, "image" | "swapLimit" | "layerLimit" | "mend" | "transform">;
  /** Arguments for the container as a service of a Docker Swarm, instead of `container`. */
  service?: Pick<SwarmServiceArgs, "image" | "avoid" | "mend" | "transform">;
  /** Arguments for the guest only. Absent: there is no guest. */
  guest?: Omit<LibvirtGuestArgs, "spec" | "ownership" | "subnet">;
  /** Arguments for the VPS only. Absent: there is no VPS. */
  vps?: Omit<CloudVpsArgs, "spec" | "ownership" | "subnet"> & CloudArgs;
}

/** How to reach a deployed target. */
export interface TargetOutputs {
  name: string;
  /** IPv4: inside the host's seat network, or public. Empty for a Swarm's service, whose address changes with its container. */
  address: string;
  /** Container id, service id, domain UUID or instance id. */
  id: string;
}

/** One machine spec as each chosen target. They are created at the same time, because none waits for another. */
export class MatchedLab extends pulumi.ComponentResource {
  readonly targets: pulumi.Output<Partial<Record<Target, TargetOutputs>>>;

  constructor(name: string, args: MatchedLabArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trilab:index:MatchedLab", name, {}, opts);
    const { container, guest, ownership, service, slot, spec, vps } = args;
    const targets: Partial<Record<Target, pulumi.Output<TargetOutputs>>> = {};

    if (vps) {
      const it = new CloudVps(
        `${name}-vps`,
        { ...vps, spec, ownership, subnet: subnetOf(slot, "vps") },
        { parent: this },
      );
      targets.vps = pulumi.output({ name: it.name, address: it.address, id: it.machineId });
    }
    if (guest) {
      const it = new LibvirtGuest(
        `${name}-guest`,
        { ...guest, spec, ownership, subnet: subnetOf(slot, "guest") },
        { parent: this },
      );
      targets.guest = pulumi.output({ name: it.name, address: it.address, id: it.domainId });
    }
    if (container) {
      const it = new DockerHost(
        `${name}-container`,
        { ...container, spec, ownership, subnet: subnetOf(slot, "container") },
        { parent: this },
      );
      targets.container = pulumi.output({ name: it.name, address: it.address, id: it.containerId });
    }
    if (service) {
      const it = new SwarmService(
        `${name}-container`,
        { ...service, spec, ownership, subnet: subnetOf(slot, "container") },
        { parent: this },
      );
      targets.container = pulumi.output({ name: it.name, address: "", id: it.serviceId });
    }

    this.targets = pulumi.output(targets);
    this.registerOutputs({ targets: this.targets });
  }
}
