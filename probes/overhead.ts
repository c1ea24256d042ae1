import { empty } from "./empty.js";
import type { Probe } from "./probe.js";

/** The empty probe before the others, so that what asking costs is measured in the same rounds. */
export const emptyFirst = (probes: readonly Probe[]): Probe[] => [empty, ...probes];
