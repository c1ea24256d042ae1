import { randomNumbers, shuffled } from "../base/random.js";
import type { Target } from "../model/naming.js";
import type { Probe } from "./probe.js";

/** One run of one probe in one target. */
export interface Step {
  probe: Probe;
  target: Target;
  /** From 0, warm-ups included. */
  round: number;
  warmup: boolean;
  /** Only steps of the same phase are mixed with each other. */
  phase: Phase;
}

/** The order of the phases. Probes that disturb other targets come last. */
export const PHASES = ["life-cycle", "host", "target", "alone"] as const;
export type Phase = (typeof PHASES)[number];

const phaseOf = (probe: Probe): Phase => {
  if (probe.alone) return "alone";
  return probe.fresh ? "life-cycle" : probe.kind;
};

/**
 * All steps, in order. In a round, each probe runs once in each target, in a random order; the same seed gives the same
 * order. A target's life-cycle probes stay together, because each begins in the state that the one before left. Pure.
 */
export function plan(
  probes: readonly Probe[],
  targets: readonly Target[],
  options: { seed: number; quick: boolean },
): Step[] {
  const next = randomNumbers(String(options.seed));
  return PHASES.flatMap((phase) => {
    const here = probes.filter((probe) => phaseOf(probe) === phase);
    const wanted = (probe: Probe): number =>
      probe.runs.warmups + (options.quick ? probe.runs.quick : probe.runs.full);
    const rounds = Math.max(0, ...here.map(wanted));
    return Array.from({ length: rounds }, (_, round) => {
      const due = here.filter((probe) => round < wanted(probe));
      const step = (probe: Probe, target: Target): Step => ({
        probe,
        target,
        round,
        warmup: round < probe.runs.warmups,
        phase,
      });
      if (phase === "life-cycle")
        return shuffled(targets, next).flatMap((target) => due.map((probe) => step(probe, target)));
      if (phase === "alone")
        return due.flatMap((probe) => shuffled(targets, next).map((t) => step(probe, t)));
      return shuffled(
        due.flatMap((probe) => targets.map((target) => step(probe, target))),
        next,
      );
    }).flat();
  });
}
