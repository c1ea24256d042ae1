import * as pulumi from "@pulumi/pulumi";
import type { CloudArgs } from "../components/cloud-vps.js";
import type { Accelerator, DomainDefinition, GuestImage } from "../components/libvirt-machine.js";
import { MatchedLab, type MatchedLabArgs, type TargetOutputs } from "../components/matched-lab.js";
import type { ContainerWanted } from "../drivers/docker/mend-container.js";
import { DISK_POOL, IMAGE_POOL } from "../drivers/libvirt/pools.js";
import { lifetimeFiles, serviceFiles, startLifetime } from "../images/index.js";
import { subnetOf } from "../model/cidr.js";
import { imageVolumes } from "../model/image-volumes.js";
import type { InstanceType } from "../model/instance-catalogue.js";
import { holdsWork } from "../model/kinds.js";
import type { Ownership } from "../model/labels.js";
import { EXPIRES_FILE, expiresInMachine } from "../model/lifetime.js";
import type { MachineSize } from "../model/machine-size.js";
import type { MachineSpec } from "../model/machine-spec.js";
import { type DomainTarget, machineName, type Target } from "../model/naming.js";
import type { Rented } from "../model/rented.js";
import { SERVICES_PROGRAM } from "../model/services.js";

/** Everything that a seat's program needs; made by prepare-seat.ts, for the CLI and for plain `pulumi up`. */
export interface SeatSettings {
  spec: MachineSpec;
  /** The present sizes of the targets that were resized. */
  sizes: Partial<Record<Target, MachineSize>>;
  /** How large the domains can become while they run; absent: their size is fixed. */
  ceilings: Partial<Record<DomainTarget, MachineSize>>;
  ownership: Ownership;
  /** The effective expiry, ISO 8601 or `never`, for what is rented from now on. */
  expires: string;
  targets: readonly Target[];
  /** The block of addresses: 0 … 1023. */
  slot: number;
  image: { hash: string; containerTag: string };
  /** What the VPS is; present with the target vps. */
  vps?: Omit<Rented, "type"> & { type: InstanceType };
  /** The availability zone for the VPS; absent: its present one, else the first zone that offers its type. */
  zone?: string | undefined;
  accelerator: Accelerator;
  /** Whether the Docker daemon can limit swap. */
  swapLimit: boolean;
  /** Whether it can limit the size of a container's layer. Asked only when the engine runs, because it may have to be tried. */
  limitsLayer: () => Promise<boolean>;
  /** If the container is a service of a Docker Swarm: its image by id, and the nodes that it must not use. */
  service?: () => Promise<{ image: string; avoid: string[] }>;
  /** Repairs the container where the provider does not; returns what was changed, in words. */
  mendContainer: (containerId: string, wanted: ContainerWanted) => Promise<string[]>;
  userKey: string;
  /** The machines' SSH host key: secret; and the file here that holds it. */
  hostKey: string;
  hostKeyFile: string;
  hostPublicKey: string;
  /** Writes the seed of a rehearsed VPS from its user-data and meta-data. Returns its path on this machine. */
  writeVpsSeed: (userData: string, metaData: string) => Promise<string>;
  /** Whether to protect what holds a learner's work, so that the engine refuses to replace it. Default false. */
  protect?: boolean;
  /** Called with what was repaired in a machine without the engine: "container: put back on its network". */
  onMended?: (what: string) => void;
  /** Shuts down a domain before the engine replaces it because of another definition. Default: does nothing. */
  makeWay?: (definition: DomainDefinition) => Promise<void>;
}

/** The outputs of a seat's stack. */
export type SeatOutputs = {
  targets: pulumi.Output<Partial<Record<Target, TargetOutputs>>>;
};

