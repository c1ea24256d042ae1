import { randomNumbers, shuffled } from "../base/random.js";
import type { Probe } from "./probe.js";
import { PHASES, type Phase, type Place } from "./run-document.js";

/** One run of one probe in one target, or in the baseline. */
export interface Step {
  probe: Probe;
  target: Place;
  /** From 0, warm-ups included. */
  round: number;
  warmup: boolean;
  /** Only steps of the same phase are mixed with each other. */
  phase: Phase;
}

/** The phase in which a probe runs. Pure. */
export const phaseOf = (probe: Probe): Phase => {
  if (probe.alone) return "alone";
  return probe.fresh ? "life-cycle" : probe.kind;
};

/**
 * All steps, in order. In a round, each probe runs once in each place that it can measure, in a random order; the same seed gives the same
 * order. A target's life-cycle probes stay together, because each begins in the state that the one before left. Pure.
 */
export function plan(
  probes: readonly Probe[],
  places: readonly Place[],
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
      const placesOf = (probe: Probe): Place[] =>
        places.filter((place) => place !== "baseline" || probe.baseline !== undefined);
      const step = (probe: Probe, target: Place): Step => ({
        probe,
        target,
        round,
        warmup: round < probe.runs.warmups,
        phase,
      });
      if (phase === "life-cycle")
        return shuffled(places, next).flatMap((place) =>
          due.filter((probe) => placesOf(probe).includes(place)).map((probe) => step(probe, place)),
        );
      if (phase === "alone")
        return due.flatMap((probe) => shuffled(placesOf(probe), next).map((place) => step(probe, place)));
      return shuffled(
        due.flatMap((probe) => placesOf(probe).map((place) => step(probe, place))),
        next,
      );
    }).flat();
  });
}
