import { DISK_POOL, IMAGE_POOL } from "../drivers/inventory.js";
import { virshIfThere, volumeNames } from "../drivers/libvirt/virsh.js";

/**
 * The names of an image's volumes in the image pool. The manifest is written last: where it is, the others are whole,
 * as a volume whose upload broke off looks like any other.
 */
export const imageVolumes = (
  hash: string,
): { disk: string; kernel: string; initrd: string; manifest: string } => ({
  disk: `${hash}.qcow2`,
  kernel: `${hash}.vmlinux`,
  initrd: `${hash}.initrd`,
  manifest: `${hash}.json`,
});

/** The hash of the image that a volume of the image pool belongs to. */
export const imageOfVolume = (name: string): string | undefined =>
  /^([0-9a-f]{16})\.(qcow2|vmlinux|initrd|json)$/.exec(name)?.[1];

/** What lies in the image pool; nothing where there is no such pool. */
export const imageVolumeNames = (): Promise<string[]> => volumeNames(IMAGE_POOL.name);

/** The hashes of the images that the disks in the seats' pool are laid over, whoever made them. */
export async function imagesUnderDisks(): Promise<string[]> {
  const disks = (await volumeNames(DISK_POOL.name)).filter((name) => name.endsWith(".qcow2"));
  const xml = await Promise.all(
    disks.map((name) => virshIfThere("vol-dumpxml", name, "--pool", DISK_POOL.name)),
  );
  return xml.flatMap(
    (text) => /<backingStore>\s*<path>.*\/([0-9a-f]{16})\.qcow2<\/path>/.exec(text ?? "")?.[1] ?? [],
  );
}
