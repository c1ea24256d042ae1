import { ExitCode, UserError } from "../base/errors.js";
import { Once } from "../base/once.js";
import { resultsOf } from "../base/results-of.js";
import { type Drivers, driverWords } from "../drivers/drivers.js";
import { type Engine, ensureEngine, type UpResult } from "../engine/index.js";
import { requireCapacity, requireStateSpace } from "../hosts/capacity.js";
import { ensureImage } from "../images/index.js";
import { reporting, type StepEvent, type Steps } from "../model/events.js";
import type { Target } from "../model/naming.js";
import type { SeatSettings } from "../stacks/seat.js";
import { deployedNow, isAsDeployed } from "./as-deployed.js";
import { type DeployOptions, deploySeat, loadProgram, withSeatLock } from "./deploy-seat.js";
import { earlyFacts } from "./early-facts.js";
import { ensureHost } from "./ensure-host.js";
import { finishInterrupted, interruptedTargets } from "./finish-interrupted.js";
import { firstFacts } from "./first-answer.js";
import { revived } from "./lifetime.js";
import type { Facts } from "./machine-facts.js";
import { startsNoted } from "./note-stops.js";
import type { ParityReport } from "./parity.js";
import type { SeatPlan } from "./plan.js";
import { builtImages, prepareRecord, seatSettings } from "./prepare-seat.js";
import { withAddress } from "./rent-vps.js";
import { holdType } from "./resize-rented.js";
import { resumeGuest } from "./resume-guest.js";
import {
  amendRecord,
  type Deployed,
  readRecord,
  type SeatRecord,
  targetsOf,
  writeRecord,
} from "./seat-record.js";
import { isOnSwarm } from "./swarm.js";
import { parityOf } from "./verify-parity.js";

export { loadProgram };

export interface UpOptions {
  /** How long a machine may take to answer, in milliseconds. */
  waitMs: number;
  /** Whether machines and disks may be replaced, and their contents lost. Default false. */
  replace?: boolean;
  /** Whether a guest that is made goes on from a golden guest instead of booting. Default false. */
  resume?: boolean;
  /** Ends the operation after the engine's current steps. */
  signal?: AbortSignal;
  /** The existing seat's facts, if the caller has begun to read them. Default: they are read. */
  early?: Promise<Facts[] | undefined> | undefined;
  /** What this seat shares with others that come up in the same process: see seats-at-once.ts. Default: nothing. */
  shared?: Once;
}

/** How a seat came up. */
export interface Brought {
  /** With the address that a rented machine got. */
  record: SeatRecord;
  /** How many resources were created, updated, …, in Pulumi's words. */
  changes: Record<string, number>;
  /** What was repaired without the engine, in words. */
  mended: string[];
  /** Nothing was created, changed or repaired. */
  unchanged: boolean;
  /** Its guests run without KVM. */
  emulated: boolean;
  /** The seat's time was up, and it got more. */
  renewed: boolean;
  parity: ParityReport;
}

/**
 * Starts a seat as planned, on hosts that are ready: engine, image, host, machines, and their first answers. A seat that
 * is as the last `up` left it needs only the answers.
 *
 * @throws UserError as its parts do.
 */
