import { ExitCode, UserError } from "../base/errors.js";
import type { Quota } from "../drivers/ec2/quotas.js";
import type { Lab } from "../labs/load-lab.js";
import { instanceType } from "../model/instance-catalogue.js";
import { costOf, type PriceTable, quote } from "../model/prices.js";
import { requireBudget, type Spending } from "../seats/budget.js";
import type { SeatPlan } from "../seats/plan.js";

/** What the seats of a class rent. */
export interface RentedSeats {
  /** What a new seat rents, and how many new ones there are; `undefined`: no new seat rents anything. */
  news: Spending | undefined;
  /** How many machines the class will have rented. */
  machines: number;
  /** US dollars for all of them until the seats' ends; `undefined`: without end, or the price is not known. */
  cost: number | undefined;
  /** Of the new machines' region. */
  quotas: Quota[];
}

/**
 * What the seats rent together, which must fit into the budget and into the account's quotas.
 *
 * @param budget US dollars for all rented machines until the seats' ends; Infinity: none.
 * @returns `undefined` when they rent nothing.
 * @throws UserError: exit 2 when it costs more, or the quotas are too small; AWS's own when it does not answer.
 */
export async function planRented(
  plans: readonly SeatPlan[],
  { budget = Number.POSITIVE_INFINITY, vps }: { budget: number | undefined; vps: Lab["vps"] },
): Promise<RentedSeats | undefined> {
  const spendings = plans.flatMap(({ spending }) => (spending ? [spending] : []));
  if (spendings.length === 0) return undefined;
  const { readPriceTable } = await import("../drivers/ec2/price-table.js");
  const table = await readPriceTable();
  const begun = spendings.filter(({ agreed }) => agreed);
  const [first] = spendings.filter(({ agreed }) => !agreed);
  const news = first && { ...first, seats: spendings.length - begun.length };
  const known = totalCost(begun, table);
  if (news) requireBudget(budget - (known ?? 0), news, table, () => undefined);
  const cost = totalCost(news ? [...begun, news] : begun, table);
  const region = plans.find(({ spending }) => spending && !spending.agreed)?.drivers.ec2?.[0];
  const quotas = (await region?.quotas({ spot: vps.spot })) ?? [];
  if (news) requireQuotas(quotas, news, vps.network === "own" ? 1 : 0);
  return { news, machines: spendings.length, cost, quotas };
}

/** US dollars until their ends; `undefined`: without end, or a price is not known. */
function totalCost(spendings: readonly Spending[], table: PriceTable): number | undefined {
  let sum = 0;
  for (const { rental, seats, ttl } of spendings) {
    const { perHour } = quote(table, rental);
    const session = perHour && costOf(perHour, seats, ttl).session;
    if (session === null) return undefined;
    sum += session;
  }
  return sum;
}

/**
 * @param networks How many networks a new seat needs.
 * @throws UserError (exit 2) when the account may not have as much as the new seats need.
 */
export function requireQuotas(quotas: readonly Quota[], news: Spending, networks: number): void {
  const each = { networks, vCPUs: instanceType(news.rental.size).vcpus };
  const short = quotas.filter(
    ({ limit, of, used }) => limit !== undefined && used + each[of] * news.seats > limit,
  );
  if (short.length === 0) return;
  const most = Math.min(
    ...short.map(({ limit = 0, of, used }) => Math.max(0, Math.floor((limit - used) / each[of]))),
  );
  throw new UserError(
    `the account's quotas in ${news.rental.region} are too small for ${news.seats} new rented seats`,
    {
      why: short
        .map(
          ({ limit, of, used }) =>
            `${of}: ${each[of] * news.seats} are needed, and ${used} of ${limit} are in use`,
        )
        .join("\n"),
      fix: [
        "request higher quotas from AWS (Service Quotas in its console), which can take days",
        ...(short.some(({ of }) => of === "networks")
          ? ["let the seats use the account's default network (vps.network: default in lab.yaml)"]
          : []),
        `or use fewer seats: there is room for ${most}`,
      ].join("; "),
      exitCode: ExitCode.usage,
    },
  );
}
