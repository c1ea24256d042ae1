import { randomBytes } from "node:crypto";
import { ExitCode, UserError } from "../../base/errors.js";
import type { ClassSpec } from "../../classes/define-class.js";
import type { Faults, Rehearsal, SeatCosts } from "../../classes/rehearse.js";
import type { RentedCost } from "../../classes/rented-seats.js";
import { formatDuration, formatSize } from "../../model/units.js";
import type { SeatPlan } from "../../seats/plan.js";
import { costWords } from "../class-cost-words.js";
import { classFileOptions, classFilePositional, rehearsedClass } from "../class-meant.js";
import type { Context } from "../context.js";
import { columns, report, type Style } from "../context.js";
import { type Args, defineCommand, flag, text, yesOption } from "../define-command.js";
import { duration } from "../duration.js";
import { readyHost } from "../make-host-ready.js";
import { numberOption } from "../number-option.js";
import { priceRegion } from "../price-region.js";
import { answerWait, waitOption } from "../wait.js";
import { workersOf, workersOption } from "../workers.js";

const { roster: _, "ssh-from": __, budget: ___, ...options } = classFileOptions;

export const classRehearse = defineCommand({
  usage: "rehearse <seats> [file]",
  description:
    "bring up one seat, take it down, and compute from it how a class of many would come up on hosts like this one",
  positionals: {
    seats: { type: "string", demandOption: true, describe: "how many seats" },
    ...classFilePositional,
  },
  options: {
    ...options,
    ...workersOption,
    ...waitOption,
    lost: { type: "string", describe: "hosts that stop answering, and when, with commas: lab1@90s" },
    "slow-image": { type: "string", describe: "how many times as long an image takes to reach a host: 10" },
    refused: { type: "string", describe: "the share of machines that a host refuses: 5%" },
    "per-second": {
      type: "string",
      describe: "how many machines may be requested in a second, on all hosts together",
    },
    seed: { type: "string", describe: "the same seed refuses the same machines; default: a random one" },
    yes: { ...yesOption.yes, describe: "don't ask before installing or starting what is missing" },
  },
  examples: [
    ["trilab class rehearse 500", "the lab and hosts of ./class.yaml, else first-boot on one host"],
    ["trilab class rehearse 60 --lost lab2@2m --refused 5%", "with faults"],
  ],
  handler: rehearseClass,
});

/** The most seats: as many as a large school has learners. */
const MOST_SEATS = 100_000;

async function rehearseClass(args: Args, ctx: Context): Promise<undefined> {
  const seats =
    numberOption(args, "seats", {
      ...{ least: 1, most: MOST_SEATS, whole: true },
      ...{ what: "a number of seats", called: "class rehearse", example: "trilab class rehearse 60" },
    }) ?? 1;
  const faults = faultsOf(args);
  const seed = text(args, "seed") ?? randomBytes(3).toString("hex");
  const [waitMs, workers] = [answerWait(args), workersOf(args)];
  const { endpoints, spec, targets = spec.targets } = await rehearsedClass(args);
  const places = spec.hosts ?? [{ name: "here" }];
  const unknown = faults.lost.find(({ host }) => !places.some(({ name }) => name === host));
  if (unknown)
    throw wrong(
      "lost",
      `there is no host "${unknown.host}"`,
      `the hosts are: ${places.map(({ name }) => name).join(", ")}`,
    );
  const { planSeat } = await import("../../seats/plan.js");
  const { measureSeat } = await import("../../classes/measure-seat.js");
  const { haveOwnCpus, kindOf, rememberCosts } = await import("../../classes/forecast.js");
  const { rehearse } = await import("../../classes/rehearse.js");
  const { hostCapacity } = await import("../../hosts/capacity.js");
  const { defaultWorkers, RENTALS_PER_SECOND } = await import("../../seats/seats-at-once.js");
  const { loadProgram } = await import("../../seats/up.js");
  const plan = await planSeat({
    ...{ lab: spec.lab, seat: `rehearsal-${randomBytes(3).toString("hex")}`, endpoints },
    ...(targets ? { targets } : {}),
    // A rehearsal rents nothing: what stands in for a rented VPS is measured.
    cloud: "local",
  });
  const rent = await rentOf(plan, spec, seats);
  await readyHost(ctx, plan.drivers, flag(args, "yes"));
  await loadProgram();
  ctx.tell("measuring one seat on this host …");
  const costs = await ctx.follow(measureSeat(plan, { waitMs, resume: spec.resume, signal: ctx.signal }));
  await rememberCosts(kindOf({ lab: plan.lab, resume: spec.resume }, plan), costs);
  const { cpus, memory } = await hostCapacity(plan.drivers);
  const guests = plan.targets.filter((target) => target === "guest" || (target === "vps" && !rent)).length;
  const most =
    guests === 0 ? Number.POSITIVE_INFINITY : Math.floor(memory / (guests * plan.lab.machine.memory));
  const rehearsal = await rehearse({
    ...{ seats, cpus, costs, seed, workers: workers ?? defaultWorkers() },
    ownCpus: haveOwnCpus(plan.targets, rent !== undefined),
    faults: rent ? { ...faults, perSecond: Math.min(faults.perSecond, RENTALS_PER_SECOND) } : faults,
    hosts: places.map(({ name, seats: limit = Number.POSITIVE_INFINITY }) => ({
      name,
      seats: Math.min(limit, most),
      taken: 0,
    })),
  });
  const data = {
    lab: plan.lab.name,
    targets: plan.targets,
    seats,
    cpus,
    memory,
    costs,
    faults,
    seed,
    ...(rent ? { rent } : {}),
    ...rehearsal,
  };
  report(ctx, "class-rehearse", data, () => [
    ctx.style.bold(
      `${seats} seats of lab ${plan.lab.name}, on ${places.length} ${places.length === 1 ? "host" : "hosts"} like this one: ${cpus} CPUs, ${formatSize(memory)}`,
    ),
    ...lines(rehearsal, costs, ctx.style),
    ...(rent ? [rentLine(rent, seats)] : []),
    ctx.style.dim(`Computed from one seat that was measured here (seed ${seed}).`),
  ]);
  return undefined;
}

