import type { Lab } from "../labs/load-lab.js";
import { awsDiskGiB } from "../model/aws-disk.js";
import { instanceTypeFor } from "../model/instance-catalogue.js";
import type { Rental, Rented } from "../model/prices.js";
import { machineOf, rentedAt, type SeatRecord } from "./seat-record.js";

const GiB = 2 ** 30;

/** The part of a seat that costs money; `undefined` if it rents nothing. */
export function rentalOf(record: Pick<SeatRecord, "disk" | "machines" | "vps">): Rental | undefined {
  const { disk, vps } = record;
  const region = rentedAt(record)?.region;
  if (vps === undefined || region === undefined) return undefined;
  return { region, size: vps.type, disk: awsDiskGiB(disk) * GiB };
}

/** What a seat has rented, and since when; `undefined` if it has nothing that costs money. */
export function rentedSince(record: SeatRecord): (Rented & { rental: Rental }) | undefined {
  const rental = rentalOf(record);
  const machine = machineOf(record, "vps");
  if (rental === undefined || machine?.address === undefined) return undefined;
  const { created, expires, extendedTo, vps } = record;
  const stops = { stoppedSeconds: vps?.stoppedSeconds, stopped: machine.stopped };
  return { since: vps?.since ?? created, expires, extendedTo, rental, ...stops };
}

/**
 * From when on a seat's rented machine has to be paid in full, in milliseconds since 1970: later than when it was rented by the
 * time in which it was stopped. Now, if nothing is rented yet.
 */
export function paidSince(record: SeatRecord | undefined): number {
  const rented = record && rentedSince(record);
  return rented ? Date.parse(rented.since) + (rented.stoppedSeconds ?? 0) * 1000 : Date.now();
}

/**
 * What a new seat of a lab would rent.
 *
 * @param size instance type; absent: the lab's, else the smallest of the catalogue that fits its machine.
 * @throws UserError (exit 2) when no type fits.
 */
export const rentalFor = (
  { machine, vps }: Pick<Lab, "machine" | "vps">,
  region: string,
  size = instanceTypeFor(machine, vps.size).name,
): Rental => ({ region, size, disk: awsDiskGiB(machine.disk) * GiB });

/** The requested budget, else the seat's own; absent: none. */
export function budgetInForce(
  existing: Pick<SeatRecord, "budget"> | undefined,
  asked: number | undefined,
): number | undefined {
  const budget = asked ?? existing?.budget;
  return budget === Number.POSITIVE_INFINITY ? undefined : budget;
}
