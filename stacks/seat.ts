import type * as pulumi from "@pulumi/pulumi";
import type { Ownership } from "../components/helpers/labels.js";
import type { Target } from "../components/helpers/naming.js";
import type { Accelerator } from "../components/libvirt-guest.js";
import type { MachineSpec } from "../components/machine-spec.js";
import { MatchedLab, type TargetOutputs } from "../components/matched-lab.js";
import { holdLimits } from "../hosts/docker.js";
import { DISK_POOL, IMAGE_POOL } from "../hosts/inventory.js";
import { imageVolumes } from "./image-volumes.js";

/** All a seat's program needs; made by prepare-seat.ts, for the CLI and for plain `pulumi up` alike. */
export interface SeatSettings {
  spec: MachineSpec;
  ownership: Ownership;
  targets: readonly Target[];
  /** The block of addresses: 0 … 1023. */
  slot: number;
  image: { hash: string; containerTag: string };
  accelerator: Accelerator;
  userKey: string;
  /** Secret. */
  hostKey: string;
}

/** The outputs of a seat's stack. */
export type SeatOutputs = {
  targets: pulumi.Output<Partial<Record<Target, TargetOutputs>>>;
};

/** One learner's copy of a lab: the chosen targets. */
export function seatProgram(settings: SeatSettings): () => Promise<SeatOutputs> {
  return async () => {
    const { accelerator, hostKey, image, ownership, slot, spec, targets, userKey } = settings;
    const volumes = imageVolumes(image.hash);
    const lab = new MatchedLab(ownership.seat, {
      spec,
      ownership,
      slot,
      ...(targets.includes("container")
        ? { container: { image: image.containerTag, holdLimits: (id: string) => holdLimits(id, spec) } }
        : {}),
      ...(targets.includes("guest")
        ? {
            guest: {
              image: {
                pool: IMAGE_POOL.name,
                baseVolume: volumes.disk,
                kernel: `${IMAGE_POOL.path}/${volumes.kernel}`,
                initrd: `${IMAGE_POOL.path}/${volumes.initrd}`,
              },
              diskPool: DISK_POOL,
              accelerator,
              userKeys: [userKey, ...spec.authorizedKeys],
              hostKey,
            },
          }
        : {}),
    });
    return { targets: lab.targets };
  };
}
