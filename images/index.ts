/** The matched image: one Debian root file system as a container image and as a guest's disk, kernel and initrd. */

export * from "../model/guest-contract.js";
export { listImages, pruneImages } from "./cached-images.js";
export { ensureImage } from "./ensure.js";
export { findImage } from "./find-image.js";
export {
  cachedVerdict,
  judgeProbe,
  kvmVerdict,
  PROBE_MS,
  type ProbeVerdict,
  probeArguments,
} from "./kvm-probe.js";
export { lifetimeFiles, serviceFiles, startLifetime } from "./machine-files.js";
export type { MatchedImage } from "./matched-image.js";
export { type ImageSpec, imageHash } from "./spec.js";
export { verifyImage } from "./verify.js";
