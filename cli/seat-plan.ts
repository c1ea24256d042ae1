import { ExitCode, UserError } from "../base/errors.js";
import { readPriceTable } from "../drivers/ec2/price-table.js";
import type { Sources } from "../drivers/inventory.js";
import { type ImageSpec, imageHash } from "../images/index.js";
import { type Lab, loadLab } from "../labs/define-lab.js";
import type { SeatId, Target } from "../model/naming.js";
import { formatUsd } from "../model/prices.js";
import { hostedImages, keptImage } from "../seats/image-specs.js";
import { endOf, expiryInForce } from "../seats/lifetime.js";
import { checkSeatName, type SeatRequest, wantedTargets } from "../seats/prepare-seat.js";
import { chooseRenting } from "../seats/rent.js";
import { rentalFor, rentalOf, rentedSince } from "../seats/rental.js";
import { readRecord, type SeatRecord } from "../seats/seat-record.js";
import { type Renting, sourcesOf } from "../seats/sources.js";
import { requireBudget } from "./budget.js";

/** What the user asks for; what is absent is as the seat has it, else as its lab says. */
export interface SeatWish extends Omit<SeatRequest, "lab"> {
  /** A lab's name or folder. */
  lab: string;
  /** The most it may cost, in US dollars. */
  budget?: number;
}

/** What `up` is about to do, decided before anything is made. */
export interface SeatPlan {
  id: SeatId;
  lab: Lab;
  request: SeatRequest;
  /** The seat as it is; `undefined` for a new one. */
  existing: SeatRecord | undefined;
  /** All it will have. */
  targets: readonly Target[];
  sources: Sources;
  /** The images that this host must have for it. */
  images: readonly ImageSpec[];
  /** How long a new lease lasts, in seconds; absent: it has no end. */
  ttl: number | undefined;
}

/** @throws UserError when the lab or the seat can't be had so, or costs more than the budget. */
export async function planSeat({ budget, ...wish }: SeatWish): Promise<SeatPlan> {
  checkSeatName(wish.seat);
  const lab = await loadLab(wish.lab);
  const request = { ...wish, lab };
  const id = { lab: lab.name, seat: wish.seat };
  const existing = await readRecord(id);
  const targets = wantedTargets(request, existing);
  const renting = targets.includes("vps") ? await chooseRenting(existing?.vps, request) : undefined;
  const plan = {
    id,
    lab,
    request,
    existing,
    targets,
    sources: sourcesOf(targets, renting),
    // An image of its own that is not the lab's any more can't be built again: the seat's machines have it already.
    images: hostedImages(lab.machine, targets, renting?.cloud, existing?.disk)
      .filter(({ of, spec }) => [undefined, imageHash(spec)].includes(keptImage(existing, of)))
      .map(({ spec }) => spec),
    ttl: wish.ttl ?? lab.ttl,
  };
  if (budget !== undefined) await keepTo(budget, plan, renting);
  return plan;
}

/** @throws UserError (exit 2) when what is rented would cost more by the seat's end. */
async function keepTo(budget: number, plan: SeatPlan, renting: Renting | undefined): Promise<void> {
  if (renting?.region === undefined) return;
  const { existing, lab } = plan;
  if ((existing?.vps ?? lab.vps).credits === "unlimited") throw noLimit(budget);
  const machine = { ...lab.machine, disk: existing?.disk ?? lab.machine.disk };
  const rental = (existing && rentalOf(existing)) ?? rentalFor({ ...lab, machine }, renting.region);
  // A seat that is there keeps its end, unless its time is up: then it gets a new lease.
  const end = existing ? endOf(expiryInForce(existing)) : 0;
  const fresh = plan.ttl ?? Number.POSITIVE_INFINITY;
  const since = Date.parse((existing && rentedSince(existing)?.since) ?? new Date().toISOString());
  const ttl = end > Date.now() ? (end - since) / 1000 : fresh;
  requireBudget(budget, { rental, seats: 1, ttl }, await readPriceTable());
}

const noLimit = (budget: number): UserError =>
  new UserError(`nobody can promise a budget of ${formatUsd(budget)}`, {
    why: "the lab asks for unlimited CPU credits, which cost by use, on top of the price of the machine",
    fix: "set vps.credits to standard in lab.yaml, or leave --budget away",
    exitCode: ExitCode.usage,
  });
