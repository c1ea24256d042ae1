import { UserError } from "../base/errors.js";
import { interruptible } from "../base/working.js";
import { reporting, type StepEvent, type Steps } from "../model/events.js";
import type { MachineSpec } from "../model/machine-spec.js";
import { TARGETS, type Target } from "../model/naming.js";
import { formatDuration } from "../model/units.js";
import { seatFacts } from "../seats/claim-facts.js";
import { removeClones } from "../seats/clones.js";
import { withSeatLock } from "../seats/deploy-seat.js";
import { firstFacts } from "../seats/first-answer.js";
import { endOf, expiryInForce } from "../seats/lifetime.js";
import { openMachine } from "../seats/open-target.js";
import { driversOf, emulatedTargets } from "../seats/seat-drivers.js";
import { type SeatRecord, targetsOf } from "../seats/seat-record.js";
import { refuseOnSwarm } from "../seats/swarm.js";
import { verify } from "../seats/verify-parity.js";
import { Baseline, NoBaseline } from "./baseline.js";
import { compareForecast, compareTargets } from "./compare.js";
import type { Step } from "./order.js";
import type { Probe } from "./probe.js";
import type { RunDocument } from "./run-document.js";
import { SeatSubject } from "./seat-subject.js";

/** Milliseconds for a target that was started just now. */
const STARTING = 120_000;

/** Milliseconds for a guest that boots. */
const BOOTING = 300_000;

/** A busy host may take this many times as long as forecast. What is not measured by then is left out. */
const PATIENCE = 2.5;
/** The time limit is computed from at least this many seconds: one boot on a busy host may take most of a minute. */
const LEAST = 180;

export interface SeatComparison {
  spec: MachineSpec;
  probes: readonly Probe[];
  /** Seed for the order in which the probes run. Default: a random one. */
  seed: number | undefined;
  quick: boolean;
  /** trilab's own version. */
  version: string;
  /** Aborting it ends the measurement. What was measured by then is kept. */
  signal: AbortSignal;
}

/**
 * Measures a seat's targets side by side, under the seat's lock.
 *
 * @returns the run's document, and whether it was interrupted.
 * @throws UserError if none of its targets runs.
 */
export const compareSeat = (
  record: SeatRecord,
  request: SeatComparison,
): AsyncGenerator<StepEvent, { run: RunDocument; interrupted: boolean }> =>
  reporting((steps) =>
    withSeatLock(record, async () => {
      refuseOnSwarm(record, targetsOf(record), "compare");
      for (const { kind, name } of await removeClones(record))
        steps.note(`removed ${kind} ${name}, left behind by an interrupted compare`);
      const run = await measure(record, request, steps);
      return { run, interrupted: request.signal.aborted };
    }),
  );

async function measure(record: SeatRecord, request: SeatComparison, steps: Steps): Promise<RunDocument> {
  const targets = await answering(record, steps);
  const subjects = await Promise.all(targets.map((target) => SeatSubject.open(record, target)));
  const baseline = request.probes.some((probe) => probe.baseline)
    ? await openBaseline(subjects, record.user)
    : undefined;
  try {
    return await measureThese({ targets, subjects, baseline }, record, request, steps);
  } finally {
    if (baseline instanceof Baseline) await baseline.close();
  }
}

/** What is measured. */
interface Measurable {
  targets: readonly Target[];
  subjects: readonly SeatSubject[];
  baseline: Baseline | NoBaseline | undefined;
}

