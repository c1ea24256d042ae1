import { ExitCode, UserError } from "../base/errors.js";
import type { SeatRecord } from "./seat-record.js";

/** Milliseconds since 1970; Infinity for `never`. */
export const endOf = (expires: string): number =>
  expires === "never" ? Number.POSITIVE_INFINITY : Date.parse(expires);

/** The reverse: ISO 8601 or `never`, in whole seconds, because machines count in seconds. */
export const expiresAt = (end: number): string =>
  Number.isFinite(end) ? new Date(Math.ceil(end / 1000) * 1000).toISOString() : "never";

/** The effective expiry: the one that `extend` set, else the original one. */
export const expiryInForce = (record: Pick<SeatRecord, "expires" | "extendedTo">): string =>
  record.extendedTo ?? record.expires;

/**
 * The expiry, `seconds` later (Infinity: never) than the effective one; for a seat whose time is up, counted from now.
 *
 * @throws UserError (exit 2) when the seat has no end that could be moved.
 */
export function extended(record: SeatRecord, seconds: number, now: number): string {
  const end = endOf(expiryInForce(record));
  if (!Number.isFinite(end) && Number.isFinite(seconds)) {
    throw new UserError(`seat "${record.seat}" of lab "${record.lab}" has no end to move`, {
      why: "it was made without an end, and stays until it is taken down",
      fix: `take it down when it is no longer needed: trilab down ${record.lab} --seat ${record.seat}`,
      exitCode: ExitCode.usage,
    });
  }
  return expiresAt(Math.max(end, now) + seconds * 1000);
}

/**
 * A seat whose time is up, with a new lease of `ttl` seconds from now (absent: no end); `undefined` if it still has
 * time. The record is not saved here: the machines must have the new expiry first.
 */
export function revived(record: SeatRecord, ttl: number | undefined, now: number): SeatRecord | undefined {
  if (endOf(expiryInForce(record)) > now) return undefined;
  return { ...record, extendedTo: expiresAt(now + (ttl ?? Number.POSITIVE_INFINITY) * 1000) };
}
