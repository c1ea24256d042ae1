import type { ExecOptions, ExecResult } from "../drivers/environment.js";
import type { Machine } from "../drivers/machine.js";
import type { ProbeId } from "../labs/probe-needs.js";
import type { MachineSpec } from "../model/machine-spec.js";
import type { Target } from "../model/naming.js";
import type { ProbeResult, Resource, RunDocument, Series } from "./run-document.js";

/** One figure a probe takes. */
export interface Metric {
  /** Stable: `total`, `read-qd1`. */
  id: string;
  title: string;
  /** `s`, `us`, `MiB`, `1/s`, `%`, `1`; see run-document.ts. */
  unit: string;
  better: Series["better"];
  /**
   * What the figure hangs on. Of an emulated guest those bound by `cpu` say nothing of a real one; those bound by `size`
   * do not change when the host is busy.
   */
  bound: "cpu" | "time" | "size";
}

/** What one run of a probe gave for one target. */
export interface Reading {
  /** By metric, one sample or several; those that do not apply to the target are absent. */
  values: Readonly<Record<string, number | readonly number[]>>;
  /** By metric: what bounds a figure that says how many fit. */
  limits?: Readonly<Record<string, Resource>>;
  facts?: readonly FoundFact[];
  /** The tool's own words. */
  output: string;
}

export interface FoundFact {
  title: string;
  value: string;
  /** What it means, the same for every target. */
  note: string;
  /** Of this target; default: the one that is measured. */
  target?: Target;
}

/** A deployed target as probes see it. */
export interface Subject {
  readonly target: Target;
  readonly name: string;
  readonly machine: Machine;

  /** Runs a command inside, over a connection that is kept open, on the pinned CPUs. */
  exec(command: readonly string[], options?: ExecOptions): Promise<ExecResult>;

  /** Waits until it answers over a connection of its own. @returns seconds from the call until the answer. */
  answer(waitMs: number, signal: AbortSignal): Promise<number>;

  /** Waits until it has started all it starts by itself. */
  settle(signal: AbortSignal): Promise<void>;
}

export interface Run {
  /** From 0; warm-ups included. */
  round: number;
  quick: boolean;
  /** It runs under TCG. */
  emulated: boolean;
  /** The start probe runs too, right before each fresh one. */
  restarted: boolean;
  spec: MachineSpec;
  /** The other targets. */
  others: readonly Subject[];
  /** Uniform in [0, 1), from the comparison's seed: for an order within the run. */
  random: () => number;
  /** Aborted when the run's time is over or the user ended it: what loops or waits stops, tidies up and rejects. */
  signal: AbortSignal;
}

/** One question put to each target, as data and a function. */
export interface Probe {
  id: ProbeId | "empty";
  title: string;
  /** What it teaches, in two sentences. */
  teaches: string;
  /** Inside the target, from the host, or about its coming and going. */
  kind: ProbeResult["kind"];
  /** A negative control: a gap between container and KVM guest here means an unfair set-up. */
  control?: boolean;
  /** Debian packages that the targets' image then holds; see labs/probe-needs.ts. */
  needs: readonly string[];
  metrics: readonly Metric[];
  published: ProbeResult["published"];
  /** Runs that count, in a full and in a quick comparison; warm-ups come on top. */
  runs: { full: number; quick: number; warmups: number };
  /** Wants a machine that has just been started: runs in turn with the life-cycle probes. */
  fresh?: boolean;
  /** Seconds one run may take; its signal is aborted then. */
  timeLimit: number;
  /** Disturbs the other targets, so it comes last, alone, and with no CPU pinned. */
  alone?: boolean;

  /** @throws ProbeProblem; anything else counts as `failed`. */
  measure(subject: Subject, run: Run): Promise<Reading>;

  /** What makes a figure no good for a conclusion, for reasons of the probe's own. */
  doubt?(
    metric: Metric,
    target: Target,
    run: { emulated: readonly Target[]; vps?: RunDocument["vps"] },
  ): string | undefined;

  /** After the last run in a target: takes away what the runs left for each other. */
  cleanup?(subject: Subject): Promise<void>;
}

/** A run that gave no figure. */
export class ProbeProblem extends Error {
  override readonly name = "ProbeProblem";
  constructor(
    readonly status: Exclude<Series["status"], "ok">,
    message: string,
    /** Verbatim. */
    readonly output = "",
  ) {
    super(message);
  }
}