export const bringUp = (plan: SeatPlan, options: UpOptions): AsyncGenerator<StepEvent, Brought> =>
  reporting(async (steps) => {
    if (plan.existing) await finishFirst(plan.existing, options, steps);
    // A running seat's facts are read while we look for changes, and are used if there are none.
    const early = options.early ?? (plan.existing && earlyFacts(plan.existing));
    await requireStateSpace();
    const { drivers, existing, lab, targets } = plan;
    const { shared = new Once() } = options;
    const grows = targets.some((target) => !(existing && targetsOf(existing).includes(target)));
    // An existing seat keeps what it has, even if its lab has changed.
    if (grows) await requireCapacity(lab.machine, drivers, shared);
    const finish = async (
      { asItWas, ...deployed }: Deployment & { asItWas: boolean },
      { renewed }: Prepared,
    ): Promise<Brought> => {
      const { record } = deployed;
      // A Swarm that made the container anew leaves the engine nothing to do, but it has its first end again.
      const isKept = asItWas || !targetsOf(record).some((target) => isOnSwarm(record, target));
      // Targets are only added, after the existing ones; adding one takes an engine step.
      const facts = deployed.unchanged && isKept && !renewed ? await early : undefined;
      let parity = facts && parityNow(plan, record, facts);
      if (!parity?.inTolerance)
        parity = parityNow(plan, record, await firstFactsOfAll(record, options, steps));
      return { ...deployed, renewed, parity };
    };
    if (existing?.deployed && !grows) {
      const unchanged = await withSeatLock(plan.id, async () => {
        const prepared = await prepare(plan, shared);
        const deployed = await asItIs(plan, prepared, shared);
        if (deployed === undefined) return undefined;
        tellOfEnd(plan, prepared, steps);
        return finish({ ...deployed, asItWas: true }, prepared);
      });
      if (unchanged) return unchanged;
    }
    const needs = JSON.stringify([Object.keys(drivers), plan.images]);
    const engine = await shared.get(`engine and images ${needs}`, () => engineAndImages(plan, steps));
    return withSeatLock(plan.id, async () => {
      const prepared = await prepare(plan, shared);
      tellOfEnd(plan, prepared, steps);
      const { settings, ...deployed } = await deploy(plan, prepared, engine, { ...options, shared }, steps);
      const look = (): Promise<Deployed | undefined> => deployedNow(deployed.record, settings, drivers);
      // The daemons are asked while the machines start; a machine that was resized is given its size then.
      const isResized = deployed.record.machines.some(({ size }) => size !== undefined);
      const meanwhile = isResized ? undefined : look();
      const brought = await finish({ ...deployed, asItWas: false }, prepared);
      await remember(brought, await (meanwhile ?? look()));
      return brought;
    });
  });

/** Finishes an interrupted change of the seat's machines. If that is not possible, the engine makes what is missing. */
async function finishFirst(record: SeatRecord, { waitMs }: UpOptions, steps: Steps): Promise<void> {
  const interrupted = await interruptedTargets(record);
  if (interrupted.length === 0) return;
  try {
    await withSeatLock(record, () => finishInterrupted(record, { waitMs }, steps));
  } catch (error) {
    if (!(error instanceof UserError) || error.exitCode !== ExitCode.failed) throw error;
    steps.note(`${interrupted.join(" and ")}: what was interrupted can't be finished: ${error.message}`, {
      lab: record.lab,
      seat: record.seat,
    });
  }
}

/** How a seat was deployed. */
type Deployment = Omit<Brought, "renewed" | "parity">;

/** The deployment of a seat that is as the last `up` left it; `undefined` when the engine must run. */
async function asItIs(
  { drivers, lab }: SeatPlan,
  { record, renewed }: Prepared,
  shared: Once,
): Promise<Deployment | undefined> {
  if (renewed) return undefined;
  const settings = await seatSettings(record, lab, shared);
  const now = await deployedNow(record, settings, drivers);
  if (!isAsDeployed(record.deployed, now)) return undefined;
  const changes = { same: now.resources };
  return { record, changes, mended: [], unchanged: true, emulated: isEmulated(drivers, settings) };
}

/** Saves what was deployed, and the new end: only now, because the machines must have their new end first. */
async function remember({ record, renewed }: Brought, now: Deployed | undefined): Promise<void> {
  // The rest is kept as it is on disk: the deployment may have saved the accelerator there.
  const { deployed: _, ...kept } = (await readRecord(record)) ?? record;
  const { extendedTo, labThen } = record;
  await writeRecord({
    ...kept,
    ...(renewed && extendedTo !== undefined ? { extendedTo } : {}),
    ...(renewed && labThen ? { labThen } : {}),
    ...(now ? { deployed: now } : {}),
  });
}

/** Prepares engine and images, once per machine; both at once, because each sometimes waits for the network. */
async function engineAndImages({ drivers, images }: SeatPlan, steps: Steps): Promise<Engine> {
  const { docker, libvirt, ec2 } = drivers;
  const wanted = { docker: docker !== undefined, libvirt: libvirt !== undefined, aws: ec2 !== undefined };
  const ends = await Promise.allSettled([
    steps.run({ step: "engine", title: "engine: Pulumi and its providers" }, (progress) =>
      ensureEngine({ progress, ...wanted }),
    ),
    images.length === 0
      ? undefined
      : steps.run({ step: "image", title: "image: one root file system for all" }, async (progress) => {
          // One after the other, because each build uses every CPU.
          for (const spec of images) await ensureImage(spec, { progress });
        }),
  ]);
  const [engine] = resultsOf(ends);
  return engine;
}

