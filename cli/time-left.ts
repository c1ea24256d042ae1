import { formatDuration } from "../model/units.js";

/** When something ends, beside now: `in 1h30m`, `5m ago`, `never`; empty when nothing tells. */
export function timeLeft(expires: string, now = Date.now()): string {
  if (expires === "" || expires === "never") return expires;
  const seconds = (Date.parse(expires) - now) / 1000;
  return seconds > 0 ? `in ${formatDuration(seconds)}` : `${formatDuration(-seconds)} ago`;
}
