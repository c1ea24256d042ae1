/** The names of an image's volumes in the image pool. */
export const imageVolumes = (hash: string): { disk: string; kernel: string; initrd: string } => ({
  disk: `${hash}.qcow2`,
  kernel: `${hash}.vmlinux`,
  initrd: `${hash}.initrd`,
});
