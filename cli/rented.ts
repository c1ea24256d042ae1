import { ExitCode, UserError } from "../base/errors.js";
import type { Target } from "../model/naming.js";
import { costOf, formatUsd, type PriceTable, quote, type RunningCost } from "../model/prices.js";
import { formatDuration } from "../model/units.js";
import type { Spending } from "../seats/budget.js";
import type { RentedShape } from "../seats/rented.js";
import type { Context, Style } from "./context.js";

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

/** The note on a seat's VPS at the end of `up`: that it is a rehearsal, or that it costs money. */
export function cloudNotes(
  rented: RentedShape | undefined,
  style: Style,
  cost?: RunningCost | null,
): string[] {
  if (rented === undefined) return [];
  const { cloud, type } = rented;
  return cloud === "aws"
    ? [
        style.warn(
          `The VPS is rented from AWS (${type.name}) and costs money until it is taken down${cost ? `: ${formatUsd(cost.perHour)} an hour${cost.untilEnd === null ? "" : `, ${formatUsd(cost.untilEnd)} by its end`}` : ""}.`,
        ),
      ]
    : [
        style.warn(
          `The VPS is a rehearsal, not a cloud: a machine with the shape of a ${type.name} on the local hypervisor. For a rented one: --cloud aws.`,
        ),
      ];
}

/** Which machines are emulated because KVM does not work, and what that means. */
export function emulationNote(targets: readonly Target[], rented: RentedShape | undefined): string {
  const machines = [targets.includes("guest") && "guest", rented?.cloud === "local" && "VPS"].filter(Boolean);
  const [are, its] = machines.length > 1 ? ["are", "their"] : ["is", "its"];
  return `The ${machines.join(" and the ")} ${are} emulated, because KVM does not work here: the same system, but slower, and ${its} CPU figures say nothing about real VMs.`;
}
