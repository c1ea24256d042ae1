import { type Ownership, ownershipLabels } from "../../model/labels.js";

/**
 * Root inside must be able to install packages and to change owners and users. It needs no devices, mounts, chroot, file
 * capabilities or raw sockets: ping works without (images/recipe/customize). They have the prefix because the daemon
 * returns them with it; without it, they would look like a change.
 */
export const CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID"].map(
  (c) => `CAP_${c}`,
);

/** Docker's default log driver with a limit, set explicitly, so that values from the daemon don't look like a change on the next `up`. */
export const LOG = { driver: "json-file", options: { "max-size": "10m", "max-file": "1" } } as const;

/** The ownership labels of a container and what belongs to it, as the Docker provider takes them. */
export const containerLabels = (ownership: Ownership): { label: string; value: string }[] =>
  Object.entries(ownershipLabels(ownership, "container")).map(([label, value]) => ({ label, value }));

/** Throws an error again without its stack frames: Node takes minutes to print the frames of an output. */
export function rethrowShort(error: unknown): never {
  if (error instanceof Error) error.stack = `${error.name}: ${error.message}`;
  throw error;
}
