import type { Cloud } from "../components/helpers/clouds.js";
import type { Target } from "../components/helpers/naming.js";
import type { MachineSpec } from "../components/machine-spec.js";
import type { ImageSpec } from "../images/index.js";

/** The image of a machine's container and guest. */
export const imageSpecOf = (spec: MachineSpec): ImageSpec => ({
  release: spec.release,
  packages: spec.packages,
  user: spec.user,
  diskBytes: spec.disk,
});

/** The image of its VPS at a rehearsal: clouds' images have cloud-init. `disk`: bytes of the seat's own disks. */
export const rentedImageSpec = (spec: MachineSpec, disk: number): ImageSpec => ({
  ...imageSpecOf(spec),
  packages: [...spec.packages, "cloud-init"],
  diskBytes: disk,
});

/**
 * The images that a seat's targets need on this host: container and guest share one, a rehearsed VPS boots its own, a
 * rented one needs none.
 */
export function hostedImages(
  spec: MachineSpec,
  targets: readonly Target[],
  cloud: Cloud | undefined,
  disk = spec.disk,
): ImageSpec[] {
  return [
    ...(targets.some((t) => t !== "vps") ? [imageSpecOf(spec)] : []),
    ...(targets.includes("vps") && cloud === "local" ? [rentedImageSpec(spec, disk)] : []),
  ];
}
