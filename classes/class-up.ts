import { isDeepStrictEqual } from "node:util";
import { ExitCode, UserError } from "../base/errors.js";
import type { Progress } from "../base/progress.js";
import { sideBySide } from "../base/side-by-side.js";
import { reporting, type StepEvent, type Steps, settled } from "../model/events.js";
import { formatDuration } from "../model/units.js";
import { wrongRows } from "../seats/parity.js";
import { planSeat, type SeatPlan } from "../seats/plan.js";
import { bringUpMany, defaultWorkers, SEAT_STEP, type SeatEnd } from "../seats/seats-at-once.js";
import type { Brought } from "../seats/up.js";
import { setUpLab } from "../tasks/set-up.js";
import { canaryFirst } from "./canary-first.js";
import { readClass, withClassLock, writeClass } from "./class-record.js";
import { problemOf } from "./each-seat.js";
import { kindOf, rememberCosts } from "./forecast.js";
import { SeatMeter } from "./measure-seat.js";
import { type ClassPlan, type PlannedSeat, recordOf } from "./plan-class.js";
import type { SeatCosts } from "./rehearse.js";

export interface ClassUpOptions {
  /** How long a machine may take to answer, in milliseconds. */
  waitMs: number;
  /** How many seats are handled at once. Default {@link defaultWorkers}. */
  workers?: number | undefined;
  /** If it is aborted, no other seats are begun. Those that have been begun are finished. */
  signal?: AbortSignal;
}

/** How one learner's seat came up. */
export interface SeatUp {
  seat: string;
  host: string;
  state: "up" | "failed" | "not begun";
  /** Nothing had to be made or repaired. */
  unchanged: boolean;
  /** Its targets match the lab's machine. */
  inTolerance: boolean;
  /** What does not match: `clock offset to the host: guest 2.4 s (more than 2 s off)`. */
  differs: string[];
  /** Why it failed, in one line. */
  problem?: string | undefined;
}

/**
 * Brings up the seats of a class, as canaryFirst() says. What is up already stays as it is.
 *
 * @returns how each seat came up, in the roster's order.
 */
export const bringUpClass = (
  plan: ClassPlan,
  { signal, waitMs, workers = defaultWorkers() }: ClassUpOptions,
): AsyncGenerator<StepEvent, SeatUp[]> =>
  reporting((steps) =>
    withClassLock(plan.name, async () => {
      await requireUnchanged(plan);
      const record = recordOf(plan);
      await writeClass(record);
      const about = { step: "class", title: `class ${plan.name}`, passing: true as const };
      const ends = await steps.run(about, async (progress) => {
        const events = new SeatEvents(steps, progress, plan.seats.length);
        let alone: { seat: SeatPlan; costs: SeatCosts } | undefined;
        const ends = await canaryFirst<SeatPlan, SeatEnd<Brought>>(
          plan.seats.map((seat) => seat.plan),
          {
            isNew: ({ existing }) => existing === undefined,
            bringUp: async (seats) => {
              const meter = new SeatMeter();
              const ends = await settled(
                bringUpMany(seats, { waitMs, workers, resume: plan.resume, ...(signal ? { signal } : {}) }),
                (event) => {
                  events.take(event);
                  meter.take(event);
                },
              );
              const [seat, ...others] = seats;
              if (seat && seat.existing === undefined && others.length === 0 && ends[0]?.state === "done")
                alone ??= { seat, costs: meter.costs };
              return ends;
            },
            isDone: ({ state }) => state === "done",
            isWorthAnother,
            renew: (seats) => {
              events.again(seats.length);
              // Planned anew, because a part of it may exist now.
              return Promise.all(seats.map(({ request }) => planSeat({ ...request, lab: request.lab.dir })));
            },
            signal,
          },
        );
        // A missing forecast is no reason to fail.
        if (alone) await rememberCosts(kindOf(plan, alone.seat), alone.costs).catch(() => {});
        return new Map(plan.seats.map(({ learner }, i) => [learner.seat, ends[i]]));
      });
      const done = plan.seats.map((seat) => seatUp(seat, ends.get(seat.learner.seat)));
      const ready = inOrder(plan, await setUp(plan, done, ends, { workers, signal }, steps));
      const problems = new Map(ready.map(({ problem, seat }) => [seat, problem]));
      await writeClass({
        ...record,
        members: record.members.map((member) => {
          const problem = problems.get(member.seat);
          return problem ? { ...member, problem } : member;
        }),
      });
      return ready;
    }),
  );

