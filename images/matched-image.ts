import type { ImageManifest } from "./manifest.js";

/** A built image: the same files as a container image and as a guest's disk. Paths are absolute. */
export interface MatchedImage {
  /** 16 hex digits; see `imageHash`. */
  hash: string;
  /** 16 hex digits. Images that differ only in their disk's size share it. */
  rootHash: string;
  /** `trilab/machine:<hash>`, once `importContainerImage` has loaded it. */
  containerTag: string;
  rootTar: string;
  /** qcow2 without a backing file; the whole disk is one ext4 file system. */
  disk: string;
  /** ELF vmlinux, which QEMU starts directly (PVH). */
  kernel: string;
  initrd: string;
  manifest: ImageManifest;
  /** The manifest's path. */
  manifestFile: string;
}
