import { ExitCode, UserError } from "../base/errors.js";
import type { Progress } from "../base/progress.js";
import { resultsOf } from "../base/results-of.js";
import { type Drivers, seatInventory, startFound, stopFound } from "../drivers/drivers.js";
import { type Found, isMachine, machineIn, removalOrder, targetOf } from "../drivers/found.js";
import type { Ending } from "../drivers/stop-options.js";
import { reporting, type StepEvent, type Steps } from "../model/events.js";
import type { Target } from "../model/naming.js";
import { formatDuration } from "../model/units.js";
import { withSeatLock } from "./deploy-seat.js";
import { finishInterrupted } from "./finish-interrupted.js";
import { firstFacts } from "./first-answer.js";
import { endOf, expiryInForce } from "./lifetime.js";
import { startsNoted, stopsNoted, stopTakenBack } from "./note-stops.js";
import { isStopped, refuseForeign } from "./reconcile.js";
import { rentedAs } from "./rent-vps.js";
import { driversAt, requireAnswer } from "./seat-drivers.js";
import {
  amendRecord,
  machineOf,
  readRecord,
  rentedAt,
  type SeatMachine,
  type SeatRecord,
} from "./seat-record.js";
import { refuseOnSwarm } from "./swarm.js";

/** How long a target may take to shut down by itself, in milliseconds: an emulated guest on a busy host is slow. */
export const STOP_GRACE_MS = 120_000;

/** What is to happen to which of a seat's targets. */
export interface PowerRequest {
  targets: readonly Target[];
  /**
   * How they are stopped; absent: they are not. `graceMs`: how long one may take to shut down by itself before it is switched off;
   * default {@link STOP_GRACE_MS}.
   */
  stop?: { force?: boolean; graceMs?: number };
  /** How long one may take to answer after its start, in milliseconds; absent: they are not started. */
  start?: { waitMs: number };
  /** Aborting it ends the waiting. */
  signal?: AbortSignal;
}

/** What became of one target. */
export interface PowerResult {
  target: Target;
  /** How it ended; absent: it was not to be stopped. */
  ending?: Ending;
  /** Whether it had to be started; absent: it was not to be. */
  started?: boolean;
  seconds: number;
}

/**
 * Stops targets of a seat, starts them, or does both, all targets at once. A stopped target keeps its disk and its end, and its
 * address unless it is rented.
 *
 * @returns the seat's record, and what became of each target, in their order.
 * @throws UserError of the first target that failed, after the others are done; exit 3 if a daemon does not answer.
 */
export const power = (
  seat: SeatRecord,
  request: PowerRequest,
): AsyncGenerator<StepEvent, { record: SeatRecord; results: PowerResult[] }> =>
  reporting((steps) =>
    withSeatLock(seat, async () => {
      const record = (await readRecord(seat)) ?? seat;
      const { start, stop, targets } = request;
      refuseOnSwarm(record, targets, "stop");
      if (start) requireTime(record);
      if (stop && targets.includes("vps")) refuseSpot(record);
      const machines = record.machines.filter(({ target }) => targets.includes(target));
      const drivers = await answering(record, machines);
      refuseForeign(record, await seatInventory(record, drivers));
      // A guest that was interrupted while its memory was saved is paused, and would lose it.
      if (start || !stop?.force)
        await finishInterrupted(record, { waitMs: start?.waitMs ?? STOP_GRACE_MS }, steps);
      const inventory = await seatInventory(record, drivers);
      const there = machines.map((machine) => requireThere(record, machine, inventory));
      const notes = new Notes(record);
      // Noted before they stop: without the note, a machine that is off looks as if it had ended by itself.
      const areOn = there
        .filter(({ found }) => found.state === "running")
        .map(({ machine }) => machine.target);
      if (stop) await notes.add(stopsNoted(targets, new Date(), areOn));
      const ends = await Promise.allSettled(
        there.map(({ machine, found }) =>
          new OneTarget(machine.target, { drivers, notes, request, steps }).run(found, inventory),
        ),
      );
      return { record: await notes.record(), results: resultsOf(ends) };
    }),
  );

/** The seat's record, changed by one target after the other. */
class Notes {
  constructor(record: SeatRecord) {
    this.last = Promise.resolve(record);
  }
  private last: Promise<SeatRecord>;

  add(change: (record: SeatRecord) => SeatRecord): Promise<SeatRecord> {
    this.last = this.last.then((record) => amendRecord(record, change));
    return this.last;
  }

  record(): Promise<SeatRecord> {
    return this.last;
  }
}

/** What all targets share. */
interface Shared {
  drivers: Drivers;
  notes: Notes;
  request: PowerRequest;
  steps: Steps;
}

/** One target's way through the request. */
class OneTarget {
  constructor(
    private readonly target: Target,
    private readonly shared: Shared,
  ) {}

  async run(machine: Found, inventory: readonly Found[]): Promise<PowerResult> {
    const { start, stop } = this.shared.request;
    const began = performance.now();
    const own = inventory.filter((found) => targetOf(found) === this.target);
    const ending = stop && (await this.step("stop", "stopping", (progress) => this.stop(machine, progress)));
    const off = own.filter((found) => needsStart(found) || (ending !== undefined && found === machine));
    const started =
      start && (await this.step("start", "starting", (progress) => this.start(off, start.waitMs, progress)));
    return {
      target: this.target,
      ...(ending === undefined ? {} : { ending }),
      ...(started === undefined ? {} : { started }),
      seconds: (performance.now() - began) / 1000,
    };
  }

