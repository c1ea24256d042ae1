import { ExitCode, UserError } from "../base/errors.js";
import { costOf, formatUsd, type PriceTable, quote } from "../model/prices.js";
import { formatDuration } from "../model/units.js";
import type { Spending } from "../seats/budget.js";
import type { Context } from "./context.js";

/**
 * Says what will be rented, and at what price; then asks, unless -y was given.
 *
 * @throws UserError: exit 2 if there is no terminal, exit 1 when the answer is no.
 */
export async function agreeToRent(ctx: Context, spending: Spending, yes: boolean): Promise<void> {
  const { readPriceTable } = await import("../drivers/ec2/price-table.js");
  const price = priceLine(spending, await readPriceTable());
  ctx.tell(ctx.style.warn(price));
  const answer = yes || (await ctx.confirm("Rent it?"));
  if (answer === true) return;
  throw new UserError(
    answer === false ? "nothing was rented" : "a machine is rented only with your consent",
    {
      why: answer === false ? "you said no" : `${price.replace(/\.$/, "")}; there is no terminal to ask on`,
      fix: "agree with -y; or rehearse for free on this host: --cloud local",
      exitCode: answer === false ? ExitCode.failed : ExitCode.usage,
    },
  );
}

/** `This rents a t3.nano from AWS in eu-central-1: $0.0110 an hour, $0.0330 for 3h, …` Pure. */
export function priceLine({ rental, seats, ttl, unlimited }: Spending, table: PriceTable): string {
  const price = quote(table, rental);
  const machines = seats === 1 ? `a ${rental.size}` : `${seats} machines of type ${rental.size}`;
  const what = `This rents ${machines} from AWS in ${rental.region}`;
  if (price.perHour === null)
    return `${what}, at a price that trilab does not know: trilab cost --refresh --region ${rental.region}.`;
  const { hour, session } = costOf(price.perHour, seats, ttl);
  return [
    `${what}: ${formatUsd(hour)} an hour`,
    session === null ? "without end" : `${formatUsd(session)} for ${formatDuration(ttl)}`,
    `by the list prices of ${price.date}, without tax and traffic${unlimited ? "; its unlimited CPU credits cost more, by use" : ""}.`,
  ].join(", ");
}
