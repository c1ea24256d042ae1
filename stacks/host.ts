import * as docker from "@pulumi/docker";
import * as libvirt from "@pulumi/libvirt";
import { DISK_POOL, IMAGE_POOL } from "../hosts/inventory.js";
import type { MatchedImage } from "../images/index.js";
import { imageVolumes } from "./image-volumes.js";

/** What a host carries for its seats. */
export interface HostSettings {
  /** The images that guests' disks are laid over. Absent: the host runs no guests. */
  volumes: readonly Pick<MatchedImage, "hash" | "disk" | "kernel" | "initrd">[] | undefined;
  /** The images that containers are made from; loaded into the daemon before. */
  containerTags: readonly string[];
}

/** The shared stack of a host: two storage pools, and every image as volumes and as container image. */
export function hostProgram(settings: HostSettings): () => Promise<undefined> {
  return async () => {
    if (settings.volumes) {
      new libvirt.Pool("disks", { name: DISK_POOL.name, type: "dir", target: { path: DISK_POOL.path } });
      const pool = new libvirt.Pool("images", {
        name: IMAGE_POOL.name,
        type: "dir",
        target: { path: IMAGE_POOL.path },
      });
      for (const image of settings.volumes) {
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
    for (const tag of settings.containerTags) {
      // It is there, so it is found by its name and never pulled.
      new docker.RemoteImage(`container-${tag.split(":").at(-1)}`, { name: tag, keepLocally: true });
    }
    return undefined;
  };
}
