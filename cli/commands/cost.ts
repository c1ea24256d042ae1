import { ExitCode, UserError } from "../../base/errors.js";
import type { Capacity, HostFit, HostShare } from "../../hosts/capacity.js";
import { REGION_NAME } from "../../model/clouds.js";
import { type Cost, costOf, formatUsd, type Quote, quote, type UnknownPrice } from "../../model/prices.js";
import { formatDuration, formatSize } from "../../model/units.js";
import { requireBudget } from "../../seats/budget.js";
import { budgetOf, budgetOption } from "../budget-option.js";
import { capacityHere } from "../capacity-here.js";
import { type Context, columns, report } from "../context.js";
import { type Args, defineCommand, flag, text } from "../define-command.js";
import { lifetime } from "../duration.js";
import { chosenEndpoints, endpointOptions } from "../endpoints.js";
import { numberOption } from "../number-option.js";
import { DEFAULT_REGION, priceRegion } from "../price-region.js";
import { DEFAULT_LAB } from "../seat-meant.js";

export const cost = defineCommand({
  usage: "cost [lab]",
  description: "estimate what seats of a lab take of this host, and what they cost rented",
  positionals: {
    lab: { type: "string", describe: `a lab's name, or the path of its folder; default: ${DEFAULT_LAB}` },
  },
  options: {
    seats: { type: "string", default: "1", describe: "how many seats, one per learner" },
    ttl: { type: "string", describe: "how long they run: 3h, 1h30m, none; default: the lab's" },
    region: {
      type: "string",
      describe: `the AWS region to rent in; default: the lab's, else the configured one, else ${DEFAULT_REGION}`,
    },
    size: {
      type: "string",
      describe: "the EC2 instance type; default: the lab's, else the smallest that fits the lab's machine",
    },
    ...endpointOptions,
    ...budgetOption,
    refresh: {
      type: "boolean",
      describe: "fetch the region's current prices from AWS first (needs credentials)",
    },
  },
  examples: [
    ["trilab cost", `a seat of the lab ${DEFAULT_LAB}`],
    ["trilab cost --seats 30 --ttl 4h --region eu-central-1 --size t3.small", "a class"],
    ["trilab cost --refresh --region eu-west-1", "at current prices"],
  ],
  handler: showCost,
});

/** A target that runs on this host. */
interface LocalRow extends HostShare {
  target: string;
}

async function showCost(args: Args, ctx: Context): Promise<undefined> {
  const seats =
    numberOption(args, "seats", {
      ...{ least: 1, most: 99_999, whole: true },
      ...{ what: "a number of seats", example: "30" },
    }) ?? 1;
  const wantedTtl = text(args, "ttl");
  const given = wantedTtl === undefined ? undefined : lifetime("--ttl", wantedTtl);
  const budget = budgetOf(args);
  const { loadLab } = await import("../../labs/load-lab.js");
  const lab = await loadLab(text(args, "lab") ?? DEFAULT_LAB);
  const wantedRegion = regionNamed(text(args, "region"));
  const region = await priceRegion(wantedRegion ?? lab.vps.region);
  const ttl = given ?? lab.ttl ?? Number.POSITIVE_INFINITY;

  const { readPriceTable, storePrices } = await import("../../drivers/ec2/price-table.js");
  if (flag(args, "refresh")) {
    const { fetchRegionPrices } = await import("../../drivers/ec2/price-api.js");
    const prices = await fetchRegionPrices(region);
    ctx.tell(
      `${Object.keys(prices.instanceHour).length} prices of ${region} kept in ${await storePrices(region, prices)}`,
    );
  }
  const table = await readPriceTable();
  const { rentalFor } = await import("../../seats/rental.js");
  const rental = rentalFor(lab, region, text(args, "size"));
  if (budget !== undefined) requireBudget(budget, { rental, seats, ttl }, table);

  const price = quote(table, rental);
  if (wantedRegion !== undefined && price.unknown?.what === "region") throw noPrices(price.unknown, region);

  const { CPUS_PER_CPU, hostFit, hostShare } = await import("../../hosts/capacity.js");
  const host = await capacityHere(lab, await chosenEndpoints(args));
  const local = lab.targets.map((target): LocalRow => ({ target, ...hostShare(lab.machine, seats, host) }));
  const together = hostShare(lab.machine, seats * local.length, host);
  const fit = hostFit(lab.machine, { seats, machines: local.length }, host);
  const one = hostFit(lab.machine, { seats, machines: 1 }, host);
  const rented = price.perHour === null ? null : costOf(price.perHour, seats, ttl);
  const endless = !Number.isFinite(ttl);
  const data = {
    lab: lab.name,
    seats,
    ttl: endless ? null : ttl,
    host: { ...host, diskFree: host.diskFree ?? null },
    local,
    together,
    fit,
    rented: { cloud: "aws", ...rental, ...price, cost: rented },
  };
  report(ctx, "cost", data, () => [
    ctx.style.bold(
      `Lab ${lab.name}, ${seats === 1 ? "one seat" : `${seats} seats`}${endless ? " without end" : ` for ${formatDuration(ttl)}`}`,
    ),
    ...columns([
      ["ON THIS HOST", "CPUS", "MEMORY", "DISK"].map(ctx.style.bold),
      ...[...local, ...(local.length > 1 ? [{ target: "together", ...together }] : [])].map((row) =>
        localCells(row, ctx),
      ),
    ]),
    ctx.style.dim(
      `  of ${host.cpus} CPUs, ${formatSize(host.memory)}${host.diskFree === undefined ? "" : `, ${formatSize(host.diskFree)} free`}; seats share CPU time; memory and disk fill up as they are used`,
    ),
    fitLine(
      fit,
      { share: together, host, perCpu: CPUS_PER_CPU, alone: local.length > 1 ? one.seats : undefined },
      ctx,
    ),
    "",
    ...rentedLines(ctx, { seats, ttl, region, size: rental.size, price, rented }),
  ]);
  return undefined;
}

