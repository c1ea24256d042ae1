import { randomInt } from "node:crypto";
import type { Drivers } from "../drivers/drivers.js";
import { RentedMachine } from "../drivers/ec2/rented-machine.js";
import { isOnThisHost } from "../drivers/machine.js";
import type { MachineSpec } from "../model/machine-spec.js";
import type { Target } from "../model/naming.js";
import type { SeatFacts } from "../seats/claim-facts.js";
import type { ParityReport } from "../seats/parity.js";
import { Baseline, type NoBaseline } from "./baseline.js";
import { planSeconds } from "./forecast.js";
import { hostFacts } from "./host-facts.js";
import { busyNote, hostLoad } from "./host-load.js";
import { phaseOf, plan } from "./order.js";
import { emptyFirst } from "./overhead.js";
import type { Metric, Probe } from "./probe.js";
import { type Phase, type Place, RUN_SCHEMA, type RunDocument } from "./run-document.js";
import { type RunnerOptions, runProbes } from "./runner.js";
import type { SeatSubject } from "./seat-subject.js";
import type { Doubt } from "./tally.js";

export interface CompareOptions {
  lab: string;
  seat: string;
  spec: MachineSpec;
  subjects: readonly SeatSubject[];
  /** A plain process on the host, or why it can't be measured. Absent: no probe needs it. */
  baseline?: Baseline | NoBaseline | undefined;
  probes: readonly Probe[];
  parity: ParityReport;
  facts: SeatFacts;
  /** What the VPS is. */
  vps?: RunDocument["vps"];
  /** The targets that are emulated (TCG). */
  emulated: readonly Target[];
  quick: boolean;
  /** Seed for the order. Default: a random one. The document records it. */
  seed?: number;
  /** The daemons that run the subjects. */
  drivers: Drivers;
  /** trilab's own version. */
  version: string;
  signal: AbortSignal;
  /** Measuring stops after this many seconds, and the document is then partial. Default: no limit. */
  limit?: number;
  onStep: RunnerOptions["onStep"];
}

/** How many runs a comparison has, and how many seconds they should take. Pure. */
export function compareForecast(of: {
  probes: readonly Probe[];
  targets: readonly Target[];
  emulated: readonly Target[];
  quick: boolean;
  /** Default: false. */
  baseline?: boolean;
}): { runs: number; seconds: number } {
  const places = of.baseline ? [...of.targets, "baseline" as const] : of.targets;
  const steps = plan(emptyFirst(of.probes), places, { seed: 0, quick: of.quick });
  return { runs: steps.length, seconds: planSeconds(steps, of.emulated) };
}

/** Measures a seat's targets and returns the run's document. Afterwards all targets run, as before. */
export async function compareTargets(options: CompareOptions): Promise<RunDocument> {
  const { subjects, spec } = options;
  const seed = options.seed ?? randomInt(2 ** 31);
  const started = new Date();
  const facts = await hostFacts(options.version, options.drivers);
  const probes = emptyFirst(options.probes);
  const cpus = Array.from({ length: Math.min(spec.cpus, facts.cpus) }, (_, i) => facts.cpus - 1 - i).sort();
  const before = await hostLoad(cpus);
  const baseline = options.baseline instanceof Baseline ? options.baseline : undefined;
  let pinned = false;
  try {
    const measured = await runProbes({
      ...options,
      baseline,
      probes,
      seed,
      load: () => hostLoad(cpus),
      prepare: async (phase, target, signal) => {
        const subject = subjects.find((s) => s.target === target);
        if (phase === "life-cycle" || subject === undefined) return;
        await subject.machine.start();
        await subject.answer(180_000, signal);
        await subject.settle(signal);
      },
      enter: async (phase) => {
        if (phase === "target") pinned = await pinAll(subjects, cpus);
        if (pinned) baseline?.pin(cpus);
      },
      leave: async () => {
        baseline?.pin([]);
        await releaseAll(subjects);
      },
    });
    const { busyRounds, phases, rounds } = measured;
    const busy = (phase: Phase): string | undefined => {
      const counted = phases[phase];
      return counted && busyNote({ phases: { [phase]: counted } });
    };
    const elsewhere = hostsElsewhere(subjects);
    const doubt = doubts({ ...options, busy, apart: areApart(subjects) });
    const results = [...measured.tallies].map(([probe, tally]) => ({ probe, tally }));
    return {
      schema: RUN_SCHEMA,
      id: runId(started, options),
      startedAt: started.toISOString(),
      endedAt: new Date().toISOString(),
      partial: measured.partial,
      quick: options.quick,
      seed,
      lab: options.lab,
      seat: options.seat,
      spec: { ...spec },
      targets: subjects.map((s) => s.target),
      ...(options.vps ? { vps: options.vps } : {}),
      ...(options.baseline
        ? { baseline: { measured: baseline !== undefined, note: options.baseline.note } }
        : {}),
      emulated: options.emulated.length > 0,
      ...(elsewhere ? { elsewhere } : {}),
      host: {
        ...facts,
        loadBefore: before.average,
        load: measured.load,
        busyRounds,
        rounds,
        phases,
        pinned,
      },
      parity: options.parity,
      facts: options.facts,
      overhead: results
        .filter(({ probe }) => probe.id === "empty")
        .flatMap(({ tally }) => tally.series(doubt)),
      probes: results
        .filter(({ probe }) => probe.id !== "empty")
        .map(({ tally }) => tally.result(doubt, measured.partial)),
    };
  } finally {
    // The run may have ended between stop and start.
    for (const subject of subjects) await subject.machine.start().catch(() => {});
  }
}

