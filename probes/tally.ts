import type { Step } from "./order.js";
import type { Probe, ProbeProblem, Reading } from "./probe.js";
import {
  type Fact,
  PLACES,
  type Place,
  type ProbeResult,
  type Resource,
  type Series,
} from "./run-document.js";

/** Why a series is not representative; undefined if it is. */
export type Doubt = (probe: Probe, metric: Probe["metrics"][number], target: Place) => string | undefined;

interface State {
  samples: Map<string, number[]>;
  limits: Map<string, Resource>;
  doubts: Map<string, string>;
  warmups: number;
  problems: ProbeProblem[];
  end: ProbeProblem | undefined;
}

/** The results of one probe so far, in every target. */
export class Tally {
  private readonly states = new Map<Place, State>();
  private readonly facts = new Map<string, Fact>();
  private readonly raw: ProbeResult["raw"] = [];

  constructor(private readonly probe: Probe) {}

  add(step: Step, reading: Reading): void {
    const state = this.state(step.target);
    if (step.round === this.probe.runs.warmups && reading.output !== "")
      this.raw.push({ target: step.target, round: step.round, output: reading.output });
    for (const { title, value, note, target, ticks, metric } of reading.facts ?? []) {
      const fact = this.facts.get(title) ?? {
        ...{ title, values: {}, note },
        ...(ticks ? { ticks } : {}),
        ...(metric === undefined ? {} : { metric }),
      };
      const of = target ?? step.target;
      if (of !== "baseline") fact.values[of] = value;
      this.facts.set(title, fact);
    }
    if (step.warmup) {
      state.warmups += 1;
      return;
    }
    for (const [metric, limit] of Object.entries(reading.limits ?? {})) state.limits.set(metric, limit);
    for (const [metric, why] of Object.entries(reading.doubts ?? {})) state.doubts.set(metric, why);
    for (const [metric, value] of Object.entries(reading.values)) {
      state.samples.set(metric, [...(state.samples.get(metric) ?? []), value].flat());
    }
  }

  fail(step: Step, problem: ProbeProblem): void {
    this.state(step.target).problems.push(problem);
    if (problem.output !== "")
      this.raw.push({ target: step.target, round: step.round, output: problem.output });
  }

  failures = (target: Place): number => this.state(target).problems.length;

  /** The probe will not run in this target again. */
  end(target: Place, problem: ProbeProblem): void {
    this.state(target).end = problem;
  }

  ended = (target: Place): boolean => this.state(target).end !== undefined;

  /** One series for each metric and target; also for one without samples, if the reason is known. */
  series(doubt: Doubt): Series[] {
    return PLACES.flatMap((target) => {
      const state = this.states.get(target);
      if (state === undefined) return [];
      return this.probe.metrics
        .filter((metric, i) => state.samples.has(metric.id) || (i === 0 && state.problems.length > 0))
        .map((metric) => {
          const samples = state.samples.get(metric.id) ?? [];
          const why =
            samples.length > 0
              ? (doubt(this.probe, metric, target) ?? state.doubts.get(metric.id))
              : undefined;
          const last = state.end ?? state.problems.at(-1);
          const limit = state.limits.get(metric.id);
          const failed = samples.length === 0 || state.end !== undefined;
          return {
            target,
            metric: metric.id,
            title: metric.title,
            unit: metric.unit,
            better: metric.better,
            samples,
            warmups: state.warmups,
            status: failed && last ? last.status : "ok",
            // If the probe was given up, the slow or failed runs are missing among the samples.
            representative: why === undefined && state.end === undefined,
            note: [why, last && failure(last, state.problems.length, samples.length)]
              .filter(Boolean)
              .join("; "),
            ...(limit === undefined ? {} : { limit }),
          } satisfies Series;
        });
    });
  }

  /** @param partial The run ended early, so a probe without figures did not fail. */
  result(doubt: Doubt, partial: boolean): ProbeResult {
    const { id, title, teaches, kind, published } = this.probe;
    const series = this.series(doubt);
    const facts = [...this.facts.values()];
    const bad = series.filter((s) => s.status !== "ok");
    const nothing = series.length === 0 && facts.length === 0;
    const whole = nothing
      ? "skipped"
      : series.length > 0 && bad.length === series.length
        ? bad[0]?.status
        : "ok";
    return {
      id,
      title,
      teaches,
      kind,
      control: this.probe.control ?? false,
      published: [...published],
      status: whole ?? "ok",
      note: nothing
        ? partial
          ? "the run ended before it"
          : "it gave no result"
        : bad.map((s) => `${s.target}: ${s.note}`).join("; "),
      series,
      facts,
      raw: this.raw,
    };
  }

  private state(target: Place): State {
    const state = this.states.get(target) ?? {
      ...{ samples: new Map(), limits: new Map(), doubts: new Map() },
      ...{ warmups: 0, problems: [], end: undefined },
    };
    this.states.set(target, state);
    return state;
  }
}

/** Why a probe gave no figures, or how many of its runs failed. */
const failure = (last: ProbeProblem, times: number, samples: number): string =>
  samples === 0 ? last.message : `${times} run${times > 1 ? "s" : ""} failed: ${last.message}`;
