import type { Options, PositionalOptions } from "yargs";
import { ExitCode, UserError } from "../base/errors.js";
import type { Context } from "./context.js";

/** A command's parsed arguments, as yargs gives them: checked against `positionals` and `options`. */
export type Args = Readonly<Record<string, unknown>>;

/** A command as data: how it is called, and what it does. `handler` imports heavy modules itself. */
export interface Command {
  /** With positionals as yargs writes them: `up [lab]`. */
  usage: string;
  aliases?: readonly string[];
  description: string;
  positionals?: Readonly<Record<string, PositionalOptions>>;
  options?: Readonly<Record<string, Options>>;
  /** Each: a command line, and what it does. */
  examples?: readonly (readonly [string, string])[];
  /** Returns the exit code; `undefined` means 0. Throws UserError for what the user can fix. */
  handler?: (args: Args, ctx: Context) => Promise<number | undefined>;
  /** Whether it takes arguments after `--`. */
  takesRest?: true;
  /** Options whose value may be left out. */
  valueOptional?: readonly string[];
  /** The URL of the shared state that it works in, if it does, and TRILAB_STATE says no other. */
  stateOf?: (args: Args) => Promise<string | undefined>;
  /** Whether it may make a shared state that is not there. */
  makesState?: true;
  /** Commands below this one: `labs ls`. */
  subcommands?: readonly Command[];
}

/** Returns the command unchanged; exists so that the compiler checks each command in its own file. */
export const defineCommand = (command: Command): Command => command;

/** An argument that is text, or `undefined` when it was not given. */
export function text(args: Args, name: string): string | undefined {
  const value = args[name];
  return value === undefined ? undefined : String(value);
}

export const flag = (args: Args, name: string): boolean => args[name] === true;

/** The arguments after `--`. */
export const rest = (args: Args): string[] => (Array.isArray(args["--"]) ? args["--"].map(String) : []);

/**
 * The command after `--` that is run in machines.
 *
 * @param command As which command takes it: `run`.
 * @throws UserError (exit 2) when there is none.
 */
export function commandAfter(args: Args, command: string): string[] {
  const words = rest(args);
  if (words.length > 0) return words;
  throw new UserError("no command is given", {
    why: `${command} takes it after --`,
    fix: `for example: trilab ${command} -- uname -a`,
    exitCode: ExitCode.usage,
  });
}

/** @throws UserError (exit 2) when both --csv and --json are given. */
export function requireOneFormat(args: Args, json: boolean): void {
  if (!flag(args, "csv") || !json) return;
  throw new UserError("--csv and --json can't be used together", {
    why: "both write to standard output",
    fix: "choose one of them",
    exitCode: ExitCode.usage,
  });
}

/** The options that name a seat, the same for every command that works on one. */
export const seatOptions = {
  seat: {
    type: "string",
    describe: "the seat's name; default: the only seat there is, else your login name",
  },
} as const satisfies Record<string, Options>;

/** As {@link seatOptions}, for commands whose positional is not the lab. */
export const labAndSeatOptions = {
  lab: {
    type: "string",
    describe: "the lab, by name or by its folder's path; default: that of the only seat there is",
  },
  ...seatOptions,
} as const satisfies Record<string, Options>;

/** The options of the commands that list seats or what is kept of them. */
export const onlySeatOptions = {
  lab: { type: "string", describe: "only this lab, by name or by its folder's path; default: all" },
  seat: { type: "string", describe: "only this seat; default: all" },
} as const satisfies Record<string, Options>;

export const yesOption = {
  yes: { alias: "y", type: "boolean", describe: "don't ask before installing or starting what is missing" },
} as const satisfies Record<string, Options>;
