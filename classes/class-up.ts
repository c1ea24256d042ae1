import { ExitCode, UserError } from "../base/errors.js";
import type { Progress } from "../base/progress.js";
import { sideBySide } from "../base/side-by-side.js";
import { reporting, type StepEvent, type Steps, settled } from "../model/events.js";
import { formatDuration } from "../model/units.js";
import { bringUpMany, defaultWorkers, SEAT_STEP, type SeatEnd } from "../seats/many.js";
import { planSeat, type SeatPlan } from "../seats/plan.js";
import type { Brought } from "../seats/up.js";
import { setUpLab } from "../tasks/set-up.js";
import { withClassLock, writeClass } from "./class-record.js";
import { problemOf } from "./each-seat.js";
import { type ClassPlan, type PlannedSeat, recordOf } from "./plan-class.js";

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
  /** Why it failed, in one line. */
  problem?: string | undefined;
}

/** How many new seats are tried alone, one after the other, before the others are not begun. */
const FIRST = 2;

/**
 * Brings up the seats of a class: first one of the new seats, because what is wrong with the host or the lab is wrong for all of
 * them; then the others side by side. If the first two fail, the others are not begun. A seat that failed is tried once more. What
 * is up already stays as it is.
 *
 * @returns how each seat came up, in the roster's order.
 */
export const bringUpClass = (
  plan: ClassPlan,
  { signal, waitMs, workers = defaultWorkers() }: ClassUpOptions,
): AsyncGenerator<StepEvent, SeatUp[]> =>
  reporting((steps) =>
    withClassLock(plan.name, async () => {
      const record = recordOf(plan);
      await writeClass(record);
      const about = { step: "class", title: `class ${plan.name}`, passing: true as const };
      const ends = await steps.run(about, async (progress) => {
        const events = new SeatEvents(steps, progress, plan.seats.length);
        const many = async (seats: readonly SeatPlan[]): Promise<SeatEnd<Brought>[]> =>
          seats.length === 0
            ? []
            : settled(
                bringUpMany(seats, { waitMs, workers, resume: plan.resume, ...(signal ? { signal } : {}) }),
                events.take,
              );
        const all = plan.seats.map((seat) => seat.plan);
        const known = new Map<string, SeatEnd<Brought>>();
        const bringUp = async (seats: readonly SeatPlan[]): Promise<void> => {
          for (const end of await many(seats)) known.set(end.seat, end);
          const failed = seats.filter(({ id }) => isWorthAnother(known.get(id.seat)));
          if (failed.length === 0 || signal?.aborted) return;
          // Planned anew, because a part of it may exist now.
          const again = await Promise.all(
            failed.map(({ request }) => planSeat({ ...request, lab: request.lab.dir })),
          );
          events.again(failed.length);
          for (const end of await many(again)) known.set(end.seat, end);
        };
        const tried: SeatPlan[] = [];
        for (const first of all.filter(({ existing }) => existing === undefined).slice(0, FIRST)) {
          tried.push(first);
          await bringUp([first]);
          if (known.get(first.id.seat)?.state === "done" || signal?.aborted) break;
        }
        const works = tried.length === 0 || tried.some(({ id }) => known.get(id.seat)?.state === "done");
        if (works && !signal?.aborted) await bringUp(all.filter((each) => !tried.includes(each)));
        return known;
      });
      const done = plan.seats.map((seat) => seatUp(seat, ends.get(seat.learner.seat)));
      const ready = await setUp(plan, done, ends, { workers, signal }, steps);
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

/** A seat that failed for a reason that another attempt may not meet. */
const isWorthAnother = (end: SeatEnd<Brought> | undefined): boolean =>
  end?.state === "failed" &&
  !(
    end.error instanceof UserError &&
    ([ExitCode.usage, ExitCode.interrupted] as number[]).includes(end.error.exitCode)
  );

function seatUp({ host, learner: { seat } }: PlannedSeat, end: SeatEnd<Brought> | undefined): SeatUp {
  const common = { seat, host, unchanged: false, inTolerance: false };
  if (end === undefined || end.state === "not begun") return { ...common, state: "not begun" };
  if (end.state === "failed") return { ...common, state: "failed", problem: problemOf(end) };
  const { parity, unchanged } = end.result;
  return { ...common, state: "up", unchanged, inTolerance: parity.inTolerance };
}

/** Runs the lab's setup in the seats that are up. */
async function setUp(
  { lab }: ClassPlan,
  seats: readonly SeatUp[],
  ends: ReadonlyMap<string, SeatEnd<Brought>>,
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
