import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../base/errors.js";
import { randomNumbers } from "../base/random.js";
import { HostCostError } from "../drivers/machine.js";
import type { MachineSpec } from "../model/machine-spec.js";
import type { Target } from "../model/naming.js";
import { TimeLeft } from "./forecast.js";
import { BUSY, type HostLoad } from "./host-load.js";
import { plan, type Step } from "./order.js";
import { type Inside, type Probe, ProbeProblem, type Reading, type Subject } from "./probe.js";
import type { Phase, Place, RunDocument } from "./run-document.js";
import { Tally } from "./tally.js";

export interface RunnerOptions {
  probes: readonly Probe[];
  subjects: readonly Subject[];
  /** A plain process on the host, for the probes that can measure it. */
  baseline?: Inside | undefined;
  spec: MachineSpec;
  seed: number;
  quick: boolean;
  /** The targets that are emulated (TCG). */
  emulated: readonly Target[];
  /** Aborted by Ctrl-C. The current step is dropped, and what was measured is kept. */
  signal: AbortSignal;
  /** Seconds for the whole run. After them it ends as if the signal were aborted. Default: no limit. */
  limit?: number;
  /** Seconds that an aborted run gets to clean up before the next step begins. Default 60. */
  patience?: number;
  /** Called before each step: the step, its number (from 1), the number of steps, and the estimated seconds left. */
  onStep(step: Step, index: number, count: number, secondsLeft: number): void;
  /** Called before each round. */
  load(): Promise<HostLoad>;
  /** Called before a phase for each target. If it fails, that target gives no figures in the phase. */
  prepare?(phase: Phase, target: Target, signal: AbortSignal): Promise<void>;
  /** Called after `prepare`, and at the end of the phase: to pin CPUs, and to undo that. */
  enter?(phase: Phase): Promise<void>;
  leave?(phase: Phase): Promise<void>;
}

export interface Measured {
  tallies: Map<Probe, Tally>;
  /** Targets that ended by themselves, and why. */
  lost: Map<Place, ProbeProblem>;
  load: number[];
  /** How many of the rounds began on a busy host. */
  busyRounds: number;
  rounds: number;
  /** The same for each phase that began: a phase can be short, and the host busy during all of it. */
  phases: NonNullable<RunDocument["host"]["phases"]>;
  partial: boolean;
}

/** After so many failures in a target, a probe is not tried there again. */
const STRIKES = 2;
/** Enough for the current command to reach its own limit, and for clones to be removed. */
const PATIENCE = 60;
/** Problems that another try can't change. */
const FINAL = ["missing-tool", "skipped", "lost"];

/** Runs the whole plan. It does not throw if a probe or a target fails; the tallies record that. */
export async function runProbes(options: RunnerOptions): Promise<Measured> {
  if (options.limit === undefined) return runPlan(options);
  const over = new AbortController();
  const end = (): void => over.abort(options.signal.reason);
  options.signal.addEventListener("abort", end, { once: true });
  if (options.signal.aborted) end();
  const timer = setTimeout(() => over.abort(), options.limit * 1000);
  try {
    return await runPlan({ ...options, signal: over.signal });
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener("abort", end);
  }
}

async function runPlan(options: RunnerOptions): Promise<Measured> {
  const { probes, subjects, signal } = options;
  const insides = insidesOf(options);
  const steps = plan(
    probes,
    insides.map((inside) => inside.target),
    options,
  );
  const measured: Measured = {
    tallies: new Map(probes.map((probe) => [probe, new Tally(probe)])),
    lost: new Map(),
    load: [],
    busyRounds: 0,
    rounds: 0,
    phases: {},
    partial: false,
  };
  const time = new TimeLeft(steps, options.emulated);
  let [phase, round] = [undefined as Phase | undefined, -1];
  try {
    for (const [index, step] of steps.entries()) {
      const began = performance.now();
      if (step.phase !== phase) {
        if (phase !== undefined) await options.leave?.(phase);
        phase = step.phase;
        round = -1;
        for (const subject of subjects)
          await prepare(
            subject,
            steps.filter((s) => s.phase === phase && s.target === subject.target),
            options,
            measured,
          );
        await options.enter?.(phase);
      }
      if (step.round !== round) {
        round = step.round;
        await beginRound(step.phase, options, measured);
      }
      if (signal.aborted) break;
      options.onStep(step, index + 1, steps.length, time.left(index));
      const ran = await runStep(step, options, measured);
      // This includes the time to prepare the phase.
      time.took(index, ran ? (performance.now() - began) / 1000 : undefined);
    }
  } finally {
    if (phase !== undefined) await options.leave?.(phase);
    for (const probe of probes) {
      for (const inside of insides)
        if (inside.target !== "baseline" || probe.baseline) await probe.cleanup?.(inside).catch(() => {});
    }
  }
  measured.partial = signal.aborted;
  return measured;
}

const insidesOf = ({ subjects, baseline }: RunnerOptions): Inside[] => [
  ...subjects,
  ...(baseline ? [baseline] : []),
];

