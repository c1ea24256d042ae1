import { closest } from "fastest-levenshtein";

/** A cloud's prices in one region: on-demand Linux machines on shared hardware, without tax. In US dollars. */
export interface RegionPrices {
  /** ISO 8601 date on which the figures were looked up. */
  date: string;
  /** In a few words: `public references`, `AWS Price List API`. */
  source: string;
  /** A gp3 volume, per GiB and month. */
  diskGiBMonth: number;
  /** A public IPv4 address, per hour. */
  addressHour: number;
  /** Instance type → price per hour. */
  instanceHour: Readonly<Record<string, number>>;
}

/** Prices by region. Spot prices are not listed. */
export interface PriceTable {
  schema: 1;
  /** The sources of the figures, and how reliable they are. */
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

/** US dollars per hour, for one machine. */
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
  /** The known name with the most similar spelling; absent when none is similar. */
  nearest?: string;
}

/** `perHour` is null if the table has no price; then `unknown` says why. */
export type Quote =
  | { perHour: HourlyPrice; date: string; source: string; unknown?: never }
  | { perHour: null; unknown: UnknownPrice };

/** Hours per month, as clouds count them. */
const HOURS_PER_MONTH = 730;
/** A rented machine is billed per second, but at least for a minute. */
const LEAST_SECONDS = 60;
const GiB = 2 ** 30;

/** What one rented machine costs per hour. */
export function quote(table: PriceTable, rental: Rental): Quote {
  const prices = own(table.regions, rental.region);
  if (prices === undefined) return missing("region", rental.region, Object.keys(table.regions));
  const instance = own(prices.instanceHour, rental.size);
  if (instance === undefined) return missing("size", rental.size, Object.keys(prices.instanceHour));
  // Volumes have whole GiB.
  const disk = (prices.diskGiBMonth * Math.ceil(rental.disk / GiB)) / HOURS_PER_MONTH;
  const address = prices.addressHour;
  return {
    perHour: { instance, disk, address, total: instance + disk + address },
    date: prices.date,
    source: prices.source,
  };
}

/** Looks up a user's input safely: `constructor` finds nothing. */
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

/** US dollars for this many machines; `session` is null without an end. */
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

/** The regions of both tables. For a region in both, the later prices; on the same day, those of the newer table. */
export function mergePrices(older: PriceTable, newer: PriceTable): PriceTable {
  const regions = { ...older.regions };
  for (const [region, prices] of Object.entries(newer.regions)) {
    const there = regions[region];
    if (there === undefined || prices.date >= there.date) regions[region] = prices;
  }
  return { ...older, regions };
}

/** `$12.30`, `$0.50`; below a dollar, fractions of a cent get four digits: `$0.0158`. */
export function formatUsd(dollars: number): string {
  const cents = dollars * 100;
  return `$${dollars.toFixed(dollars >= 1 || Math.abs(cents - Math.round(cents)) < 1e-6 ? 2 : 4)}`;
}

/** The seat's record of its rented machine. Times are ISO 8601. */
export interface Rented {
  /** When it began to cost. */
  since: string;
  /** Or `never`. */
  expires: string;
  /** The later end, if it was extended; like `expires`. */
  extendedTo?: string | undefined;
  /** Seconds that it was stopped, without the present stop; meanwhile, only its disk cost. Default 0. */
  stoppedSeconds?: number | undefined;
  /** When it was stopped; absent: it runs. */
  stopped?: string | undefined;
  /** Absent when the seat rents nothing. */
  rental?: Rental | undefined;
}

/** US dollars; `untilEnd` is null for a machine without end. */
export interface RunningCost {
  /** At present: of one that is stopped, the disk's. */
  perHour: number;
  soFar: number;
  untilEnd: number | null;
}

/**
 * What a seat has cost, and will have cost if it ends on time, and stays stopped if it is. An estimate from list price and
 * record, not a bill.
 *
 * @returns null when the seat rents nothing, or the price is not in the table.
 */
export function runningCost(table: PriceTable, record: Rented, now: Date): RunningCost | null {
  if (record.rental === undefined) return null;
  const { perHour } = quote(table, record.rental);
  if (perHour === null) return null;
  const since = Date.parse(record.since);
  const end = record.extendedTo ?? record.expires;
  const until = end === "never" ? Number.POSITIVE_INFINITY : Date.parse(end);
  const stopped = record.stopped === undefined ? undefined : Date.parse(record.stopped);
  const session = (to: number): number | null => {
    // If the clock was set back, the cost is not negative.
    const seconds = Math.max(0, to - since) / 1000;
    const present = stopped === undefined ? 0 : Math.max(0, to - Math.max(stopped, since)) / 1000;
    if (!Number.isFinite(seconds)) return null;
    const off = Math.min(seconds, (record.stoppedSeconds ?? 0) + present);
    const on = costOf(perHour, 1, seconds - off).session;
    return on === null ? null : on + (perHour.disk * off) / 3600;
  };
  return {
    perHour: stopped === undefined ? perHour.total : perHour.disk,
    soFar: session(now.getTime()) ?? 0,
    // After its end it still exists and still costs money.
    untilEnd: session(Math.max(until, now.getTime())),
  };
}
