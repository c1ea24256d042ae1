import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { Subnet } from "../model/cidr.js";
import { type Ownership, ownershipLabels } from "../model/labels.js";
import { expiresInMachine, LIFETIME_PROGRAM } from "../model/lifetime.js";
import type { MachineSpec } from "../model/machine-spec.js";
import { bridgeName, homeVolumeName, machineName } from "../model/naming.js";
import { MiB } from "../model/units.js";
import { applyTransform, type Transform } from "./helpers/transform.js";

export interface DockerHostArgs {
  spec: MachineSpec;
  /** Who owns the seat, and until when. */
  ownership: Ownership;
  /** The seat's own bridge network. */
  subnet: Subnet;
  /** The matched container image, as Docker names it: `trilab/machine:<hash>`. */
  image: pulumi.Input<string>;
  /**
   * Whether the daemon keeps swap limits, which needs swap accounting in its kernel: without it reads back none.
   * @default true
   */
  swapLimit?: boolean;
  /**
   * Called with the container's id at every `up`, once the provider has made or kept it: applies what the provider has no
   * input for (PID limit), or would replace the container for (CPUs), and mends what was changed by hand. See
   * drivers/docker/mend-container.ts. An error is given a short stack: Node takes minutes to print one whose frames are
   * those of an output.
   */
  mend?: (containerId: string) => Promise<void>;
  /** Last words on the children's arguments. */
  transform?: {
    network?: Transform<docker.NetworkArgs>;
    volume?: Transform<docker.VolumeArgs>;
    container?: Transform<docker.ContainerArgs>;
  };
}

/**
 * The spec as a container on a Docker host: a bridge network and a home volume of the seat's own, and the container.
 *
 * Nothing of the host is lent to it: only the capabilities that root's work inside needs, no new privileges, the default
 * seccomp profile, no host namespaces, memory without swap. Which daemon, says the Docker provider's configuration (`docker:host`).
 */
export class DockerHost extends pulumi.ComponentResource {
  readonly containerId: pulumi.Output<string>;
  /** The container's name and hostname. */
  readonly name: pulumi.Output<string>;
  /** Its address in the seat's network. */
  readonly address: pulumi.Output<string>;

  constructor(name: string, args: DockerHostArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trilab:index:DockerHost", name, args, opts);
    const { mend, ownership, spec, subnet, transform } = args;
    const labels = labelList(ownership);

    const network = new docker.Network(
      `${name}-network`,
      applyTransform(transform?.network, {
        name: machineName(ownership, "container"),
        driver: "bridge",
        ipamConfigs: [{ subnet: subnet.cidr, gateway: subnet.gateway }],
        options: { "com.docker.network.bridge.name": bridgeName(ownership, "container") },
        labels,
      }),
      // A daemon's default-network-opts are read back among them. Ours change with the name alone, which replaces it anyway.
      { parent: this, ignoreChanges: ["options"] },
    );

    const home = new docker.Volume(
      `${name}-home`,
      applyTransform(transform?.volume, { name: homeVolumeName(ownership), driver: "local", labels }),
      { parent: this },
    );

    const container = new docker.Container(
      `${name}-container`,
      applyTransform(transform?.container, {
        name: machineName(ownership, "container"),
        hostname: machineName(ownership, "container"),
        image: args.image,
        // Containers run one program; a lab's container waits to be entered until its time is up, under an init that reaps.
        init: true,
        command: [LIFETIME_PROGRAM, "run", expiresInMachine(ownership.expires)],
        // It ends with 0 when its time is up, and stays so. A daemon that goes ends it with 143, or finds it dead: back it comes.
        restart: "on-failure",
        mustRun: true,
        ...limits(spec, args.swapLimit),
        ...isolation(),
        networksAdvanced: [{ name: network.name, ipv4Address: subnet.address }],
        volumes: [{ volumeName: home.name, containerPath: `/home/${spec.user}` }],
        // Docker's defaults, spelled out: what the daemon computes must not look like a change on the next `up`.
        logDriver: "json-file",
        logOpts: { "max-size": "10m", "max-file": "1" },
        networkMode: "bridge",
        // The init passes SIGTERM on, which ends its program at once: a second is enough.
        destroyGraceSeconds: 1,
        labels,
      }),
      {
        parent: this,
        // Those it was made with stay: the provider would replace a container that an older trilab gave NET_RAW. The others
        // are set by `mend`, so that a refresh does not take them for a difference.
        ignoreChanges: ["capabilities", ...(mend ? ["cpus", "cpuSet", "cpuShares"] : [])],
      },
    );

    this.containerId = container.id.apply(async (id) => {
      if (mend && !pulumi.runtime.isDryRun()) await mend(id).catch(rethrowShort);
      return id;
    });
    this.name = container.name;
    this.address = pulumi.output(subnet.address);
    this.registerOutputs({ containerId: this.containerId, name: this.name, address: this.address });
  }
}

/** Throws an error again without its frames. */
function rethrowShort(error: unknown): never {
  if (error instanceof Error) error.stack = `${error.name}: ${error.message}`;
  throw error;
}

/** Memory without swap on top, as a guest has none, where the daemon can limit it; CPU time by quota. */
function limits(
  spec: MachineSpec,
  swapLimit = true,
): Pick<docker.ContainerArgs, "memory" | "memorySwap" | "cpus" | "shmSize"> {
  const memory = Math.floor(spec.memory / MiB);
  // A daemon that can't makes -1 of whatever is asked for.
  return { memory, memorySwap: swapLimit ? memory : -1, cpus: cpusAsReadBack(spec.cpus), shmSize: 64 };
}

/** The official plugin reads whole CPUs back as "1.0", but tens as "10."; another spelling would replace the container. */
const cpusAsReadBack = (cpus: number): string => (cpus % 10 === 0 ? `${cpus}.` : `${cpus}.0`);

/**
 * Root inside must be able to install packages and to change owners and users; it needs no devices, mounts, chroot, file
 * capabilities or raw sockets: ping works without (images/recipe/customize). With the prefix, as the
 * daemon says them back: without, they look like a change.
 */
const CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID"].map(
  (c) => `CAP_${c}`,
);

/** What a container must not have. Each is asserted in test/components and tried in test/e2e. */
function isolation(): Pick<
  docker.ContainerArgs,
  "capabilities" | "securityOpts" | "privileged" | "ipcMode" | "cgroupnsMode"
> {
  return {
    privileged: false,
    capabilities: { adds: CAPABILITIES, drops: ["ALL"] },
    securityOpts: ["no-new-privileges"],
    ipcMode: "private",
  };
}

function labelList(ownership: Ownership): docker.ContainerArgs["labels"] {
  return Object.entries(ownershipLabels(ownership, "container")).map(([label, value]) => ({ label, value }));
}
