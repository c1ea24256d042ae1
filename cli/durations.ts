import { ExitCode, UserError } from "../base/errors.js";
import { parseDuration } from "../components/helpers/units.js";

/** Seconds that an option's value says. @throws UserError (exit 2) when it is no duration. */
export function duration(option: string, value: string): number {
  const seconds = parseDuration(value);
  if (seconds !== undefined) return seconds;
  throw new UserError(`--${option} ${value} is no duration`, {
    why: "a duration is whole numbers with the units d, h, m, s",
    fix: "write 90s, 5m, 1h30m",
    exitCode: ExitCode.usage,
  });
}

/** The seconds of `--ttl`; Infinity for `none`. */
export const lifetime = (value: string | undefined): number | undefined =>
  value === undefined ? undefined : value === "none" ? Number.POSITIVE_INFINITY : duration("ttl", value);
