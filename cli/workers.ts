import type { Args } from "./define-command.js";
import { numberOption } from "./number-option.js";

export const workersOption = {
  "max-workers": {
    type: "string",
    describe: "how many seats are handled at once; default: four for each CPU, at most eight",
  },
} as const;

/** @throws UserError (exit 2) when it is no whole number from 1 to 64. */
export const workersOf = (args: Args): number | undefined =>
  numberOption(args, "max-workers", {
    ...{ least: 1, most: 64, whole: true },
    ...{ what: "a number of seats", example: "4" },
  });
