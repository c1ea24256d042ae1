import type { Target } from "../model/naming.js";
import type { Step } from "./order.js";
import type { Probe } from "./probe.js";

/** Seconds of one run in a container, a guest, and an emulated guest: medians of a calm host with two CPUs. */
const SECONDS: Record<Probe["id"], readonly [container: number, guest: number, emulated: number]> = {
  empty: [0.1, 0.1, 0.2],
  start: [0.8, 4, 12],
  stop: [1, 3, 6],
  memory: [1, 2, 3],
  downtime: [3, 12, 25],
  disk: [2, 3, 6],
  cpu: [0.6, 1, 2],
  syscall: [0.3, 1, 2],
  "fork-exec": [0.3, 1, 2],
  "context-switch": [0.3, 1, 2],
  "memory-bandwidth": [0.5, 1, 2],
  "disk-io": [1.5, 2, 4],
  elasticity: [1, 1, 1],
  "host-calls": [6, 5, 8],
  isolation: [3, 3, 5],
  duel: [20, 20, 25],
  density: [6, 10, 40],
  moving: [20, 30, 60],
};

/** Seconds that one run of a probe should take. */
function expected({ probe, target }: Step, emulated: readonly Target[]): number {
  const [container, guest, slow] = SECONDS[probe.id];
  if (target === "container" || target === "baseline") return container;
  return emulated.includes(target) ? slow : guest;
}

/** Seconds that the whole plan should take. Pure. */
export const planSeconds = (steps: readonly Step[], emulated: readonly Target[]): number =>
  steps.reduce((sum, step) => sum + expected(step, emulated), 0);

/** The pace begins as if so many seconds had gone as expected: the first few steps alone say little about the rest. */
const CONFIDENCE = 60;
/** The shown time only rises if it was too low by this factor. */
const SURPRISE = 1.25;

/** Estimates how long the rest of a plan takes: from a probe's earlier runs in that target, or else from the pace of all steps. */
export class TimeLeft {
  private readonly taken = new Map<string, number[]>();
  private measured = CONFIDENCE;
  private foreseen = CONFIDENCE;
  private shown: { seconds: number; at: number } | undefined;

  constructor(
    private readonly steps: readonly Step[],
    private readonly emulated: readonly Target[],
    private readonly now: () => number = Date.now,
  ) {}

  /** Step `index` took so many seconds. Undefined: it was skipped, and so will be the probe's later runs in that target. */
  took(index: number, seconds: number | undefined): void {
    const step = this.steps[index];
    if (step === undefined) return;
    const before = this.taken.get(keyOf(step)) ?? [];
    this.taken.set(keyOf(step), seconds === undefined ? [0] : [...before, seconds]);
    if (seconds === undefined) return;
    this.measured += seconds;
    this.foreseen += expected(step, this.emulated);
  }

  /** Seconds left before step `index`. Steadier than the estimate: it goes down with the clock, and seldom up. */
  left(index: number): number {
    const estimate = this.steps.slice(index).reduce((sum, step) => sum + this.estimate(step), 0);
    const at = this.now();
    const before = this.shown && Math.max(0, this.shown.seconds - (at - this.shown.at) / 1000);
    const seconds =
      before === undefined || estimate > before * SURPRISE ? estimate : Math.min(before, estimate);
    this.shown = { seconds, at };
    return seconds;
  }

  private estimate(step: Step): number {
    const own = this.taken.get(keyOf(step));
    if (own === undefined) return (expected(step, this.emulated) * this.measured) / this.foreseen;
    return own.reduce((a, b) => a + b, 0) / own.length;
  }
}

const keyOf = ({ probe, target }: Step): string => `${probe.id} ${target}`;
