import * as docker from "@pulumi/docker";
import * as libvirt from "@pulumi/libvirt";
import { DISK_POOL, IMAGE_POOL } from "../hosts/inventory.js";
import type { MatchedImage } from "../images/index.js";
import { imageVolumes } from "./image-volumes.js";

/** What a host carries for its seats. */
export interface HostSettings {
  /** Every matched image in use on the host. */
  images: readonly Pick<MatchedImage, "hash" | "containerTag" | "disk" | "kernel" | "initrd">[];
  /** Whether the host runs containers and guests. */
  docker: boolean;
  libvirt: boolean;
}

/** The shared stack of a host: two storage pools, and every image as container image and as volumes. */
export function hostProgram(settings: HostSettings): () => Promise<undefined> {
  return async () => {
    if (settings.libvirt) {
      new libvirt.Pool("disks", { name: DISK_POOL.name, type: "dir", target: { path: DISK_POOL.path } });
      const pool = new libvirt.Pool("images", {
        name: IMAGE_POOL.name,
        type: "dir",
        target: { path: IMAGE_POOL.path },
      });
      for (const image of settings.images) {
        const names = imageVolumes(image.hash);
        const volume = (part: "disk" | "kernel" | "initrd", format: string) =>
          new libvirt.Volume(`${part}-${image.hash}`, {
            name: names[part],
            pool: pool.name,
            source: image[part],
            format,
          });
        volume("disk", "qcow2");
        volume("kernel", "raw");
        volume("initrd", "raw");
      }
    }
    if (settings.docker) {
      for (const image of settings.images) {
        // Loaded from the image cache before, so it is found by its name and never pulled.
        new docker.RemoteImage(`container-${image.hash}`, { name: image.containerTag, keepLocally: true });
      }
    }
    return undefined;
  };
}
