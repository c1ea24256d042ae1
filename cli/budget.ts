import type { Options } from "yargs";
import { ExitCode, UserError } from "../base/errors.js";
import { costOf, formatUsd, type PriceTable, quote, type Rental } from "../model/prices.js";
import { formatDuration } from "../model/units.js";
import { type Args, text } from "./define-command.js";

/** The option of the commands that heed a budget. */
export const budgetOption = {
  budget: {
    type: "string",
    describe: "US dollars that the rented machines may cost for as long as they are to live; more is refused",
  },
} as const satisfies Record<string, Options>;

/** `--budget` in US dollars: `5`, `2.50`, `$5`. @throws UserError (exit 2) when it is no amount. */
export function budgetOf(args: Args): number | undefined {
  const given = text(args, "budget");
  if (given === undefined) return undefined;
  const amount = /^\$?(\d+(?:\.\d+)?)$/.exec(given.trim())?.[1];
  if (amount !== undefined) return Number(amount);
  throw new UserError(`--budget ${given} is no amount of money`, {
    why: "a budget is a number of US dollars",
    fix: "write 5, 2.50",
    exitCode: ExitCode.usage,
  });
}

/** What is to be paid for. */
export interface Spending {
  /** Each seat's rented machine. */
  rental: Rental;
  seats: number;
  /** Seconds that each is to live; Infinity for `none`. */
  ttl: number;
}

/** @throws UserError (exit 2) when it costs more than `budget` US dollars, or nobody can say how much. Pure. */
export function requireBudget(budget: number, { rental, seats, ttl }: Spending, table: PriceTable): void {
  const { perHour, unknown } = quote(table, rental);
  if (perHour === null) {
    throw new UserError(`there is no price to hold against a budget of ${formatUsd(budget)}`, {
      why: `the ${unknown.what} "${unknown.given}" is not in the price table`,
      fix: `${unknown.nearest === undefined ? "" : `did you mean "${unknown.nearest}"? `}AWS knows more: trilab cost --refresh --region ${rental.region}`,
      exitCode: ExitCode.usage,
    });
  }
  const { hour, session } = costOf(perHour, seats, ttl);
  if (session !== null && session <= budget) return;
  const machines = seats === 1 ? rental.size : `${seats} × ${rental.size}`;
  // Rounded down to the minute, so that what is advised fits.
  const affordable = Math.floor(((budget / hour) * 3600) / 60) * 60;
  const shorter = affordable >= 60 ? [`a shorter life (--ttl ${formatDuration(affordable)})`] : [];
  const fewer = seats > 1 ? ["fewer seats"] : [];
  throw new UserError(
    session === null
      ? `this would cost ${formatUsd(hour)} an hour without end, over the budget of ${formatUsd(budget)}`
      : `this would cost ${formatUsd(session)}, over the budget of ${formatUsd(budget)}`,
    {
      why: `${machines} in ${rental.region}, ${formatUsd(hour)} an hour${session === null ? "" : ` for ${formatDuration(ttl)}`}`,
      fix: [...shorter, "a smaller instance type", ...fewer, "or a larger --budget"].join(", "),
      exitCode: ExitCode.usage,
    },
  );
}
