import { closest } from "fastest-levenshtein";

/** What a cloud asks in one region: on-demand Linux machines on shared hardware, without tax. In US dollars. */
export interface RegionPrices {
  /** ISO 8601 date on which the figures were looked up. */
  date: string;
  /** In a few words: `public references`, `AWS Price List API`. */
  source: string;
  /** A gp3 volume, for each GiB and month. */
  diskGiBMonth: number;
  /** A public IPv4 address, an hour. */
  addressHour: number;
  /** Instance type → an hour of it. */
  instanceHour: Readonly<Record<string, number>>;
}

/** Prices by region. Spot prices are not listed. */
export interface PriceTable {
  schema: 1;
  /** Where the figures come from and how far they can be trusted. */
  sources: readonly string[];
  regions: Readonly<Record<string, RegionPrices>>;
}

/** A machine as rented: one instance with its root volume and a public address. */
export interface Rental {
  /** `us-east-1` */
  region: string;
  /** The instance type: `t3.micro`. */
  size: string;
  /** Bytes of the root volume. */
  disk: number;
}

/** US dollars an hour, for one machine. */
export interface HourlyPrice {
  instance: number;
  disk: number;
  address: number;
  total: number;
}

/** What the table lacks, and what it has. */
export interface UnknownPrice {
  what: "region" | "size";
  given: string;
  /** Sorted; the sizes are those of the region. */
  known: string[];
  /** Of those known the one spelled most alike; absent when none is. */
  nearest?: string;
}

/** `perHour` is null where the table has no price; `unknown` then says why. */
export type Quote =
  | { perHour: HourlyPrice; date: string; source: string; unknown?: never }
  | { perHour: null; unknown: UnknownPrice };

/** Hours of a month, as clouds count them. */
export const HOURS_PER_MONTH = 730;
/** A rented machine is billed by the second, but for a minute at least. */
const LEAST_SECONDS = 60;
const GiB = 2 ** 30;

/** What one rented machine costs an hour. */
export function quote(table: PriceTable, rental: Rental): Quote {
  const prices = own(table.regions, rental.region);
  if (prices === undefined) return missing("region", rental.region, Object.keys(table.regions));
  const instance = own(prices.instanceHour, rental.size);
  if (instance === undefined) return missing("size", rental.size, Object.keys(prices.instanceHour));
  // Volumes come in whole GiB.
  const disk = (prices.diskGiBMonth * Math.ceil(rental.disk / GiB)) / HOURS_PER_MONTH;
  const address = prices.addressHour;
  return {
    perHour: { instance, disk, address, total: instance + disk + address },
    date: prices.date,
    source: prices.source,
  };
}

/** What is there under a name that a user typed: `constructor` is none. */
const own = <T>(record: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined;

function missing(what: UnknownPrice["what"], given: string, known: string[]): Quote {
  return {
    perHour: null,
    unknown: {
      what,
      given,
      known: known.sort(),
      ...(known.length > 0 ? { nearest: closest(given, known) } : {}),
    },
  };
}

/** US dollars for so many machines; `session` is null for one without end. */
export interface Cost {
  hour: number;
  day: number;
  month: number;
  session: number | null;
}

/**
 * What `seats` such machines cost.
 *
 * @param ttl seconds that each of them runs; Infinity for `none`.
 */
export function costOf(perHour: HourlyPrice, seats: number, ttl: number): Cost {
  const hour = perHour.total * seats;
  return {
    hour,
    day: hour * 24,
    month: hour * HOURS_PER_MONTH,
    session: Number.isFinite(ttl) ? (hour * Math.max(ttl, LEAST_SECONDS)) / 3600 : null,
  };
}

/** Both tables' regions; of a region that both have, the prices looked up last, and of the same day the newer table's. */
export function mergePrices(older: PriceTable, newer: PriceTable): PriceTable {
  const regions = { ...older.regions };
  for (const [region, prices] of Object.entries(newer.regions)) {
    const there = regions[region];
    if (there === undefined || prices.date >= there.date) regions[region] = prices;
  }
  return { ...older, regions };
}

/** `$12.30`, `$0.50`; what is no whole number of cents below a dollar has four digits: `$0.0158`. */
export function formatUsd(dollars: number): string {
  const cents = dollars * 100;
  return `$${dollars.toFixed(dollars >= 1 || Math.abs(cents - Math.round(cents)) < 1e-6 ? 2 : 4)}`;
}

/** What a seat's record says of its rented machine. Times are ISO 8601. */
export interface Rented {
  /** When it began to cost. */
  since: string;
  /** Or `never`. */
  expires: string;
  /** A later end, where it was extended: as `expires`. */
  extendedTo?: string | undefined;
  /** Absent when the seat rents nothing. */
  rental?: Rental | undefined;
}

/** US dollars; `untilEnd` is null for a machine without end. */
export interface RunningCost {
  perHour: number;
  soFar: number;
  untilEnd: number | null;
}

/**
 * What a seat has cost, and will have when it ends on time. An estimate from the list price and the record's times, no bill.
 *
 * @returns null when the seat rents nothing, or at a price the table lacks.
 */
export function runningCost(table: PriceTable, record: Rented, now: Date): RunningCost | null {
  if (record.rental === undefined) return null;
  const { perHour } = quote(table, record.rental);
  if (perHour === null) return null;
  const since = Date.parse(record.since);
  const end = record.extendedTo ?? record.expires;
  const until = end === "never" ? Number.POSITIVE_INFINITY : Date.parse(end);
  // A clock that was set back makes no negative bill.
  const session = (to: number) => costOf(perHour, 1, Math.max(0, to - since) / 1000).session;
  return {
    perHour: perHour.total,
    soFar: session(now.getTime()) ?? 0,
    // Past its end it is still there, and still costs.
    untilEnd: session(Math.max(until, now.getTime())),
  };
}
