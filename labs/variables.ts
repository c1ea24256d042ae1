import { createHmac } from "node:crypto";
import { z } from "zod";

/** The longest range of a drawn number, so that every value is as likely as the others within one part in 65 000. */
const MAX_RANGE = 2 ** 32;

const variableSchema = z
  .strictObject({
    int: z
      .tuple([z.int(), z.int()])
      .refine(
        ([low, high]) => low < high && high - low < MAX_RANGE,
        "must be [LOW, HIGH], with LOW below HIGH",
      )
      .optional()
      .describe("[LOW, HIGH]: a whole number between these two, both included"),
    pick: z
      .array(z.string().regex(/^[\w.-]+$/, "may contain only letters, digits, dots, hyphens and underscores"))
      .min(2)
      .optional()
      .describe("one of these words"),
  })
  .refine(({ int, pick }) => (int === undefined) !== (pick === undefined), "needs either int or pick");

/** lab.yaml's `vars`: values that differ from seat to seat, so that an answer can't be copied. */
export const variablesSchema = z.record(
  z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,30}$/, "must begin with a letter; then letters, digits and underscores"),
  variableSchema,
);

export type Variables = z.output<typeof variablesSchema>;

/** The values of one seat, as text. */
export type Values = Readonly<Record<string, string>>;

/**
 * Draws a seat's values: HMAC-SHA256 with the seat's key over `lab/variable`. The same key always gives the same values,
 * so an instructor who has the key can compute them again. Pure.
 */
export function drawValues(variables: Variables, lab: string, key: string): Values {
  return Object.fromEntries(
    Object.entries(variables).map(([name, { int, pick }]) => {
      const number = createHmac("sha256", key).update(`${lab}/${name}`).digest().readUIntBE(0, 6);
      if (int) return [name, String(int[0] + (number % (int[1] - int[0] + 1)))];
      return [name, pick?.[number % pick.length] ?? ""];
    }),
  );
}

const REFERENCE = /\$\{([a-z][a-z0-9_]*)\}/g;

/** Replaces each `${name}` that is a variable; others stay, because a guide may show shell code. Pure. */
export const fillIn = (text: string, values: Values): string =>
  text.replace(REFERENCE, (whole, name: string) => values[name] ?? whole);

/** The names in a text that are not variables. Pure. */
export const unknownNames = (text: string, variables: Variables): string[] =>
  [...text.matchAll(REFERENCE)].map(([, name = ""]) => name).filter((name) => !(name in variables));
