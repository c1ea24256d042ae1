import { type StepEvent, settled } from "../model/events.js";
import type { SeatPlan } from "../seats/plan.js";
import { withTemporarySeat } from "../seats/temporary-seat.js";
import { bringUp } from "../seats/up.js";
import type { SeatCosts } from "./rehearse.js";

/** Which of an `up`'s steps are which cost; the others are made once for all hosts. */
const COSTS: Readonly<Record<string, keyof SeatCosts>> = {
  host: "image",
  golden: "image",
  deploy: "control",
  answer: "host",
};

/** Adds up what a seat takes that comes up alone. The seconds of each step count as seconds of one CPU, as most of them are. */
export class SeatMeter {
  readonly costs: SeatCosts = { control: 0, host: 0, image: 0 };

  take({ seconds = 0, state, step }: StepEvent): void {
    const cost = COSTS[step];
    if (state !== "done" || cost === undefined) return;
    this.costs[cost] += seconds;
    // It is made in the middle of a seat's own step.
    if (step === "golden") this.costs.control -= seconds;
  }
}

/**
 * Brings up one seat on its real host, alone, and takes it down again: what it took is taken for what each seat takes.
 *
 * @throws UserError as `up` and `down` do; exit 8 when something of the seat is left.
 */
export const measureSeat = (
  plan: SeatPlan,
  options: { waitMs: number; resume: boolean; signal?: AbortSignal },
): AsyncGenerator<StepEvent, SeatCosts> =>
  withTemporarySeat(plan, async (steps) => {
    const meter = new SeatMeter();
    await settled(bringUp(plan, options), (event) => {
      steps.pass(event);
      meter.take(event);
    });
    return meter.costs;
  });
