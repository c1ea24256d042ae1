import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../base/errors.js";
import { randomNumbers } from "../base/random.js";
import { HostCostError } from "../drivers/machine.js";
import type { MachineSpec } from "../model/machine-spec.js";
import type { Target } from "../model/naming.js";
import { BUSY, type HostLoad } from "./host-load.js";
import { type Probe, ProbeProblem, type Reading, type Subject } from "./probe.js";
import { type Phase, plan, type Step } from "./schedule.js";
import { Tally } from "./tally.js";
import { TimeLeft } from "./time-left.js";

export interface RunnerOptions {
  probes: readonly Probe[];
  subjects: readonly Subject[];
  spec: MachineSpec;
  seed: number;
  quick: boolean;
  /** Those that run under TCG. */
  emulated: readonly Target[];
  /** Ended by Ctrl-C: the step in hand is dropped, what was measured stays. */
  signal: AbortSignal;
  /** Seconds that all of it may take; then it ends as by the signal. Default: no limit. */
  limit?: number;
  /** Seconds a run that is over gets to tidy up, before the next step and before the end. Default 60. */
  patience?: number;
  /** Before each step: the probe, the target, run i of n, and seconds left by the plan and what the steps so far took. */
  onStep(step: Step, index: number, count: number, secondsLeft: number): void;
  /** Asked before each round. */
  load(): Promise<HostLoad>;
  /** Before a phase, each target by itself: one that can't be made ready gives no figures in it. */
  prepare?(phase: Phase, target: Target, signal: AbortSignal): Promise<void>;
  /** Then, and after the phase: CPUs are pinned and let go. */
  enter?(phase: Phase): Promise<void>;
  leave?(phase: Phase): Promise<void>;
}

export interface Measured {
  tallies: Map<Probe, Tally>;
  /** Targets that ended by themselves, and what was said of it. */
  lost: Map<Target, ProbeProblem>;
  load: number[];
  /** Rounds that began on a busy host, of how many. */
  busyRounds: number;
  rounds: number;
  partial: boolean;
}

/** Two failures of one probe in one target, and it is left alone there. */
const STRIKES = 2;
/** Enough for the command in hand to reach its own bound, and for clones to be taken away. */
const PATIENCE = 60;
/** What will not be otherwise the next time. */
const FINAL = ["missing-tool", "skipped", "lost"];

/** Runs the whole plan. Never throws for what a probe or a target does: that is in the tallies. */
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
  const steps = plan(
    probes,
    subjects.map((s) => s.target),
    options,
  );
  const measured: Measured = {
    tallies: new Map(probes.map((probe) => [probe, new Tally(probe)])),
    lost: new Map(),
    load: [],
    busyRounds: 0,
    rounds: 0,
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
        await beginRound(options, measured);
      }
      if (signal.aborted) break;
      options.onStep(step, index + 1, steps.length, time.left(index));
      const ran = await runStep(step, options, measured);
      // What made its phase ready is part of it.
      time.took(index, ran ? (performance.now() - began) / 1000 : undefined);
    }
  } finally {
    if (phase !== undefined) await options.leave?.(phase);
    for (const probe of probes) {
      for (const subject of subjects) await probe.cleanup?.(subject).catch(() => {});
    }
  }
  measured.partial = signal.aborted;
  return measured;
}

/** What was measured stays, whatever becomes of a target: its steps of this phase are marked with why. */
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

/** A busy host gets a second to calm down; if it does not, the round is flagged. */
async function beginRound(options: RunnerOptions, measured: Measured): Promise<void> {
  let load = await options.load();
  if (load.busy > BUSY && !options.signal.aborted) {
    await sleep(1000);
    load = await options.load();
  }
  measured.load.push(load.average);
  measured.rounds += 1;
  if (load.busy > BUSY) measured.busyRounds += 1;
}

/** @returns whether it was tried at all. */
async function runStep(step: Step, options: RunnerOptions, measured: Measured): Promise<boolean> {
  const { probe, target, round } = step;
  const { tallies } = measured;
  const tally = tallies.get(probe);
  const subject = options.subjects.find((s) => s.target === target);
  if (tally === undefined || subject === undefined || tally.ended(target)) return false;
  // A target that was lost is not waited for again by each probe.
  const lost = measured.lost.get(target);
  if (lost && !(await subject.machine.running().catch(() => false))) {
    tally.fail(step, lost);
    tally.end(target, lost);
    return false;
  }
  const run = {
    round,
    quick: options.quick,
    emulated: options.emulated.includes(target),
    restarted: options.probes.some((p) => p.id === "start"),
    spec: options.spec,
    others: options.subjects.filter((s) => s !== subject),
    random: randomNumbers([options.seed, probe.id, target, round].join(" ")),
  };
  try {
    const reading = await within(probe, options, (signal) => probe.measure(subject, { ...run, signal }));
    if (!options.signal.aborted || !hasNoValue(reading)) tally.add(step, reading);
  } catch (error) {
    // Ctrl-C reaches the tools too: what they say then is no finding.
    if (options.signal.aborted) return true;
    const problem = await asProblem(error, subject);
    tally.fail(step, problem);
    if (problem.status === "lost") measured.lost.set(target, problem);
    if (FINAL.includes(problem.status) || tally.failures(target) >= STRIKES) tally.end(target, problem);
  }
  return true;
}

const hasNoValue = (reading: Reading): boolean => Object.keys(reading.values).length === 0;

/**
 * Past the probe's bound, or when the user ends the run, its signal is aborted and it gets the time to tidy up: what it
 * left running would be measured with the next step, and what it left behind would stay.
 *
 * @throws ProbeProblem (timeout) past the bound, even when a reading came late; what the probe itself says goes first.
 */
async function within(
  probe: Probe,
  { signal, patience = PATIENCE }: RunnerOptions,
  measure: (signal: AbortSignal) => Promise<Reading>,
): Promise<Reading> {
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

async function asProblem(error: unknown, subject: Subject): Promise<ProbeProblem> {
  if (error instanceof ProbeProblem) return error;
  if (!(await subject.machine.running().catch(() => false)))
    return new ProbeProblem("lost", `the ${subject.target} is not running any more`, messageOf(error));
  if (error instanceof HostCostError) return new ProbeProblem("skipped", error.message);
  return new ProbeProblem("failed", messageOf(error));
}
