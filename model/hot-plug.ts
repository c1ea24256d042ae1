import type { CommandLine } from "./guest-contract.js";
import type { MachineSize } from "./machine-size.js";
import { MiB } from "./units.js";

/*
 * How a guest grows while it runs. More memory than its spec comes from a virtio-mem device, which is empty at boot, so that
 * it costs no memory until then; less is taken by a balloon. CPUs are hot-plugged.
 */

/** A virtio-mem device gives memory in blocks of this many bytes. */
export const MEMORY_BLOCK = 2 * MiB;

/** Linux on x86-64 adds memory only in whole sections of this many bytes. */
const MEMORY_SECTION = 128 * MiB;

/** Bytes of the memory device with which a guest can grow to its ceiling; 0: it needs none. */
export const memoryDevice = (spec: MachineSize, ceiling: MachineSize): number =>
  Math.ceil(Math.max(0, ceiling.memory - spec.memory) / MEMORY_SECTION) * MEMORY_SECTION;

/**
 * The command line of a guest with a memory device. The kernel uses what it is given at once, and only for what can be moved, so
 * that it can be taken away again. Without `swiotlb` it would reserve 64 MiB for devices that can't address the device's
 * memory; a guest has none.
 */
export const growingCommandLine = ({ flags, pairs }: CommandLine): CommandLine => ({
  pairs: { ...pairs, memhp_default_state: "online_movable", swiotlb: "noforce" },
  flags,
});
