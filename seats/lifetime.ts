import { ExitCode, UserError } from "../base/errors.js";
import type { SeatRecord } from "./seat-record.js";

/** Milliseconds since 1970; Infinity for `never`. */
export const endOf = (expires: string): number =>
  expires === "never" ? Number.POSITIVE_INFINITY : Date.parse(expires);

/** The other way round: ISO 8601 or `never`. Whole seconds, as machines count their time in them. */
export const expiresAt = (end: number): string =>
  Number.isFinite(end) ? new Date(Math.ceil(end / 1000) * 1000).toISOString() : "never";

/** The expiry in force: what `extend` made it, else what the seat was made with. */
export const expiryInForce = (record: Pick<SeatRecord, "expires" | "extendedTo">): string =>
  record.extendedTo ?? record.expires;

/**
 * The expiry moved on by `seconds` (Infinity: for good), counted from the one in force; for a seat whose time is up
 * already, from now.
 *
 * @throws UserError (exit 2) when the seat has no end that could be moved.
 */
export function extended(record: SeatRecord, seconds: number, now: number): string {
  const end = endOf(expiryInForce(record));
  if (!Number.isFinite(end) && Number.isFinite(seconds)) {
    throw new UserError(`seat "${record.seat}" of lab "${record.lab}" has no end to move`, {
      why: "it was given none, and stays until it is taken down",
      fix: `take it down when it is no longer needed: trilab down ${record.lab} --seat ${record.seat}`,
      exitCode: ExitCode.usage,
    });
  }
  return expiresAt(Math.max(end, now) + seconds * 1000);
}

/**
 * A seat whose time is up, with a new lease of `ttl` seconds (absent: no end) from now; `undefined` for one that still
 * has time. Not written down: its machines must have it first.
 */
export function revived(record: SeatRecord, ttl: number | undefined, now: number): SeatRecord | undefined {
  if (endOf(expiryInForce(record)) > now) return undefined;
  return { ...record, extendedTo: expiresAt(now + (ttl ?? Number.POSITIVE_INFINITY) * 1000) };
}