/** @throws UserError (exit 2) if no AWS region can have this name. */
function regionNamed(given: string | undefined): string | undefined {
  if (given === undefined || REGION_NAME.test(given)) return given;
  throw new UserError(`--region ${given} is not an AWS region`, {
    why: "their names look like eu-central-1",
    fix: "for example: --region eu-central-1",
    exitCode: ExitCode.usage,
  });
}

const noPrices = ({ known, nearest }: UnknownPrice, region: string): UserError =>
  new UserError(`there are no prices for the region ${region}`, {
    why: `the price table has: ${known.join(", ")}`,
    fix: `${nearest === undefined ? "" : `did you mean ${nearest}? `}to fetch more from AWS: trilab cost --refresh --region ${region}`,
    exitCode: ExitCode.usage,
  });

const percent = (share: number | null, ctx: Context): string => {
  if (share === null) return "";
  const shown = ` (${share > 0 && share < 0.01 ? "<1" : Math.round(share * 100)} %)`;
  return share > 1 ? ctx.style.warn(shown) : shown;
};

const localCells = ({ target, cpus, memory, disk, share }: LocalRow, ctx: Context): string[] => [
  target,
  `${cpus}${percent(share.cpus, ctx)}`,
  `${formatSize(memory)}${percent(share.memory, ctx)}`,
  `${formatSize(disk)}${percent(share.disk, ctx)}`,
];

const RESOURCES = { cpus: "CPUs", memory: "memory", disk: "disk" } as const;

/**
 * The verdict in one line: whether the seats fit, what is not enough, and how many would fit.
 *
 * @param alone How many seats would fit with one target each; absent if they have only one.
 */
function fitLine(
  { by, fits, over, seats }: HostFit,
  {
    share,
    host,
    perCpu,
    alone,
  }: { share: HostShare; host: Capacity; perCpu: number; alone: number | undefined },
  { style }: Context,
): string {
  const room = `at most ${seats} would, by ${RESOURCES[by]}`;
  if (fits) return style.good(`  fits on this host (${room})`);
  const needs = {
    cpus: `CPUs (${share.cpus} for ${host.cpus}; with more than ${perCpu} per host CPU they wait for each other)`,
    memory: `memory (${formatSize(share.memory)} of ${formatSize(host.memory)})`,
    disk: `disk (${formatSize(share.disk)} of ${formatSize(host.diskFree ?? 0)})`,
  };
  const ways = [
    seats > 0 ? `${seats} of these seats` : undefined,
    alone !== undefined && alone > seats ? `${alone} with one target each` : undefined,
  ].filter((way) => way !== undefined);
  const advice =
    ways.length > 0
      ? `What fits: ${ways.join(", or ")}; or use smaller machines or another host`
      : "Use smaller machines or another host";
  return style.bad(
    `  does not fit on this host: not enough ${over.map((r) => needs[r]).join(", ")}. ${advice}.`,
  );
}

interface Rented {
  seats: number;
  ttl: number;
  region: string;
  size: string;
  price: Quote;
  rented: Cost | null;
}

function rentedLines(ctx: Context, { seats, ttl, region, size, price, rented }: Rented): string[] {
  const { bold, dim, warn } = ctx.style;
  if (price.perHour === null || rented === null) return [warn(unknownLine(price, region))];
  const { perHour, date, source } = price;
  const session =
    rented.session === null
      ? [["PER DAY", formatUsd(rented.day)] as const, ["PER MONTH", formatUsd(rented.month)] as const]
      : [[`FOR ${formatDuration(ttl)}`, formatUsd(rented.session)] as const];
  const cells = [
    ["RENTED FROM AWS", `${seats} × ${size}`],
    ["REGION", region],
    ["PER HOUR", formatUsd(rented.hour)],
    ...session,
  ] as const;
  return [
    ...columns([cells.map(([title]) => bold(title)), cells.map(([, value]) => value)]),
    dim(
      `  each, per hour: machine ${formatUsd(perHour.instance)}, disk ${formatUsd(perHour.disk)}, public address ${formatUsd(perHour.address)}`,
    ),
    dim(`  while it is stopped (trilab stop), only its disk costs`),
    dim(
      `  on-demand list prices of ${date} (${source}), without tax and traffic; spot prices are not listed`,
    ),
    dim(`  for current prices: trilab cost --refresh --region ${region}`),
  ];
}

/** Says what the price table lacks, what it has, and how to get more. */
function unknownLine({ unknown }: Quote, region: string): string {
  if (unknown === undefined) return "";
  const { what, given, known, nearest } = unknown;
  const hint = nearest === undefined ? "" : ` Did you mean ${nearest}?`;
  // AWS has hundreds of sizes, so only the nearest one's family is listed.
  const family = what === "size" ? nearest?.split(".")[0] : undefined;
  const some = family === undefined ? known : known.filter((name) => name.startsWith(`${family}.`));
  return `No price of the ${what} ${given} is known.${hint} Known${family === undefined ? "" : ` of ${family}`}: ${some.join(", ")}. To fetch more from AWS: trilab cost --refresh --region ${region}`;
}
