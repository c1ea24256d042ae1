import { ExitCode, UserError } from "../base/errors.js";
import { costOf, formatUsd, type PriceTable, quote, type Rental } from "../model/prices.js";
import { formatDuration } from "../model/units.js";

/** What the budget has to cover. */
export interface Spending {
  /** Each seat's rented machine. */
  rental: Rental;
  seats: number;
  /** How long each lives, in seconds; Infinity for `none`. */
  ttl: number;
  /** Whether its CPU credits cost extra by use. Default false. */
  unlimited?: boolean;
}

/** Advice for shortening its life to the given number of seconds, which the budget covers; `undefined`: none. */
type Shorter = (affordable: number) => string | undefined;
const shorterLife: Shorter = (affordable) => `a shorter life (--ttl ${formatDuration(affordable)})`;

/** As {@link requireBudget}, by the prices known here. */
export async function keepTo(budget: number, spending: Spending, shorter?: Shorter): Promise<void> {
  const { readPriceTable } = await import("../drivers/ec2/price-table.js");
  requireBudget(budget, spending, await readPriceTable(), shorter);
}

/** @throws UserError (exit 2) when it costs more than `budget` US dollars, or the cost is unknown. Pure. */
export function requireBudget(
  budget: number,
  { rental, seats, ttl, unlimited = false }: Spending,
  table: PriceTable,
  shorter: Shorter = shorterLife,
): void {
  if (budget === Number.POSITIVE_INFINITY) return;
  if (unlimited) {
    throw new UserError(`a budget of ${formatUsd(budget)} can't be guaranteed`, {
      why: "the machine has unlimited CPU credits, which cost by use, on top of its price",
      fix: "set vps.credits to standard in lab.yaml before it is rented, or leave --budget out (--budget none removes a seat's budget)",
      exitCode: ExitCode.usage,
    });
  }
  const { perHour, unknown } = quote(table, rental);
  if (perHour === null) {
    throw new UserError(`there is no price to compare with a budget of ${formatUsd(budget)}`, {
      why: `the ${unknown.what} "${unknown.given}" is not in the price table`,
      fix: `${unknown.nearest === undefined ? "" : `did you mean "${unknown.nearest}"? `}to fetch more prices from AWS: trilab cost --refresh --region ${rental.region}`,
      exitCode: ExitCode.usage,
    });
  }
  const { hour, session } = costOf(perHour, seats, ttl);
  if (session !== null && session <= budget) return;
  const machines = seats === 1 ? rental.size : `${seats} × ${rental.size}`;
  // Rounded down to the minute, so that the advice fits the budget.
  const affordable = Math.floor(((budget / hour) * 3600) / 60) * 60;
  const less = (affordable >= 60 ? shorter(affordable) : undefined) ?? [];
  const fewer = seats > 1 ? ["fewer seats"] : [];
  throw new UserError(
    session === null
      ? `this would cost ${formatUsd(hour)} an hour without end, over the budget of ${formatUsd(budget)}`
      : `this would cost ${formatUsd(session)}, over the budget of ${formatUsd(budget)}`,
    {
      why: `${machines} in ${rental.region}, ${formatUsd(hour)} an hour${session === null ? "" : ` for ${formatDuration(ttl)}`}`,
      fix: [less, "a smaller instance type", ...fewer, "or a larger --budget"].flat().join(", "),
      exitCode: ExitCode.usage,
    },
  );
}
