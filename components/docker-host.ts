import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { Subnet } from "../model/cidr.js";
import type { Ownership } from "../model/labels.js";
import { expiresInMachine, LIFETIME_PROGRAM } from "../model/lifetime.js";
import type { MachineSpec } from "../model/machine-spec.js";
import { bridgeName, homeVolumeName, machineName } from "../model/naming.js";
import { MiB } from "../model/units.js";
import { CAPABILITIES, containerLabels, LOG, rethrowShort } from "./helpers/container.js";
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
   * Whether the daemon can limit swap, which needs swap accounting in its kernel: without it, it reports no limit.
   * @default true
   */
  swapLimit?: boolean;
  /**
   * Whether the daemon can limit the size of a container's layer.
   * @default false
   */
  layerLimit?: boolean;
  /**
   * Called with the container's id at every `up`, after the provider has made or kept it. Applies the PID limit, for which the
   * provider has no input, the CPUs, for which it would replace the container, and the memory, which `resize` may have
   * changed; undoes manual changes. See drivers/docker/mend-container.ts. With it, a container keeps the image that it has.
   * Its errors get a short stack, because Node takes minutes to print the frames of an
   * output.
   */
  mend?: (containerId: string) => Promise<void>;
  /** Changes of the children's arguments. */
  transform?: {
    network?: Transform<docker.NetworkArgs>;
    volume?: Transform<docker.VolumeArgs>;
    container?: Transform<docker.ContainerArgs>;
  };
}

/**
 * The spec as a container on a Docker host: a bridge network and a home volume of the seat's own, and the container.
 *
 * It gets nothing of the host: only the capabilities that root needs inside, no new privileges, the default seccomp profile,
 * no host namespaces, memory without swap. The Docker provider's `docker:host` selects the daemon.
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
    const labels = containerLabels(ownership);

    const network = new docker.Network(
      `${name}-network`,
      applyTransform(transform?.network, {
        name: machineName(ownership, "container"),
        driver: "bridge",
        ipamConfigs: [{ subnet: subnet.cidr, gateway: subnet.gateway }],
        options: { "com.docker.network.bridge.name": bridgeName(ownership, "container") },
        labels,
      }),
      // The provider also reads back the daemon's default-network-opts. Ours change only with the name, which replaces the network anyway.
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
        // The container's one program waits until the seat's time is up. It reaps processes, and closes its output, a pipe to the
        // daemon, which Docker's own init would keep open for root inside to flood.
        init: false,
        command: [LIFETIME_PROGRAM, "run", expiresInMachine(ownership.expires)],
        // At expiry the program exits with 0, and the container stays stopped. If the daemon stops, it exits with 143, or is found dead, and is restarted.
        restart: "on-failure",
        mustRun: true,
        ...limits(spec, args.swapLimit),
        ...diskLimit(spec, args.layerLimit),
        ...isolation(),
        networksAdvanced: [{ name: network.name, ipv4Address: subnet.address }],
        volumes: [{ volumeName: home.name, containerPath: `/home/${spec.user}` }],
        logDriver: LOG.driver,
        logOpts: LOG.options,
        networkMode: "bridge",
        // SIGTERM ends the program at once, so one second is enough.
        destroyGraceSeconds: 1,
        labels,
      }),
      {
        parent: this,
        // The original capabilities, init and limits of its disk stay: the provider would replace a container of an older trilab,
        // which has NET_RAW, an init, and no limit for its files. `mend` sets the others, so that a refresh does not see them as a difference; and who mends a container
        // also restores its snapshots, which are other images.
        ignoreChanges: [
          "capabilities",
          "init",
          "ulimits",
          "storageOpts",
          ...(mend ? [...MENDED, "image"] : []),
        ],
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

/** The inputs that `mend` sets in place of the provider. */
const MENDED = ["memory", "memorySwap", "cpus", "cpuSet", "cpuShares"];

/** Memory without swap, because a guest has none, if the daemon can limit it; CPU time by quota. */
function limits(
  spec: MachineSpec,
  swapLimit = true,
): Pick<docker.ContainerArgs, "memory" | "memorySwap" | "cpus" | "shmSize"> {
  const memory = Math.floor(spec.memory / MiB);
  // A daemon that can't limit swap reports -1 for any value.
  return { memory, memorySwap: swapLimit ? memory : -1, cpus: cpusAsReadBack(spec.cpus), shmSize: 64 };
}

/**
 * The size of the guest's disk as the largest size of one file, which the kernel enforces with every storage driver of Docker. The
 * main program also keeps all files together below it: see `guard` in images/rootfs, lifetime. If the daemon can limit the layer, it does
 * that, too, but not for the home's volume.
 */
const diskLimit = (
  { disk }: MachineSpec,
  layerLimit = false,
): Pick<docker.ContainerArgs, "ulimits" | "storageOpts"> => ({
  ulimits: [{ name: "fsize", soft: disk, hard: disk }],
  ...(layerLimit ? { storageOpts: { size: String(disk) } } : {}),
});

/** The official plugin reads back whole CPUs as "1.0", but tens as "10."; another spelling would replace the container. */
const cpusAsReadBack = (cpus: number): string => (cpus % 10 === 0 ? `${cpus}.` : `${cpus}.0`);

/** What a container must not have. test/components asserts each, and test/e2e tries each. */
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
