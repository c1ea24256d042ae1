import type { Target } from "../components/helpers/naming.js";
import type { Probe } from "./probe.js";

/** One run of one probe in one target. */
export interface Step {
  probe: Probe;
  target: Target;
  /** From 0, warm-ups included. */
  round: number;
  warmup: boolean;
  /** Steps of one phase are interleaved with each other only. */
  phase: Phase;
}

/** In this order: machines that just came up are measured while idle, what disturbs comes last. */
export const PHASES = ["life-cycle", "host", "target", "alone"] as const;
export type Phase = (typeof PHASES)[number];

/** Numbers in [0, 1) from a 32-bit seed: mulberry32 (Tommy Ettinger, public domain). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Fisher–Yates. */
export function shuffled<T>(items: readonly T[], next: () => number): T[] {
  const list = [...items];
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    const [a, b] = [list[i], list[j]];
    if (a !== undefined && b !== undefined) [list[i], list[j]] = [b, a];
  }
  return list;
}

const phaseOf = (probe: Probe): Phase => {
  if (probe.alone) return "alone";
  return probe.fresh ? "life-cycle" : probe.kind;
};

/**
 * Every run, in order. Within a round each probe runs once in each target, in an order of its own; the same seed gives
 * the same order. A target's life-cycle probes stay together, as one leaves off where the next begins. Pure.
 */
export function plan(
  probes: readonly Probe[],
  targets: readonly Target[],
  options: { seed: number; quick: boolean },
): Step[] {
  const next = random(options.seed);
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