/** @throws UserError (exit 7) when another command has changed the class since it was planned: its learners would be lost. */
async function requireUnchanged({ existing, name }: ClassPlan): Promise<void> {
  const now = await readClass(name);
  if (isDeepStrictEqual(now?.ended === undefined ? now : undefined, existing)) return;
  throw new UserError(`class "${name}" has changed since it was planned`, {
    why: "another command has worked on it meanwhile",
    fix: "run the command again: trilab class up",
    exitCode: ExitCode.locked,
  });
}

/** A seat that failed for a reason that another attempt may not meet. */
const isWorthAnother = (end: SeatEnd<Brought>): boolean =>
  end.state === "failed" &&
  !(
    end.error instanceof UserError &&
    ([ExitCode.usage, ExitCode.interrupted] as number[]).includes(end.error.exitCode)
  );

function seatUp({ host, learner: { seat } }: PlannedSeat, end: SeatEnd<Brought> | undefined): SeatUp {
  const common = { seat, host, unchanged: false, inTolerance: false, differs: [] };
  if (end === undefined || end.state === "not begun") return { ...common, state: "not begun" };
  if (end.state === "failed") return { ...common, state: "failed", problem: problemOf(end) };
  const { parity, unchanged } = end.result;
  const { inTolerance } = parity;
  return { ...common, state: "up", unchanged, inTolerance, differs: wrongRows(parity) };
}

/** The seats of all learners, in the roster's order: also those whose record can't be read. */
function inOrder({ learners, unreadable }: ClassPlan, seats: readonly SeatUp[]): SeatUp[] {
  const bySeat = new Map(seats.map((each) => [each.seat, each]));
  return learners.map(
    ({ seat }) =>
      bySeat.get(seat) ?? {
        ...{ seat, host: "unknown", state: "failed" },
        ...{ unchanged: false, inTolerance: false, differs: [] },
        problem: problemOf({ state: "failed", error: unreadable.get(seat) }),
      },
  );
}

/** Runs the lab's setup in the seats that are up. */
async function setUp(
  { lab }: ClassPlan,
  seats: readonly SeatUp[],
  ends: ReadonlyMap<string, SeatEnd<Brought> | undefined>,
  { signal, workers }: { signal: AbortSignal | undefined; workers: number },
  steps: Steps,
): Promise<SeatUp[]> {
  const results = await sideBySide(
    seats,
    async ({ seat }) => {
      const end = ends.get(seat);
      if (end?.state === "done") await settled(setUpLab(end.result.record, lab, { signal }), steps.pass);
    },
    { workers },
  );
  return seats.map((seat, i) => {
    const result = results[i];
    return result?.state === "failed" ? { ...seat, state: "failed", problem: problemOf(result) } : seat;
  });
}

/** The events of many seats as those of a class: each seat's end, notes with the seat's name, and how far it is. */
class SeatEvents {
  private readonly began = Date.now();
  private done = 0;

  constructor(
    private readonly steps: Steps,
    private readonly progress: Progress,
    private total: number,
  ) {}

  again(seats: number): void {
    this.total += seats;
  }

  readonly take = (event: StepEvent): void => {
    const { seat, state, step, text } = event;
    if (seat === undefined) {
      this.steps.pass(event);
      return;
    }
    if (step !== SEAT_STEP) {
      if (state === "note") this.steps.pass({ ...event, text: `${seat.seat}: ${text}` });
      return;
    }
    this.steps.pass(event);
    if (state !== "done" && state !== "failed") return;
    this.done += 1;
    const seconds = (Date.now() - this.began) / 1000;
    const left = (seconds / this.done) * (this.total - this.done);
    const time = this.done < this.total ? `, about ${formatDuration(Math.ceil(left))} left` : "";
    this.progress.update(`${this.done} of ${this.total} seats${time}`);
  };
}