/** A seat's record for this `up`. */
interface Prepared {
  record: SeatRecord;
  /** Made just now, after the daemons had said that nothing of the seat exists. */
  isNew: boolean;
  /** It got a new lease. */
  renewed: boolean;
}

/** The seat's record: existing, new, or with more time if its time was up. */
async function prepare({ id, lab, request, ttl }: SeatPlan, shared: Once): Promise<Prepared> {
  const isNew = (await readRecord(id)) === undefined;
  const record = await prepareRecord(request, shared);
  const revival = revived(record, ttl, Date.now());
  const renewed =
    revival?.labThen === undefined
      ? revival
      : { ...revival, labThen: { ...revival.labThen, ttl: lab.ttl ?? null } };
  return { record: renewed ?? record, isNew, renewed: renewed !== undefined };
}

function tellOfEnd({ existing, id, request }: SeatPlan, { renewed }: Prepared, steps: Steps): void {
  if (renewed) steps.note(`seat ${id.seat} had expired; it gets new time`, id);
  else if (existing && request.ttl !== undefined)
    steps.note(`seat ${id.seat} keeps its end; to move it: trilab extend`, id);
}

async function deploy(
  { drivers, id, lab }: SeatPlan,
  { isNew, record }: Prepared,
  engine: Engine,
  { replace, resume, shared, signal, waitMs }: UpOptions & { shared: Once },
  steps: Steps,
): Promise<Deployment & { settings: SeatSettings }> {
  const settled = seatSettings(record, lab, shared);
  settled.catch(() => {}); // If the images fail, that is the error.
  if (drivers.docker || drivers.libvirt)
    await shared.get(`images ${record.image} ${record.vps?.image} at ${driverWords(drivers)}`, () =>
      steps.run({ step: "host", title: "host: image and storage" }, async (progress) => {
        for (const { image, daemons } of await builtImages(record, lab, progress))
          await ensureHost(image, daemons, progress, signal);
      }),
    );
  const title = `seat ${record.seat}: ${targetsOf(record).join(" and ")}`;
  return steps.run({ step: "deploy", title, seat: id }, async (progress) => {
    const settings = await settled;
    if (await holdType(record))
      progress.note(`the vps has become a ${record.vps?.type}, as resize had chosen`);
    const options: DeployOptions = {
      ...{ drivers, engine, progress, replace: replace === true, vacant: isNew },
      ...(signal ? { signal } : {}),
    };
    const { changes, mended, outputs, started, steps: taken } = await deploySeat(settings, options);
    if (resume && drivers.libvirt && hasNewDisk(taken))
      await resumeGuest(record, drivers.libvirt, { steps, progress, waitMs, signal });
    const running = await amendRecord(record, startsNoted(targetsOf(record), new Date(), started));
    return {
      record: await withAddress(running, outputs),
      settings,
      changes,
      mended,
      unchanged: taken.length === 0 && mended.length === 0,
      emulated: isEmulated(drivers, settings),
    };
  });
}

/**
 * Whether the engine has just made the guest's disk. Nothing else may be replaced by a golden guest's: another command may have brought
 * the seat up since it was planned, and somebody may work in it.
 */
const hasNewDisk = (steps: UpResult["steps"]): boolean =>
  steps.some(({ op, urn }) => op === "create" && urn.endsWith("-guest-disk"));

const isEmulated = ({ libvirt }: Drivers, { accelerator }: SeatSettings): boolean =>
  libvirt !== undefined && accelerator === "tcg";

/** Each target's facts, after it has started. */
async function firstFactsOfAll(
  record: SeatRecord,
  { signal, waitMs }: UpOptions,
  steps: Steps,
): Promise<Facts[]> {
  const seat = { lab: record.lab, seat: record.seat };
  const answer = (target: Target): Promise<Facts> =>
    steps.run(
      { step: "answer", title: `${target}: waiting for its answer`, seat, machine: target },
      (progress) => firstFacts(record, target, { waitMs, signal }, progress),
    );
  return resultsOf(await Promise.allSettled(targetsOf(record).map(answer)));
}

/** Whether the targets are as the lab says, and match. */
const parityNow = ({ lab }: SeatPlan, record: SeatRecord, facts: Facts[]): ParityReport =>
  parityOf(record, lab.machine, Object.fromEntries(targetsOf(record).map((target, i) => [target, facts[i]])));
