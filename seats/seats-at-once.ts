import { availableParallelism } from "node:os";
import { ExitCode, UserError } from "../base/errors.js";
import { Once } from "../base/once.js";
import { pace } from "../base/pace.js";
import { type Ended, sideBySide } from "../base/side-by-side.js";
import { interruptible } from "../base/working.js";
import { type Drivers, driverWords } from "../drivers/drivers.js";
import { reporting, type StepEvent, type Steps, settled } from "../model/events.js";
import type { SeatId } from "../model/naming.js";
import type { AskOptions } from "./daemons-to-search.js";
import { takeDown } from "./down.js";
import type { SeatPlan } from "./plan.js";
import type { Receipt } from "./receipt.js";
import { driversOf } from "./seat-drivers.js";
import { readRecord } from "./seat-record.js";
import { type Brought, bringUp, type UpOptions } from "./up.js";

/** The result of one of several seats. `not begun`: the operation was aborted before it. */
export type SeatEnd<T> = SeatId & Ended<T>;

export interface ManyOptions {
  /** How many seats are handled at once. Default {@link defaultWorkers}. */
  workers?: number;
  /** If it is aborted, no other seats are begun. Those that have been begun are finished. */
  signal?: AbortSignal;
}

/**
 * Four for each CPU, because a seat mostly waits for its engine's start and for its daemon; at most eight, because each runs
 * an engine: 110 MiB for a container, 200 MiB for a guest.
 */
export const defaultWorkers = (): number => Math.min(4 * availableParallelism(), 8);

/**
 * Starts several seats side by side in this process. They share what is the same for all: SDK, engine and image checks,
 * and each host's images and capacity. The failure of one seat, or of a host, does not touch the others.
 *
 * @returns how each seat ended, in the plans' order.
 */
export const bringUpMany = (
  plans: readonly SeatPlan[],
  { signal, workers, ...options }: Omit<UpOptions, "signal" | "shared"> & ManyOptions,
): AsyncGenerator<StepEvent, SeatEnd<Brought>[]> =>
  many(plans, { signal, workers }, (plan, shared) => ({
    id: plan.id,
    drivers: plan.drivers,
    run: async (steps) => {
      await requireAnswers(plan.drivers);
      return settled(bringUp(plan, { ...options, shared }), steps.pass);
    },
  }));

/**
 * Removes several seats side by side in this process, each as {@link takeDown} does.
 *
 * @returns how each seat ended, in the order of `ids`. A seat whose host does not answer has failed, and stays on record.
 */
export async function* takeDownMany(
  ids: readonly SeatId[],
  { signal, workers, ...options }: Pick<AskOptions, "chosen" | "byLabel" | "hostGone"> & ManyOptions,
): AsyncGenerator<StepEvent, SeatEnd<Receipt>[]> {
  const seats = await Promise.all(
    ids.map(async (id) => {
      const record = await readRecord(id).catch(() => undefined); // takeDown tells of a damaged one.
      return { id, drivers: record ? driversOf(record) : {} };
    }),
  );
  return yield* many(seats, { signal, workers }, ({ drivers, id }) => ({
    id,
    drivers,
    run: (steps) => settled(takeDown(id, options), steps.pass),
  }));
}

/**
 * AWS refuses requests beyond a rate of each kind: two RunInstances a second, five of another kind that changes something
 * (https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html). Of most kinds, a seat makes one or two.
 */
export const RENTALS_PER_SECOND = 1;

/** The step that encloses all steps of one seat. */
export const SEAT_STEP = "seat";

/** One seat of several. */
interface Task<T> {
  id: SeatId;
  drivers: Drivers;
  run: (steps: Steps) => Promise<T>;
}

const many = <I, T>(
  items: readonly I[],
  { signal, workers = defaultWorkers() }: { signal: AbortSignal | undefined; workers: number | undefined },
  taskOf: (item: I, shared: Once) => Task<T>,
): AsyncGenerator<StepEvent, SeatEnd<T>[]> =>
  reporting(async (steps) => {
    const shared = new Once();
    const rentals = pace(1000 / RENTALS_PER_SECOND);
    const tasks = items.map((item) => taskOf(item, shared));
    const over = interruptible(); // After an interrupt, the seats in hand are finished.
    try {
      const ends = await sideBySide(
        tasks,
        ({ drivers, id, run }) =>
          steps.run({ step: SEAT_STEP, title: `seat ${id.seat}`, seat: id }, () =>
            run(steps).catch(async (error: unknown) => {
              throw await causeOf(error, drivers);
            }),
          ),
        {
          workers,
          groupOf: ({ drivers }) => driverWords(drivers),
          turn: async ({ drivers }) => {
            if (drivers.ec2) await rentals();
          },
          ...(signal ? { signal } : {}),
        },
      );
      return tasks.map(({ id }, i) => ({ ...id, ...(ends[i] as Ended<T>) }));
    } finally {
      over();
    }
  });

/** @throws UserError (exit 3) when one of the hosts does not answer. */
async function requireAnswers({ docker, libvirt }: Drivers): Promise<void> {
  await Promise.all([docker?.preflight(), libvirt?.preflight()]);
}

/** Why a seat failed: if its host does not answer now, that is the reason, whatever failed first. */
async function causeOf(error: unknown, drivers: Drivers): Promise<unknown> {
  if (error instanceof UserError && error.exitCode === ExitCode.hostNotReady) return error;
  return requireAnswers(drivers).then(
    () => error,
    (silent: unknown) => silent,
  );
}