async function measureThese(
  { targets, subjects, baseline }: Measurable,
  record: SeatRecord,
  request: SeatComparison,
  steps: Steps,
): Promise<RunDocument> {
  const { vps } = record;
  const left = endOf(expiryInForce(record)) - Date.now();
  const emulated = await emulatedTargets(record, targets);
  const { runs, seconds } = compareForecast({
    ...request,
    targets,
    emulated,
    baseline: baseline instanceof Baseline,
  });
  const about = formatDuration(Math.ceil(seconds / 10) * 10);
  steps.note(`${runs} runs: about ${about} on a calm host with two CPUs`);
  if (left < seconds * 1000)
    steps.note(
      `the seat ends in ${formatDuration(Math.max(0, left / 1000))}, maybe before compare is done: trilab extend`,
    );
  const look = () => verify(record, request.spec, { targets, waitMs: STARTING });
  let looked = await look();
  if (looked.facts.guest?.resumed) {
    await bootGuest(record, steps, request.signal);
    looked = await look();
  }
  const { facts, parity } = looked;
  if (!parity.inTolerance) {
    const wrong = parity.rows.filter((row) => row.verdict === "wrong").map((row) => row.title);
    steps.note(`out of parity: ${wrong.join(", ")}. The affected figures are marked (see trilab parity)`);
  }
  if (baseline instanceof NoBaseline) steps.note(`the baseline is ${baseline.note}`);
  const title = `comparing ${targets.join(", ")}${request.quick ? ", quick" : ""}`;
  const seat = { lab: record.lab, seat: record.seat };
  const over = interruptible();
  try {
    return await steps.run({ step: "compare", title, seat }, async (progress) => {
      const { seed, ...rest } = request;
      return compareTargets({
        ...rest,
        ...seat,
        ...(seed === undefined ? {} : { seed }),
        subjects,
        baseline,
        parity,
        facts: await seatFacts(record, facts),
        emulated,
        drivers: driversOf(record),
        ...(vps && targets.includes("vps") ? { vps: { cloud: vps.cloud, type: vps.type } } : {}),
        limit: Math.max(seconds, LEAST) * PATIENCE,
        onStep: (step, index, count, left) => progress.update(stepText(step, index, count, left)),
      });
    });
  } finally {
    over();
  }
}

/** Restarts a guest that was resumed: its memory has more in it than a boot leaves, and nothing of its start can be measured. */
async function bootGuest(record: SeatRecord, steps: Steps, signal: AbortSignal): Promise<void> {
  const about = { step: "restart", title: "guest: restarting, as it was resumed and has not booted" };
  const seat = { lab: record.lab, seat: record.seat };
  await steps.run({ ...about, seat, machine: "guest" }, async (progress) => {
    const machine = await openMachine(record, "guest");
    await machine.stop();
    await machine.start();
    await firstFacts(record, "guest", { waitMs: BOOTING, signal }, progress);
  });
}

const openBaseline = (subjects: readonly SeatSubject[], user: string): Promise<Baseline | NoBaseline> =>
  Baseline.open(subjects, user).catch((error: unknown) => {
    if (error instanceof NoBaseline) return error;
    throw error;
  });

/** `cpu in the guest, run 41 of 180, about 2m left`. */
function stepText(step: Step, index: number, count: number, left: number): string {
  const rest = formatDuration(Math.ceil(left / 5) * 5);
  return `${step.probe.id} in the ${step.target}, run ${index} of ${count}, about ${rest} left`;
}

/** The seat's targets that run. @throws UserError if none does. */
async function answering(record: SeatRecord, steps: Steps): Promise<Target[]> {
  const up = await Promise.all(
    targetsOf(record).map(async (target) =>
      (await (await openMachine(record, target)).running()) ? target : undefined,
    ),
  );
  const targets = up.filter((target) => target !== undefined);
  const fix = `trilab up ${record.lab} --seat ${record.seat}`;
  if (targets.length === 0) {
    throw new UserError(`no target of seat "${record.seat}" is running`, {
      why: `it has: ${targetsOf(record).join(", ")}`,
      fix: `start it: ${fix}`,
    });
  }
  if (targets.length === 1) {
    const others = TARGETS.filter((t) => !targets.includes(t)).join(" or ");
    steps.note(
      `no ${others} is running, so the ${targets.join(", ")} is measured alone. To compare two: ${fix} --on container,guest`,
    );
  }
  return targets;
}
