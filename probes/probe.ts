import type { ExecOptions, ExecResult } from "../drivers/environment.js";
import type { Machine } from "../drivers/machine.js";
import type { ProbeId } from "../labs/probe-needs.js";
import type { MachineSpec } from "../model/machine-spec.js";
import type { Target } from "../model/naming.js";
import type { Place, ProbeResult, Resource, RunDocument, Series } from "./run-document.js";

/** One figure that a probe measures. */
export interface Metric {
  /** Stable: `total`, `read-qd1`. */
  id: string;
  title: string;
  /** `s`, `us`, `MiB`, `1/s`, `%`, `1`; see run-document.ts. */
  unit: string;
  better: Series["better"];
  /**
   * What the figure depends on. If a guest is emulated, its `cpu` figures say nothing about a real guest. A busy host does
   * not change `size` figures.
   */
  bound: "cpu" | "time" | "size";
}

/** The result of one run of a probe in one target. */
export interface Reading {
  /** One sample or several for each metric. Metrics that do not apply to the target are absent. */
  values: Readonly<Record<string, number | readonly number[]>>;
  /** For metrics that say how many fit: the resource that runs out first. */
  limits?: Readonly<Record<string, Resource>>;
  /** Metric → why its value in this run says less than it should: the metric is then not representative in this target. */
  doubts?: Readonly<Record<string, string>>;
  facts?: readonly FoundFact[];
  /** The tool's output, unchanged. */
  output: string;
}

export interface FoundFact {
  title: string;
  value: string;
  /** What it means; the same for every target. */
  note: string;
  /** The value is `yes` or `no`, and is shown as a tick or a cross. */
  ticks?: boolean;
  /** The id of the metric that it is about, if it is about one. */
  metric?: string;
  /** The target that it describes. Default: the one that is measured. */
  target?: Target;
}

/** A place in which commands can be measured: a target, or the baseline. */
export interface Inside {
  readonly target: Place;

  /** Runs a command inside, over a connection that is kept open, on the pinned CPUs. */
  exec(command: readonly string[], options?: ExecOptions): Promise<ExecResult>;

  running(): Promise<boolean>;
}

/** A deployed target, as probes see it. */
export interface Subject extends Inside {
  readonly target: Target;
  readonly name: string;
  readonly machine: Machine;
  /** Its IP address, if it has one of its own. */
  readonly address: string | undefined;

  /** Waits until it answers over a new connection. @returns seconds from the call until the answer. */
  answer(waitMs: number, signal: AbortSignal): Promise<number>;

  /** Waits until it has finished starting. */
  settle(signal: AbortSignal): Promise<void>;
}

export interface Run {
  /** From 0, warm-ups included. */
  round: number;
  quick: boolean;
  /** The target is emulated (TCG). */
  emulated: boolean;
  /** The start probe also runs, right before each `fresh` probe. */
  restarted: boolean;
  spec: MachineSpec;
  /** The other targets. */
  others: readonly Subject[];
  /** Uniform in [0, 1), from the comparison's seed: for a random order within the run. */
  random: () => number;
  /** Aborted when the run's time is over, or by the user. Whatever loops or waits then stops, cleans up and rejects. */
  signal: AbortSignal;
}

/** One measurement, the same for each target: data and a function. */
export interface Probe {
  id: ProbeId | "empty";
  title: string;
  /** What it teaches, in two sentences. */
  teaches: string;
  /** Measured inside the target, from the host, or by starting and stopping it. */
  kind: ProbeResult["kind"];
  /** A negative control: a difference between container and KVM guest here means that the measurement is unfair. */
  control?: boolean;
  /** Debian packages that must be in the image; see labs/probe-needs.ts. */
  needs: readonly string[];
  metrics: readonly Metric[];
  published: ProbeResult["published"];
  /** How many runs count, in a full and in a quick comparison. Warm-ups are extra. */
  runs: { full: number; quick: number; warmups: number };
  /** Needs a machine that has just started, so it runs together with the life-cycle probes. */
  fresh?: boolean;
  /** Takes long, so a quick comparison leaves it out unless it is named. */
  slow?: boolean;
  /** Seconds that one run may take. Then its signal is aborted. */
  timeLimit: number;
  /** Disturbs the other targets, so it runs last and alone, and no CPU is pinned. */
  alone?: boolean;

  /** @throws ProbeProblem. Any other error counts as `failed`. */
  measure(subject: Subject, run: Run): Promise<Reading>;

  /** Measures the baseline, too: a plain process on the host. Only for probes that need nothing but commands inside. */
  baseline?(inside: Inside): Promise<Reading>;

  /** Why a figure is not representative, if the probe itself knows a reason. */
  doubt?(
    metric: Metric,
    target: Place,
    run: { emulated: readonly Target[]; vps?: RunDocument["vps"] },
  ): string | undefined;

  /** Called after the last run in a target: removes what the runs left there. */
  cleanup?(inside: Inside): Promise<void>;
}

/** Why a run gave no figure. */
export class ProbeProblem extends Error {
  override readonly name = "ProbeProblem";
  constructor(
    readonly status: Exclude<Series["status"], "ok">,
    message: string,
    /** The tool's output, unchanged. */
    readonly output = "",
  ) {
    super(message);
  }
}
