import { localTime } from "../base/local-time.js";
import { formatDuration } from "../model/units.js";

/** When something ends, relative to now: `in 1h30m`, `5m ago`, `never`; empty when unknown. */
export function timeLeft(expires: string, now = Date.now()): string {
  if (expires === "" || expires === "never") return expires;
  const seconds = (Date.parse(expires) - now) / 1000;
  return seconds > 0 ? `in ${formatDuration(seconds)}` : `${formatDuration(-seconds)} ago`;
}

/** A point in time and how far it is from now: `2026-11-26 08:13 UTC, in 3h56m`; `never` and nothing stay as they are. */
export function moment(iso: string, now = Date.now()): string {
  return iso === "" || iso === "never" ? iso : `${localTime(iso)}, ${timeLeft(iso, now)}`;
}
