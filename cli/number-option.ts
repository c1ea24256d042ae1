import { ExitCode, UserError } from "../base/errors.js";
import { type Args, text } from "./define-command.js";

export interface NumberOption {
  least: number;
  most: number;
  /** Whether it must be a whole number. Default false. */
  whole?: boolean;
  /** What may stand behind it: `%`. */
  unit?: string;
  /** What it is: `a port`. */
  what: string;
  example: string;
  /** How the user calls it. Default: `--` and its name. */
  called?: string;
}

/** A number of the command line; `undefined` if it is not given. @throws UserError (exit 2) when it is none, or out of range. */
export function numberOption(args: Args, name: string, option: NumberOption): number | undefined {
  const { called = `--${name}`, example, least, most, unit = "", what, whole = false } = option;
  const word = text(args, name);
  if (word === undefined) return undefined;
  const number = Number(word.endsWith(unit) ? word.slice(0, word.length - unit.length) : word);
  if (word.trim() !== "" && number >= least && number <= most && (!whole || Number.isInteger(number)))
    return number;
  throw new UserError(`"${word}" is not ${what}`, {
    why: `${called} takes a ${whole ? "whole " : ""}number from ${least}${unit} to ${most}${unit}`,
    fix: `for example: ${called === `--${name}` ? `${called} ` : ""}${example}`,
    exitCode: ExitCode.usage,
  });
}
