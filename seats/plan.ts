import type { Drivers } from "../drivers/drivers.js";
import { type ImageSpec, imageHash } from "../images/index.js";
import { type Lab, loadLab } from "../labs/load-lab.js";
import type { Ec2Endpoint } from "../model/endpoint.js";
import type { SeatId, Target } from "../model/naming.js";
import { keepTo, type Spending } from "./budget.js";
import { hostedImages, keptImage } from "./image-specs.js";
import { endOf, expiryInForce } from "./lifetime.js";
import { checkSeatName, type SeatRequest, wantedTargets } from "./prepare-seat.js";
import { chooseRenting, type Renting, rentingOf } from "./rent-vps.js";
import { budgetInForce, paidSince, rentalFor, rentalOf } from "./rental.js";
import { driversAt, endpointOf } from "./seat-drivers.js";
import { identified, readRecord, type SeatRecord } from "./seat-record.js";

/** The user's request. What is absent stays as the seat has it, else follows the lab. */
export interface SeatWish extends Omit<SeatRequest, "lab"> {
  /** A lab's name or folder. */
  lab: string;
  /** Plan a new seat although there is one, because it will be given up before. */
  anew?: boolean;
}

/** What `up` will do, decided before anything is made. */
export interface SeatPlan {
  id: SeatId;
  lab: Lab;
  request: SeatRequest;
  /** The seat as it is; `undefined` for a new one. */
  existing: SeatRecord | undefined;
  /** All targets that it will have. */
  targets: readonly Target[];
  /** Drivers of the daemons and regions with its machines, existing and new. */
  drivers: Drivers;
  /** The images that this host must have for it. */
  images: readonly ImageSpec[];
  /** How long a new lease lasts, in seconds; absent: it has no end. */
  ttl: number | undefined;
  /** What costs money until the seat's end; `agreed`: the user agreed when it was rented. */
  spending?: (Spending & { agreed: boolean }) | undefined;
}

/** @throws UserError when the lab or the request is invalid, or costs more than the budget. */
export async function planSeat({ anew = false, ...wish }: SeatWish): Promise<SeatPlan> {
  checkSeatName(wish.seat);
  const lab = await loadLab(wish.lab);
  const request = { ...wish, lab };
  const id = await identified({ lab: lab.name, seat: wish.seat });
  const existing = anew ? undefined : await readRecord(id);
  const targets = wantedTargets(request, existing);
  const renting = targets.includes("vps") ? await chooseRenting(rentingOf(existing), request) : undefined;
  const plan = {
    id,
    lab,
    request,
    existing,
    targets,
    drivers: driversAt(
      targets.map((target) => endpointOf(target, existing, request.endpoints, rentedIn(renting))),
    ),
    // An older image than the lab's can't be built again, and need not be: the seat's machines have it.
    images: hostedImages(lab.machine, targets, renting?.cloud, existing?.disk)
      .filter(({ of, spec }) => [undefined, imageHash(spec)].includes(keptImage(existing, of)))
      .map(({ spec }) => spec),
    ttl: wish.ttl ?? lab.ttl,
  };
  const spending = spendingOf(plan, renting);
  const budget = budgetInForce(existing, wish.budget);
  // An existing seat keeps its end: --ttl does not shorten it.
  const shorter = spending?.agreed ? [() => undefined] : [];
  if (spending && budget !== undefined) await keepTo(budget, spending, ...shorter);
  return { ...plan, spending };
}

const rentedIn = (renting: Renting | undefined): Ec2Endpoint | undefined =>
  renting?.region === undefined ? undefined : { kind: "ec2", region: renting.region };

/** What a seat will have rented by its end; `undefined` if nothing is rented. */
function spendingOf(
  { existing, lab, ttl }: Pick<SeatPlan, "existing" | "lab" | "ttl">,
  renting: Renting | undefined,
): SeatPlan["spending"] {
  if (renting?.region === undefined) return undefined;
  const machine = { ...lab.machine, disk: existing?.disk ?? lab.machine.disk };
  const rental = (existing && rentalOf(existing)) ?? rentalFor({ ...lab, machine }, renting.region);
  // An existing seat keeps its end, unless its time is up: then it gets a new lease.
  const end = existing ? endOf(expiryInForce(existing)) : 0;
  const since = paidSince(existing);
  const runs = end > Date.now();
  return {
    rental,
    seats: 1,
    ttl: runs ? (end - since) / 1000 : (ttl ?? Number.POSITIVE_INFINITY),
    unlimited: (existing?.vps ?? lab.vps).credits === "unlimited",
    agreed: runs && existing?.vps?.cloud === "aws",
  };
}
