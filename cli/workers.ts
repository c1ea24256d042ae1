import { ExitCode, UserError } from "../base/errors.js";
import { type Args, text } from "./define-command.js";

export const workersOption = {
  "max-workers": {
    type: "string",
    describe: "how many seats are handled at once; default: four for each CPU, at most eight",
  },
} as const;

/** @throws UserError (exit 2) when it is no whole number from 1 to 64. */
export function workersOf(args: Args): number | undefined {
  const word = text(args, "max-workers");
  if (word === undefined) return undefined;
  const number = Number(word);
  if (Number.isInteger(number) && number >= 1 && number <= 64) return number;
  throw new UserError(`"${word}" is not a number of seats`, {
    why: "--max-workers takes a whole number from 1 to 64",
    fix: "for example: --max-workers 4",
    exitCode: ExitCode.usage,
  });
}
