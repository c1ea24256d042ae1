import { z } from "zod";
import { parseDuration } from "../model/units.js";

/**
 * A text in a YAML file that is read as something else.
 *
 * @param parse Returns `undefined` for what is none.
 * @param what What the text should be, and how it is written: `a percentage: write "15%"`.
 */
export const parsedText = <T>(parse: (text: string) => T | undefined, what: string) =>
  z.string().transform((text, ctx) => {
    const parsed = parse(text);
    if (parsed !== undefined) return parsed;
    ctx.addIssue(`"${text}" is not ${what}`);
    return z.NEVER;
  });

/** How long a seat lives, in seconds; Infinity for `none`. */
export const lifetimeText = parsedText(
  (text) => (text === "none" ? Number.POSITIVE_INFINITY : parseDuration(text)),
  'a duration: write "3h", "1h30m", "45m", at most "3650d", or "none"',
);
