import { ExitCode, UserError } from "../base/errors.js";
import { parseDuration } from "../model/units.js";

/**
 * Seconds from a duration on the command line.
 *
 * @param what The argument's name, for the error: `--wait`.
 * @throws UserError (exit 2) when it is not a duration, not more than zero, or more than ten years.
 */
export function duration(what: string, value: string): number {
  const seconds = parseDuration(value);
  if (seconds !== undefined) return seconds;
  throw new UserError(`${what} ${value} is not a duration`, {
    why: "a duration is whole numbers with the units d, h, m, s, more than zero and at most 3650d (ten years)",
    fix: "write 90s, 5m, 1h30m",
    exitCode: ExitCode.usage,
  });
}

/** As {@link duration}; Infinity for `none`. */
export const lifetime = (what: string, value: string): number =>
  value === "none" ? Number.POSITIVE_INFINITY : duration(what, value);
