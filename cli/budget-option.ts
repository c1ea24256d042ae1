import type { Options } from "yargs";
import { ExitCode, UserError } from "../base/errors.js";
import { type Args, text } from "./define-command.js";

/** The option of the commands that respect a budget. */
export const budgetOption = {
  budget: {
    type: "string",
    describe:
      "the most US dollars that the rented machines may cost until the seat's end; more is refused; none: no limit",
  },
} as const satisfies Record<string, Options>;

/** `--budget` in US dollars: `5`, `2.50`, `$5`; Infinity for `none`. @throws UserError (exit 2) when it is not an amount. */
export function budgetOf(args: Args): number | undefined {
  const given = text(args, "budget");
  if (given === undefined) return undefined;
  if (given.trim() === "none") return Number.POSITIVE_INFINITY;
  const amount = /^\$?(\d+(?:\.\d+)?)$/.exec(given.trim())?.[1];
  if (amount !== undefined) return Number(amount);
  throw new UserError(`--budget ${given} is not an amount of money`, {
    why: "a budget is a number of US dollars",
    fix: "write 5, 2.50 or none",
    exitCode: ExitCode.usage,
  });
}
