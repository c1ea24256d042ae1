import type { ImageSpec } from "../images/index.js";
import type { Cloud } from "../model/clouds.js";
import type { MachineSpec } from "../model/machine-spec.js";
import type { Target } from "../model/naming.js";

/** The image of a machine's container and guest. */
export const imageSpecOf = (spec: MachineSpec): ImageSpec => ({
  release: spec.release,
  packages: spec.packages,
  services: spec.services,
  user: spec.user,
  diskBytes: spec.disk,
});

/** The image of a rehearsed VPS. It has cloud-init, as clouds' images do. `disk`: bytes of the seat's own disks. */
export const rentedImageSpec = (spec: MachineSpec, disk: number): ImageSpec => ({
  ...imageSpecOf(spec),
  packages: [...spec.packages, "cloud-init"],
  diskBytes: disk,
});

/** An image that a seat boots on this host, and its targets: container and guest share one, a rehearsed VPS has its own. */
export interface HostedImage {
  of: "machine" | "vps";
  spec: ImageSpec;
}

/** The images that these targets need on this host, for the lab as it is now; a rented VPS needs none. */
export function hostedImages(
  spec: MachineSpec,
  targets: readonly Target[],
  cloud: Cloud | undefined,
  disk = spec.disk,
): HostedImage[] {
  return [
    ...(targets.some((t) => t !== "vps") ? [{ of: "machine", spec: imageSpecOf(spec) } as const] : []),
    ...(targets.includes("vps") && cloud === "local"
      ? [{ of: "vps", spec: rentedImageSpec(spec, disk) } as const]
      : []),
  ];
}

/** The hash of the image with which a seat was made, even if its lab has changed; `undefined` before it has one. */
export const keptImage = (
  record: { image: string; vps?: { image?: string | undefined } | undefined } | undefined,
  of: HostedImage["of"],
): string | undefined => (of === "vps" ? record?.vps?.image : record?.image);
