import { contextSwitch } from "./context-switch.js";
import { cpu } from "./cpu.js";
import { density } from "./density.js";
import { disk } from "./disk.js";
import { diskIo } from "./disk-io.js";
import { downtime } from "./downtime.js";
import { elasticity } from "./elasticity.js";
import { forkExec } from "./fork-exec.js";
import { hostCalls } from "./host-calls.js";
import { isolation } from "./isolation.js";
import { memory } from "./memory.js";
import { memoryBandwidth } from "./memory-bandwidth.js";
import { moving } from "./moving.js";
import { duel } from "./neighbour-duel.js";
import type { Probe } from "./probe.js";
import { start } from "./start.js";
import { stop } from "./stop.js";
import { syscall } from "./syscall.js";

/** Every probe, in the order of a life cycle: each life-cycle probe begins in the state that the one before left. */
export const PROBES: readonly Probe[] = [
  stop,
  start,
  memory,
  downtime,
  disk,
  cpu,
  syscall,
  forkExec,
  contextSwitch,
  memoryBandwidth,
  diskIo,
  elasticity,
  hostCalls,
  isolation,
  duel,
  density,
  moving,
];