  private async step<T>(step: string, doing: string, work: (progress: Progress) => Promise<T>): Promise<T> {
    const { lab, seat } = await this.shared.notes.record();
    const about = { step, title: `${this.target}: ${doing}`, seat: { lab, seat }, machine: this.target };
    return this.shared.steps.run(about, work);
  }

  private async stop(machine: Found, progress: Progress): Promise<Ending> {
    const { signal, stop: { force = false, graceMs = STOP_GRACE_MS } = {} } = this.shared.request;
    const ending = await stopFound(machine, this.shared.drivers, { force, graceMs, signal }).catch(
      async (error: unknown) => {
        await this.takeBackStop(machine).catch(() => {}); // The first error says more.
        throw error;
      },
    );
    if (ending === "forced" && !force) progress.note(`${this.target}: ${forcedWords(machine, graceMs)}`);
    return ending;
  }

  /** A target that goes on running must not be noted as stopped: a rented one goes on costing. */
  private async takeBackStop(machine: Found): Promise<void> {
    const { drivers, notes } = this.shared;
    const now = machineIn(await seatInventory(await notes.record(), drivers), machine);
    if (now?.state === "running") await notes.add(stopTakenBack(this.target));
  }

  /** @returns whether anything had to be started. */
  private async start(off: readonly Found[], waitMs: number, progress: Progress): Promise<boolean> {
    const { drivers, notes, request } = this.shared;
    // The network first: a guest does not start without it.
    for (const found of removalOrder(off).reverse()) await startFound(found, drivers);
    const record = await notes.record();
    const machine = machineOf(record, this.target);
    const now = machine && machineIn(await seatInventory(record, drivers), machine);
    if (now?.state !== "running") throw notStarted(record, this.target, now);
    const { address, id } = now;
    const wasOff = off.some(isMachine);
    await notes.add(startsNoted([this.target], new Date(), wasOff ? [this.target] : []));
    const rented = address === undefined ? undefined : rentedAs(address, id, new Date());
    const current = rented ? await notes.add(rented) : await notes.record();
    await firstFacts(current, this.target, { waitMs, signal: request.signal }, progress);
    return off.length > 0;
  }
}

/** Whether it must be started. One that is stopping must be, once it is off. */
const needsStart = (found: Found): boolean => isStopped(found) || found.state === "stopping";

function forcedWords({ kind }: Found, graceMs: number): string {
  const limit = formatDuration(graceMs / 1000);
  return kind === "container"
    ? `not all of its processes ended within ${limit}: those that were left were killed`
    : `it did not shut down within ${limit} of pressing its power button, and was switched off: what it had not written to its disk is lost`;
}

/** Drivers of the endpoints that have these machines. @throws UserError (exit 3) when one does not answer. */
async function answering(record: SeatRecord, machines: readonly SeatMachine[]): Promise<Drivers> {
  const endpoints = machines.map(({ endpoint }) => endpoint);
  await Promise.all(endpoints.map((endpoint) => requireAnswer(record, endpoint)));
  return driversAt(endpoints);
}

/** @throws UserError when the machine does not exist. */
function requireThere(
  record: SeatRecord,
  machine: SeatMachine,
  inventory: readonly Found[],
): { machine: SeatMachine; found: Found } {
  const found = machineIn(inventory, machine);
  if (found !== undefined && found.state !== "shutting-down") return { machine, found };
  throw new UserError(`the ${machine.target} of seat "${record.seat}" is gone`, {
    why: `there is no ${machine.name} any more`,
    fix: `make it again: trilab up ${record.lab} --seat ${record.seat}`,
  });
}

/** @throws UserError when the seat's time is up: what is started would end within a minute. */
function requireTime(record: SeatRecord): void {
  if (endOf(expiryInForce(record)) > Date.now()) return;
  throw new UserError(`the time of seat "${record.seat}" is up`, {
    why: "a machine that is started now would end itself within a minute",
    fix: `give it more time, which starts it too: trilab up ${record.lab} --seat ${record.seat}`,
  });
}

/** @throws UserError (exit 2) when the VPS is a spot instance. */
function refuseSpot(record: SeatRecord): void {
  if (rentedAt(record) === undefined || record.vps?.spot !== true) return;
  throw new UserError(`the vps of seat "${record.seat}" can't be stopped`, {
    why: "it is a spot instance, which AWS can only terminate",
    fix: "leave it running, restart it from inside (trilab ssh vps --root -- reboot), or remove the seat: trilab down",
    exitCode: ExitCode.usage,
  });
}

function notStarted(record: SeatRecord, target: Target, found: Found | undefined): UserError {
  return new UserError(`the ${target} of seat "${record.seat}" did not start`, {
    why: `it is ${found?.state ?? "gone"}`,
    fix: `repair and start it: trilab up ${record.lab} --seat ${record.seat}`,
  });
}
