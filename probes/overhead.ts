import { empty } from "./empty.js";
import type { Probe } from "./probe.js";

/** Adds the empty probe, so that the overhead is measured in the same rounds. */
export const emptyFirst = (probes: readonly Probe[]): Probe[] => [empty, ...probes];