/** Pins all targets on this host, or none: pinned and unpinned targets can't be compared. @returns whether all are pinned. */
async function pinAll(subjects: readonly SeatSubject[], cpus: readonly number[]): Promise<boolean> {
  const here = subjects.filter(({ machine }) => isOnThisHost(machine));
  const pins = await Promise.all(here.map((subject) => subject.pin(cpus).catch(() => false)));
  if (pins.length > 0 && pins.every(Boolean)) return true;
  await releaseAll(subjects);
  return false;
}

const releaseAll = async (subjects: readonly SeatSubject[]): Promise<void> => {
  // Pinning ends with the machine, so a machine that is gone needs nothing.
  for (const subject of subjects) await subject.release().catch(() => {});
};

/** The subjects whose host is one that seats run on; a rented machine's host is its provider's. */
const hosted = (subjects: readonly SeatSubject[]): readonly SeatSubject[] =>
  subjects.filter(({ machine }) => !(machine instanceof RentedMachine));

/** The hosts of the targets that run on another one than this; `undefined` if none does. */
function hostsElsewhere(subjects: readonly SeatSubject[]): RunDocument["elsewhere"] {
  const others = hosted(subjects).filter(({ machine }) => !isOnThisHost(machine));
  if (others.length === 0) return undefined;
  return Object.fromEntries(others.map(({ machine, target }) => [target, machine.host]));
}

const areApart = (subjects: readonly SeatSubject[]): boolean =>
  new Set(hosted(subjects).map(({ machine }) => machine.host)).size > 1;

/** Sorts by time: `2026-11-21T03-45-00Z-first-boot-alice`. */
const runId = (at: Date, { lab, seat }: { lab: string; seat: string }): string =>
  `${at.toISOString().slice(0, 19).replaceAll(":", "-")}Z-${lab}-${seat}`;

/** Decides why a figure is not representative: emulation, parity, a busy host, different hosts. Pure. */
export function doubts(run: {
  emulated: readonly Target[];
  /** The targets are on different hosts. Default false. */
  apart?: boolean;
  vps?: RunDocument["vps"];
  parity: ParityReport;
  /** That the host was busy in a phase, in words. */
  busy(phase: Phase): string | undefined;
}): Doubt {
  const wrong = run.parity.rows.filter((row) => row.verdict === "wrong").map((row) => row.id);
  return (probe: Probe, metric: Metric, target: Place) => {
    if (run.emulated.some((t) => t === target) && metric.bound === "cpu") return "emulated, without KVM";
    const own = probe.doubt?.(metric, target, run);
    if (own !== undefined) return own;
    if (target === "baseline") return run.busy(phaseOf(probe));
    const concerned = wrong.filter((row) => concerns(row, probe, metric));
    if (concerned.length > 0) return `the targets are out of parity: ${concerned.join(", ")}`;
    if (run.apart && metric.bound !== "size") return "the targets run on different hosts";
    return metric.bound === "size" ? undefined : run.busy(phaseOf(probe));
  };
}

/** Whether a parity row affects a figure. Different packages or another release may change anything. */
function concerns(row: string, probe: Probe, metric: Metric): boolean {
  if (row === "cpus") return metric.bound !== "size";
  if (row === "memory" || row === "swap") return ["memory", "duel", "density"].includes(probe.id);
  return row !== "clock";
}
