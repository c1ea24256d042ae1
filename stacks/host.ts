import { pathToFileURL } from "node:url";
import * as libvirt from "@pulumi/libvirt";
import type * as pulumi from "@pulumi/pulumi";
import { IMAGE_POOL } from "../drivers/libvirt/pools.js";
import { imageVolumes } from "../model/image-volumes.js";

/** What a host's stack makes for its seats. Existing pools and images of others are used as they are. */
export interface HostSettings {
  /** The storage pools to define. */
  pools: readonly { name: string; path: string }[];
  /** The images to upload, on which guests' disks are based. */
  volumes: readonly HostImage[];
}

/** The files of an image. */
export interface HostImage {
  hash: string;
  disk: string;
  kernel: string;
  initrd: string;
  /** The file that describes it. */
  manifest: string;
}

/** The shared stack of a libvirt host: two storage pools, and every image as volumes. */
export function hostProgram(settings: HostSettings): () => Promise<undefined> {
  return async () => {
    const pools = settings.pools.map(
      ({ name, path }) => new libvirt.Pool(name, { name, type: "dir", target: { path } }),
    );
    for (const image of settings.volumes) {
      const names = imageVolumes(image.hash);
      const volume = (part: keyof typeof names, format: string, after: pulumi.Resource[]) =>
        new libvirt.Volume(
          `${part}-${image.hash}`,
          // The provider reads the source as a URL: a path with a % in it would be another's.
          { name: names[part], pool: IMAGE_POOL.name, source: pathToFileURL(image[part]).href, format },
          {
            dependsOn: after,
            // An image is the same wherever it came from. Older states have paths.
            ignoreChanges: ["source"],
            // Seats' disks may be based on an image that a killed command has not recorded. Only `images prune` removes images.
            retainOnDelete: true,
          },
        );
      const parts = [
        volume("disk", "qcow2", pools),
        volume("kernel", "raw", pools),
        volume("initrd", "raw", pools),
      ];
      volume("manifest", "raw", parts);
    }
    return undefined;
  };
}