/** What renting the VPS of each seat would cost. */
interface Rent {
  region: string;
  size: string;
  cost: RentedCost;
}

/** @returns `undefined` when `class up` would rent nothing. */
async function rentOf({ lab, targets }: SeatPlan, spec: ClassSpec, seats: number): Promise<Rent | undefined> {
  const cloud = spec.cloud ?? lab.vps.cloud;
  if (!targets.includes("vps") || cloud === "local") return undefined;
  const { awsCredentials } = await import("../../drivers/ec2/credentials.js");
  if (cloud === "auto" && (await awsCredentials()) === undefined) return undefined;
  const { readPriceTable } = await import("../../drivers/ec2/price-table.js");
  const { rentalFor } = await import("../../seats/rental.js");
  const rental = rentalFor(lab, await priceRegion(lab.vps.region));
  const { costUntilEnd } = await import("../../classes/rented-seats.js");
  const ttl = spec.ttl ?? lab.ttl ?? Number.POSITIVE_INFINITY;
  const cost = costUntilEnd({ rental, seats, ttl }, await readPriceTable());
  return { region: rental.region, size: rental.size, cost };
}

const rentLine = ({ cost, region, size }: Rent, seats: number): string =>
  `${seats} rented machines (${size} in ${region}) ${costWords(cost)}. They were measured by a stand-in on this host.`;

function lines(
  { failures, hosts, notBegun, ready, seconds }: Rehearsal,
  costs: SeatCosts,
  style: Style,
): string[] {
  const after = (share: number): string => {
    const at = ready[Math.max(0, Math.ceil(ready.length * share) - 1)];
    return at === undefined ? "never" : formatDuration(Math.ceil(at));
  };
  const failed = Object.entries(failures);
  return [
    `one seat takes ${costs.control.toFixed(1)} s of trilab's computer and ${costs.host.toFixed(1)} s of its host; an image takes ${costs.image.toFixed(1)} s, once for each host`,
    ...columns([
      ["HOST", "SEATS", "READY"].map(style.bold),
      ...hosts.map(({ name, placed, ready: up }) => [name, String(placed), String(up)]),
    ]),
    ready.length === 0
      ? style.bad("no seat is ready")
      : `ready: the first after ${after(0)}, half after ${after(0.5)}, nine of ten after ${after(0.9)}, all ${ready.length} after ${after(1)}`,
    ...failed.map(([why, count]) => style.bad(`${count} failed: ${why}`)),
    ...(notBegun > 0 ? [style.bad(`${notBegun} not begun, because the first two failed`)] : []),
    ...(failed.length > 0 ? [`over after ${formatDuration(Math.ceil(seconds))}`] : []),
  ];
}

function faultsOf(args: Args): Faults {
  const lost = (text(args, "lost") ?? "")
    .split(",")
    .filter(Boolean)
    .map((word) => {
      const [, host, at] = /^(.+)@(\w+)$/.exec(word.trim()) ?? [];
      if (host === undefined || at === undefined)
        throw wrong("lost", `"${word}" names no host and time`, "write it like lab1@90s");
      return { host, at: duration("--lost", at) };
    });
  return {
    lost,
    slowImage:
      numberOption(args, "slow-image", {
        least: 1,
        most: 10_000,
        what: "a number of times",
        example: "10",
      }) ?? 1,
    refused:
      (numberOption(args, "refused", { least: 0, most: 100, unit: "%", what: "a share", example: "5%" }) ??
        0) / 100,
    perSecond:
      numberOption(args, "per-second", {
        least: 0.001,
        most: 1e6,
        what: "a number of machines",
        example: "2",
      }) ?? Number.POSITIVE_INFINITY,
  };
}

const wrong = (option: string, why: string, fix: string): UserError =>
  new UserError(`--${option} is wrong`, { why, fix, exitCode: ExitCode.usage });
