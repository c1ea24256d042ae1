import { asksAbout, type Drivers, endpointsOf } from "../drivers/drivers.js";
import type { Found } from "../drivers/found.js";
import type { Endpoint } from "../model/endpoint.js";
import { KINDS, type Kind, sourceOf } from "../model/kinds.js";
import type { SeatId } from "../model/naming.js";
import { runningCost } from "../model/prices.js";
import { endOf, expiryInForce } from "./lifetime.js";
import { rentedSince } from "./rental.js";
import type { SeatRecord } from "./seat-record.js";

/** What is left of a seat, as Docker, libvirt and AWS report it. */
export interface Receipt extends SeatId {
  /** How many of each kind are left; `null` for kinds whose endpoint was not queried. */
  left: Record<Kind, number | null>;
  /** The same things, by name. */
  residue: Found[];
  /** The endpoints that were queried. */
  asked: Endpoint[];
  /** The endpoints that were not queried, because they don't answer and the user says they are gone for good. */
  gone: Endpoint[];
  /** What renting has cost, in US dollars: an estimate by list price. Absent: nothing, or unknown. */
  cost?: number;
  /** ISO 8601. */
  at: string;
}

/** Whether nothing at all is left. */
export const isClean = (receipt: Receipt): boolean => receipt.residue.length === 0;

/**
 * The receipt of a removal.
 *
 * @param residue what the drivers still have of the seat.
 * @param record the seat's, as it was before its removal.
 */
export async function makeReceipt(
  { lab, seat }: SeatId,
  residue: Found[],
  { drivers, gone = [] }: { drivers: Drivers; gone?: readonly Endpoint[] },
  record: SeatRecord | undefined,
): Promise<Receipt> {
  const count = (kind: Kind): number | null =>
    asksAbout(drivers, sourceOf(kind)) ? residue.filter((found) => found.kind === kind).length : null;
  const left = Object.fromEntries(KINDS.map((kind) => [kind, count(kind)])) as Receipt["left"];
  const at = new Date();
  const cost = record && (await costOfSession(record, at));
  return {
    ...{ lab, seat, left, residue, asked: endpointsOf(drivers), gone: [...gone], at: at.toISOString() },
    ...(cost === undefined ? {} : { cost }),
  };
}

/** What the seat has rented until now, or until its end if that has passed: a rented machine that runs ends itself then. */
async function costOfSession(record: SeatRecord, now: Date): Promise<number | undefined> {
  const rented = rentedSince(record);
  if (rented === undefined) return undefined;
  const { readPriceTable } = await import("../drivers/ec2/price-table.js");
  const end = rented.stopped === undefined ? endOf(expiryInForce(record)) : Number.POSITIVE_INFINITY;
  const until = new Date(Math.min(now.getTime(), end));
  return runningCost(await readPriceTable(), rented, until)?.soFar;
}
