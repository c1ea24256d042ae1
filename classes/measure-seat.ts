import { reporting, type StepEvent, settled } from "../model/events.js";
import { takeDown } from "../seats/down.js";
import type { SeatPlan } from "../seats/plan.js";
import { bringUp } from "../seats/up.js";
import type { SeatCosts } from "./rehearse.js";

/** Which of an `up`'s steps are which cost; the others are made once for all hosts. */
const COSTS: Readonly<Record<string, keyof SeatCosts>> = { host: "image", deploy: "control", answer: "host" };

/**
 * Brings up one seat on its real host, alone, and takes it down again: what it took is taken for what each seat takes. The seconds of each
 * step count as seconds of one CPU, as most of them are.
 *
 * @throws UserError as `up` and `down` do.
 */
export const measureSeat = (
  plan: SeatPlan,
  options: { waitMs: number; resume: boolean; signal?: AbortSignal },
): AsyncGenerator<StepEvent, SeatCosts> =>
  reporting(async (steps) => {
    const costs: SeatCosts = { control: 0, host: 0, image: 0 };
    const take = (event: StepEvent): void => {
      steps.pass(event);
      const cost = COSTS[event.step];
      if (cost !== undefined && event.state === "done") costs[cost] += event.seconds ?? 0;
    };
    try {
      await settled(bringUp(plan, options), take);
    } finally {
      const { docker, libvirt } = plan.request.endpoints;
      await settled(takeDown(plan.id, { chosen: { docker, libvirt } }), steps.pass);
    }
    return costs;
  });
