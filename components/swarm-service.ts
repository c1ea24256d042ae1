import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { Subnet } from "../model/cidr.js";
import type { Ownership } from "../model/labels.js";
import { expiresInMachine, LIFETIME_PROGRAM } from "../model/lifetime.js";
import type { MachineSpec } from "../model/machine-spec.js";
import { homeVolumeName, machineName } from "../model/naming.js";
import { SWARM_LABEL } from "../model/swarm.js";
import { CAPABILITIES, containerLabels, LOG, rethrowShort } from "./helpers/container.js";
import { applyTransform, type Transform } from "./helpers/transform.js";

export interface SwarmServiceArgs {
  spec: MachineSpec;
  /** Who owns the seat, and until when. */
  ownership: Ownership;
  /** The seat's own overlay network. */
  subnet: Subnet;
  /**
   * The matched container image. By its id (`sha256:…`), a node takes the image that it has; by a name, it first asks a registry
   * for another image of that name.
   */
  image: pulumi.Input<string>;
  /**
   * Hostnames of nodes that must not run it.
   * @default none
   */
  avoid?: readonly string[];
  /**
   * Called with the service's id at every `up`, after the provider has made or kept it. Sets the PID limit and the largest size of a
   * file, for which the provider has no input, and then starts the container: with it, the service is made without one. See
   * drivers/docker/swarm/service-limits.ts.
   */
  mend?: (serviceId: string) => Promise<void>;
  /** Changes of the children's arguments. */
  transform?: {
    network?: Transform<docker.NetworkArgs>;
    service?: Transform<docker.ServiceArgs>;
  };
}

/**
 * The spec as a service of one container on a Docker Swarm, with an overlay network of the seat's own. The Swarm chooses the node,
 * and another node when that one is lost. The Docker provider's `docker:host` selects a manager.
 *
 * The container has the limits and capabilities of one on a Docker host. Its home is a volume that the Swarm makes on the node, so it
 * does not follow the container to another node. Its network has no way out: services leave their node by one bridge that they share
 * with all others, to which trilab's firewall does not apply.
 */
export class SwarmService extends pulumi.ComponentResource {
  readonly serviceId: pulumi.Output<string>;
  /** The service's name, and the container's hostname. */
  readonly name: pulumi.Output<string>;

  constructor(name: string, args: SwarmServiceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trilab:index:SwarmService", name, args, opts);
    const { avoid = [], mend, ownership, spec, subnet, transform } = args;
    const labels = containerLabels(ownership);

    const network = new docker.Network(
      `${name}-network`,
      applyTransform(transform?.network, {
        name: machineName(ownership, "container"),
        driver: "overlay",
        internal: true,
        ipamConfigs: [{ subnet: subnet.cidr, gateway: subnet.gateway }],
        labels,
      }),
      // The manager adds the number of the VXLAN.
      { parent: this, ignoreChanges: ["options"] },
    );

    const service = new docker.Service(
      `${name}-service`,
      applyTransform(transform?.service, {
        name: machineName(ownership, "container"),
        labels,
        mode: { replicated: { replicas: mend ? 0 : 1 } },
        // Its name is resolved to its address. A virtual address would need IPVS in the nodes' kernels.
        endpointSpec: { mode: "dnsrr" },
        taskSpec: {
          containerSpec: {
            image: args.image,
            hostname: machineName(ownership, "container"),
            // See components/docker-host.ts.
            init: false,
            args: [LIFETIME_PROGRAM, "run", expiresInMachine(ownership.expires)],
            capAdds: CAPABILITIES,
            capDrops: ["ALL"],
            mounts: [
              {
                type: "volume",
                source: homeVolumeName(ownership),
                target: `/home/${spec.user}`,
                volumeOptions: { labels: [...labels, { label: SWARM_LABEL, value: "home" }] },
              },
            ],
            // SIGTERM ends the program at once.
            stopGracePeriod: "1s",
          },
          resources: { limits: { memoryBytes: spec.memory, nanoCpus: spec.cpus * 1e9 } },
          // At expiry the program exits with 0, and the Swarm does not start it again.
          restartPolicy: { condition: "on-failure", delay: "1s", maxAttempts: 0, window: "0s" },
          placement: { constraints: avoid.map((node) => `node.hostname!=${node}`) },
          networksAdvanceds: [{ name: network.id }],
          logDriver: { name: LOG.driver, options: LOG.options },
        },
      }),
      // Every change of a service makes its container anew, and what was done in it would be lost. So who mends it also keeps it as it is.
      { parent: this, ignoreChanges: mend ? ["mode", "taskSpec", "endpointSpec"] : [] },
    );

    this.serviceId = service.id.apply(async (id) => {
      if (mend && !pulumi.runtime.isDryRun()) await mend(id).catch(rethrowShort);
      return id;
    });
    this.name = service.name;
    this.registerOutputs({ serviceId: this.serviceId, name: this.name });
  }
}