/** If a target can't be prepared, its steps of this phase are marked with the reason. What was measured is kept. */
async function prepare(
  subject: Subject,
  steps: readonly Step[],
  options: RunnerOptions,
  { tallies }: Measured,
): Promise<void> {
  const [first] = steps;
  if (first === undefined || options.signal.aborted) return;
  try {
    await options.prepare?.(first.phase, subject.target, options.signal);
  } catch (error) {
    if (options.signal.aborted) return;
    const problem = await asProblem(error, subject);
    for (const step of steps) {
      const tally = tallies.get(step.probe);
      if (tally?.ended(subject.target)) continue;
      tally?.fail(step, problem);
      tally?.end(subject.target, problem);
    }
  }
}

/** If the host is busy, waits a second. If it is still busy, the round is counted as busy. */
async function beginRound(phase: Phase, options: RunnerOptions, measured: Measured): Promise<void> {
  let load = await options.load();
  if (load.busy > BUSY && !options.signal.aborted) {
    await sleep(1000);
    load = await options.load();
  }
  measured.load.push(load.average);
  const { busyRounds, rounds } = measured.phases[phase] ?? { busyRounds: 0, rounds: 0 };
  const busy = load.busy > BUSY ? 1 : 0;
  measured.phases[phase] = { busyRounds: busyRounds + busy, rounds: rounds + 1 };
  measured.rounds += 1;
  measured.busyRounds += busy;
}

/** @returns whether it was tried. */
async function runStep(step: Step, options: RunnerOptions, measured: Measured): Promise<boolean> {
  const { probe, target, round } = step;
  const { tallies } = measured;
  const tally = tallies.get(probe);
  const inside = insidesOf(options).find((i) => i.target === target);
  if (tally === undefined || inside === undefined || tally.ended(target)) return false;
  // Each probe would wait for a lost target again.
  const lost = measured.lost.get(target);
  if (lost && !(await inside.running().catch(() => false))) {
    tally.fail(step, lost);
    tally.end(target, lost);
    return false;
  }
  const subject = options.subjects.find((s) => s.target === target);
  const run = {
    round,
    quick: options.quick,
    emulated: options.emulated.some((t) => t === target),
    restarted: options.probes.some((p) => p.id === "start"),
    spec: options.spec,
    others: options.subjects.filter((s) => s !== subject),
    random: randomNumbers([options.seed, probe.id, target, round].join(" ")),
  };
  try {
    const reading = await within(probe, options, async (signal) =>
      subject ? probe.measure(subject, { ...run, signal }) : probe.baseline?.(inside),
    );
    if (reading === undefined) return false;
    if (!options.signal.aborted || !hasNoValue(reading)) tally.add(step, reading);
  } catch (error) {
    // Ctrl-C reaches the tools, too. What they report then is no result.
    if (options.signal.aborted) return true;
    const problem = await asProblem(error, inside);
    tally.fail(step, problem);
    if (problem.status === "lost") measured.lost.set(target, problem);
    if (FINAL.includes(problem.status) || tally.failures(target) >= STRIKES) tally.end(target, problem);
  }
  return true;
}

const hasNoValue = (reading: Reading): boolean => Object.keys(reading.values).length === 0;

/**
 * Runs a probe with its time limit. When the time is over, or when the user ends the run, the probe's signal is aborted, and
 * it gets time to clean up. Otherwise what it left running would disturb the next step.
 *
 * @throws ProbeProblem (timeout) after the limit, even if a reading comes late. A ProbeProblem of the probe itself has priority.
 */
async function within<T>(
  probe: Probe,
  { signal, patience = PATIENCE }: RunnerOptions,
  measure: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const late = new ProbeProblem("timeout", `ended after ${probe.timeLimit} s`);
  const interrupted = (): void => over.abort(signal.reason);
  signal.addEventListener("abort", interrupted, { once: true });
  const limit = setTimeout(() => over.abort(late), probe.timeLimit * 1000);
  let grace: NodeJS.Timeout | undefined;
  const givenUp = new Promise<never>((_, reject) => {
    over.signal.addEventListener("abort", () => {
      grace = setTimeout(() => reject(over.signal.reason), patience * 1000);
    });
  });
  try {
    const reading = await Promise.race([measure(over.signal), givenUp]);
    if (over.signal.reason === late) throw late;
    return reading;
  } catch (error) {
    throw over.signal.reason === late && !(error instanceof ProbeProblem) ? late : error;
  } finally {
    clearTimeout(limit);
    clearTimeout(grace);
    signal.removeEventListener("abort", interrupted);
  }
}

async function asProblem(error: unknown, inside: Inside): Promise<ProbeProblem> {
  if (error instanceof ProbeProblem) return error;
  if (!(await inside.running().catch(() => false)))
    return new ProbeProblem("lost", `the ${inside.target} is not running any more`, messageOf(error));
  if (error instanceof HostCostError) return new ProbeProblem("skipped", error.message);
  return new ProbeProblem("failed", messageOf(error));
}