/** One learner's copy of a lab: the chosen targets. */
export function seatProgram(settings: SeatSettings): () => Promise<SeatOutputs> {
  return async () => {
    const { accelerator, ceilings, hostKeyFile, image, makeWay, ownership, slot } = settings;
    const { limitsLayer, service, spec, swapLimit, targets, userKey } = settings;
    const userKeys = [userKey, ...spec.authorizedKeys];
    const vps = targets.includes("vps") ? vpsArgs(settings, userKeys) : undefined;
    const args: MatchedLabArgs = {
      spec,
      ownership,
      slot,
      ...(targets.includes("container") && service
        ? { service: { ...(await service()), mend: (id: string) => mend(settings, id) } }
        : {}),
      ...(targets.includes("container") && !service
        ? {
            container: {
              image: image.containerTag,
              swapLimit,
              layerLimit: await limitsLayer(),
              mend: (id: string) => mend(settings, id),
            },
          }
        : {}),
      ...(targets.includes("guest")
        ? {
            guest: {
              image: onHost(image.hash),
              diskPool: DISK_POOL,
              accelerator,
              ceiling: ceilings.guest,
              makeWay,
              userKeys,
              hostKeyFile,
            },
          }
        : {}),
      ...(vps ? { vps } : {}),
    };
    const lab = new MatchedLab(
      ownership.seat,
      args,
      settings.protect ? { transformations: [protectWork] } : {},
    );
    return { targets: lab.targets };
  };
}

const protectWork: pulumi.ResourceTransformation = ({ opts, props, type }) =>
  holdsWork(type, props.name) ? { props, opts: pulumi.mergeOptions(opts, { protect: true }) } : undefined;

/** Repairs the container according to the settings, where the provider does not. */
async function mend(
  { mendContainer, onMended, ownership, sizes, slot, spec, swapLimit }: SeatSettings,
  id: string,
): Promise<void> {
  const network = { name: machineName(ownership, "container"), address: subnetOf(slot, "container").address };
  for (const what of await mendContainer(id, { ...spec, ...sizes.container, swapLimit, network }))
    onMended?.(`container: ${what}`);
}

/** An image as the host's stack uploaded it. */
function onHost(hash: string): GuestImage {
  const volumes = imageVolumes(hash);
  return {
    pool: IMAGE_POOL.name,
    baseVolume: volumes.disk,
    kernel: `${IMAGE_POOL.path}/${volumes.kernel}`,
    initrd: `${IMAGE_POOL.path}/${volumes.initrd}`,
  };
}

function vpsArgs(settings: SeatSettings, userKeys: string[]): NonNullable<MatchedLabArgs["vps"]> {
  const { hostKey, hostPublicKey, ownership, spec, vps } = settings;
  if (vps === undefined) throw new Error("a seat with a VPS has no record of what it rents");
  const { cloud, credits, type } = vps;
  // For the program that ends the machine at its expiry, which a cloud's own image does not contain.
  const end = cloud === "aws" ? settings.expires : ownership.expires;
  const expires = { path: EXPIRES_FILE, content: `${expiresInMachine(end)}\n` };
  // Its packages are installed at its first boot.
  const services = cloud === "aws" ? spec.services : [];
  const files = cloud === "aws" ? [...lifetimeFiles(), expires, ...serviceFiles(services)] : [expires];
  const run = cloud === "aws" ? startLifetime : [];
  const afterPackages = services.length > 0 ? [[SERVICES_PROGRAM, "enable", ...services]] : [];
  return {
    ...{ type, credits, userKeys, hostKey, hostPublicKey, files, run, afterPackages },
    ...cloudArgs(vps, settings),
  };
}

function cloudArgs(
  vps: NonNullable<SeatSettings["vps"]>,
  { accelerator, ceilings, expires, makeWay, writeVpsSeed, zone }: SeatSettings,
): CloudArgs {
  if (vps.cloud === "local" && vps.image !== undefined) {
    return {
      cloud: "local",
      image: onHost(vps.image),
      diskPool: DISK_POOL,
      accelerator,
      ceiling: ceilings.vps,
      makeWay,
      writeSeed: writeVpsSeed,
    };
  }
  if (vps.cloud === "aws" && vps.learner !== undefined) {
    const { learner, network = "own", spot = false } = vps;
    return { cloud: "aws", learner, network, zone, spot, expires };
  }
  throw new Error(`the record of the VPS at "${vps.cloud}" is incomplete`);
}
