/**
 * The names of an image's volumes in the image pool. The manifest is written last: if it exists, the others are complete. An
 * interrupted upload looks like any other volume.
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
