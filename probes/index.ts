import type { ProbeId } from "../labs/probe-needs.js";
import { cpu } from "./cpu.js";
import { memory } from "./memory.js";
import type { Probe } from "./probe.js";
import { start } from "./start.js";
import { stop } from "./stop.js";

/** Every probe, in the order in which a life cycle and a report go. */
export const PROBES: readonly Probe[] = [stop, start, memory, cpu];

/** The probes of these ids, in their own order. */
export const probesOf = (ids: readonly ProbeId[]): Probe[] =>
  PROBES.filter((p) => ids.some((id) => id === p.id));
