import { reporting, type StepEvent } from "../model/events.js";
import type { SeatId } from "../model/naming.js";
import { type AskOptions, driversToAsk } from "./daemons-to-search.js";
import { withSeatLock } from "./deploy-seat.js";
import type { Receipt } from "./receipt.js";
import { removeSeat } from "./remove-seat.js";
import { identified } from "./seat-record.js";

/**
 * Removes a seat, then queries its endpoints for what is left.
 *
 * @throws UserError as driversToAsk and removeSeat do.
 */
export const takeDown = (
  wanted: SeatId,
  options: Pick<AskOptions, "chosen" | "byLabel" | "hostGone"> & { signal?: AbortSignal },
): AsyncGenerator<StepEvent, Receipt> =>
  reporting(async (steps) => {
    const id = await identified(wanted);
    return withSeatLock(id, async () => {
      const { signal, ...ask } = options;
      const asked = await driversToAsk(id, ask);
      const title = `taking seat ${id.seat} of lab ${id.lab} down`;
      return steps.run({ step: "down", title, seat: id }, (progress) =>
        removeSeat(
          id,
          { byLabel: options.byLabel === true, ...asked, ...(signal ? { signal } : {}) },
          progress,
        ),
      );
    });
  });
