import { ExitCode, UserError } from "../base/errors.js";
import type { Quota } from "../drivers/ec2/quotas.js";
import type { Lab } from "../labs/load-lab.js";
import { instanceType } from "../model/instance-catalogue.js";
import { costOf, formatUsd, type PriceTable, quote } from "../model/prices.js";
import { requireBudget, type Spending } from "../seats/budget.js";
import { endOf, expiryInForce } from "../seats/lifetime.js";
import type { SeatPlan } from "../seats/plan.js";
import { paidSince, rentalOf } from "../seats/rental.js";
import { machineOf, type SeatRecord } from "../seats/seat-record.js";

/** US dollars until the seats' ends; or why there is no such figure: a seat has no end, or a price is not in the table. */
export type RentedCost = number | "endless" | "unknown";

/** What the seats of a class rent. */
export interface RentedSeats {
  /** What a new seat rents, and how many new ones there are; `undefined`: no new seat rents anything. */
  news: Spending | undefined;
  /** How many machines the class will have rented. */
  machines: number;
  cost: RentedCost;
  /** Of the new machines' region. */
  quotas: Quota[];
  /** How many US dollars of the class's budget each seat may cost, by seat; empty without a budget. */
  shares: ReadonlyMap<string, number>;
}

interface RentedRequest {
  /** US dollars for all rented machines until the seats' ends; Infinity: none. */
  budget: number;
  vps: Lab["vps"];
  /** The seats of learners who have left the class; what they have rented counts. */
  staying: readonly SeatRecord[];
}

/**
 * What the seats rent together, which must fit into the budget and into the account's quotas.
 *
 * @returns `undefined` when the seats of the plans rent nothing.
 * @throws UserError: exit 2 when it costs more, or the quotas are too small; AWS's own when it does not answer.
 */
export async function planRented(
  plans: readonly SeatPlan[],
  { budget, staying, vps }: RentedRequest,
): Promise<RentedSeats | undefined> {
  const rented = plans.flatMap((plan) => (plan.spending ? [{ ...plan, spending: plan.spending }] : []));
  if (rented.length === 0) return undefined;
  const spendings = [...rented.map(({ spending }) => spending), ...staying.flatMap(spendingOf)];
  const { readPriceTable } = await import("../drivers/ec2/price-table.js");
  const table = await readPriceTable();
  const cost = totalCost(spendings, table);
  if (Number.isFinite(budget)) requireClassBudget(budget, cost, spendings, table);
  const news = rented.filter(({ spending }) => !spending.agreed);
  const [first] = news;
  const quotas = (await first?.drivers.ec2?.[0]?.quotas({ spot: vps.spot })) ?? [];
  const each = {
    // A seat whose time is up still has its network.
    networks: vps.network === "own" && news.some(needsNetwork) ? 1 : 0,
    vCPUs: first ? instanceType(first.spending.rental.size).vcpus : 0,
  };
  const needed = {
    networks: each.networks * news.filter(needsNetwork).length,
    vCPUs: each.vCPUs * news.length,
  };
  if (first)
    requireQuotas(quotas, { region: first.spending.rental.region, seats: news.length, each, needed });
  const spare =
    typeof cost === "number" && Number.isFinite(budget) ? (budget - cost) / rented.length : undefined;
  return {
    news: first && { ...first.spending, seats: news.length },
    machines: spendings.length,
    cost,
    quotas,
    shares: new Map(
      spare === undefined
        ? []
        : rented.map(({ id, spending }) => [id.seat, Number(costUntilEnd(spending, table)) + spare]),
    ),
  };
}

const needsNetwork = ({ existing }: SeatPlan): boolean =>
  existing === undefined || machineOf(existing, "vps")?.address === undefined;

/** What an existing seat has rented. */
function spendingOf(record: SeatRecord): Spending[] {
  const rental = rentalOf(record);
  if (rental === undefined) return [];
  const ttl = (endOf(expiryInForce(record)) - paidSince(record)) / 1000;
  return [{ rental, seats: 1, ttl, unlimited: record.vps?.credits === "unlimited" }];
}

/** What machines cost until their end. */
export function costUntilEnd(
  { rental, seats, ttl }: Pick<Spending, "rental" | "seats" | "ttl">,
  table: PriceTable,
): RentedCost {
  const { perHour } = quote(table, rental);
  return perHour === null ? "unknown" : (costOf(perHour, seats, ttl).session ?? "endless");
}

function totalCost(spendings: readonly Spending[], table: PriceTable): RentedCost {
  const costs = spendings.map((spending) => costUntilEnd(spending, table));
  return (
    costs.find((cost) => typeof cost !== "number") ??
    costs.reduce<number>((sum, cost) => sum + Number(cost), 0)
  );
}

/** @throws UserError (exit 2) when the machines cost more together, or it can't be said what they cost. */
function requireClassBudget(
  budget: number,
  cost: RentedCost,
  spendings: readonly Spending[],
  table: PriceTable,
): void {
  // What has no price or no end is refused by itself.
  for (const spending of spendings)
    if (spending.unlimited || typeof costUntilEnd(spending, table) !== "number")
      requireBudget(budget, spending, table, () => undefined);
  if (typeof cost !== "number" || cost <= budget) return;
  const sizes = [...new Set(spendings.map(({ rental }) => rental.size))].join(", ");
  throw new UserError(`the class would cost ${formatUsd(cost)}, over its budget of ${formatUsd(budget)}`, {
    why: `${spendings.length} × ${sizes} until the seats' ends, with what they have cost since they were rented`,
    fix: "use fewer seats, a shorter life (--ttl), a smaller instance type (vps.size in lab.yaml), or a larger --budget",
    exitCode: ExitCode.usage,
  });
}

/** What new rented seats need of the account. */
interface Needs {
  region: string;
  seats: number;
  each: Record<Quota["of"], number>;
  needed: Record<Quota["of"], number>;
}

/** @throws UserError (exit 2) when the account may not have as much as the new seats need. */
export function requireQuotas(quotas: readonly Quota[], { each, needed, region, seats }: Needs): void {
  const short = quotas.filter(({ limit, of, used }) => limit !== undefined && used + needed[of] > limit);
  if (short.length === 0) return;
  const most = Math.min(
    ...short.map(({ limit = 0, of, used }) => Math.max(0, Math.floor((limit - used) / each[of]))),
  );
  throw new UserError(`the account's quotas in ${region} are too small for the new rented seats: ${seats}`, {
    why: short
      .map(({ limit, of, used }) => `${of}: needed ${needed[of]}, in use ${used} of ${limit}`)
      .join("\n"),
    fix: [
      "remove what nobody needs any more (trilab status, trilab reap)",
      "request higher quotas from AWS (Service Quotas in its console), which can take days",
      ...(short.some(({ of }) => of === "networks")
        ? ["let the seats use the account's default network (vps.network: default in lab.yaml)"]
        : []),
      `or use fewer seats: there is room for ${most}`,
    ].join("; "),
    exitCode: ExitCode.usage,
  });
}
