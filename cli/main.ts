import { closest, distance } from "fastest-levenshtein";
import yargs, { type Argv } from "yargs";
import { ExitCode, UserError } from "../base/errors.js";
import { asCalled, program } from "../base/program.js";
import { COMMANDS } from "./commands/index.js";
import type { Context } from "./context.js";
import { type Args, type Command, rest } from "./define-command.js";
import { inState } from "./shared-state.js";
import { readVersion } from "./version.js";

/** Options that every command takes. */
const GLOBAL_OPTIONS = {
  json: { type: "boolean", describe: "print the result as JSON" },
} as const;

/**
 * Runs one command line and returns its exit code. Never ends the process.
 *
 * @param argv without node and script: `["up", "first-boot"]`.
 */
export async function main(
  argv: readonly string[],
  makeContext: (json: boolean) => Context,
): Promise<number> {
  let exitCode: number = ExitCode.done;
  const parser = yargs(joinNegatives(argv))
    .scriptName(program())
    .usage("$0 <command>\n\nThe same machine as a container and as a virtual machine, side by side.")
    .options(GLOBAL_OPTIONS)
    .parserConfiguration({ "populate--": true, "parse-numbers": false })
    .strict()
    .recommendCommands()
    .demandCommand(1, "name a command")
    .completion(
      "completion",
      asCalled("print a shell completion script (bash, zsh): source <(trilab completion)"),
    )
    .version(readVersion())
    .help()
    .alias("h", "help")
    .wrap(Math.min(100, process.stderr.columns ?? 100))
    .epilogue(
      "Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 host not ready, 4 checks not passed,\n5 out of parity, 6 no such lab or seat, 7 locked by another run, 8 something is left,\n9 something could not be looked at, 130 interrupted.",
    )
    .exitProcess(false)
    .fail((message, error) => {
      if (error) throw error;
      throw usageError(message, argv);
    });
  for (const command of COMMANDS) {
    register(parser, command, makeContext, (code) => {
      exitCode = code;
    });
  }
  if (argv.length === 0) {
    makeContext(false).print(await parser.getHelp());
    return ExitCode.done;
  }
  await parser.parseAsync();
  return exitCode;
}

function register(
  parser: Argv,
  command: Command,
  makeContext: (json: boolean) => Context,
  done: (code: number) => void,
): void {
  parser.command({
    command: [command.usage, ...(command.aliases ?? [])],
    describe: command.description,
    builder: (sub: Argv) => {
      for (const [name, options] of Object.entries(command.positionals ?? {})) sub.positional(name, options);
      sub.options(command.options ?? {});
      for (const [line, what] of command.examples ?? []) sub.example(asCalled(line), what);
      for (const child of command.subcommands ?? []) register(sub, child, makeContext, done);
      if (command.subcommands && !command.handler)
        sub.demandCommand(1, `${nameOf(command)}: give a subcommand`);
      return sub;
    },
    handler: async (args) => {
      checkValues(command, args);
      const { handler, makesState, stateOf } = command;
      if (!handler) return;
      const ctx = makeContext(args.json === true);
      const url = process.env.TRILAB_STATE || (await stateOf?.(args));
      const create = makesState === true;
      done((await inState(url, { create, ctx }, () => handler(args, ctx))) ?? ExitCode.done);
    },
  });
}

const nameOf = ({ usage }: Command): string => usage.split(" ")[0] ?? "";

/** Every option that takes a value, by its names on the command line. */
const valueOptions = (commands: readonly Command[]): string[] =>
  commands.flatMap(({ options, subcommands }) => [
    ...Object.entries(options ?? {})
      .filter(([, { type }]) => type !== "boolean")
      .flatMap(([name, { alias }]) => [`--${name}`, ...(typeof alias === "string" ? [`-${alias}`] : [])]),
    ...valueOptions(subcommands ?? []),
  ]);

/**
 * Turns `--ttl -1h` into `--ttl=-1h`, because yargs would read it as the flags -1 and -h (help).
 *
 * @throws UserError (exit 2) for such a word where no value is expected.
 */
function joinNegatives(argv: readonly string[]): string[] {
  const withValue = new Set(valueOptions(COMMANDS));
  const joined: string[] = [];
  for (const [i, word] of argv.entries()) {
    if (word === "--") return [...joined, ...argv.slice(i)];
    const before = joined.at(-1);
    if (!/^-\d/.test(word)) joined.push(word);
    else if (before !== undefined && withValue.has(before)) joined[joined.length - 1] = `${before}=${word}`;
    else {
      throw new UserError(`there is no option "${word}"`, {
        why: "no number here may be negative",
        fix: "leave the - out",
        exitCode: ExitCode.usage,
      });
    }
  }
  return joined;
}

/** @throws UserError (exit 2) for an option given twice or without a value, and for unused arguments after `--`. */
function checkValues(command: Command, args: Args): void {
  const behind = rest(args);
  if (behind.length > 0 && !command.takesRest) {
    const takers = COMMANDS.filter(({ takesRest }) => takesRest).map(nameOf);
    throw new UserError(`this command takes nothing after --: ${behind.join(" ")}`, {
      why: `only ${takers.join(" and ")} take a command there`,
      fix: "leave it out",
      exitCode: ExitCode.usage,
    });
  }
  for (const [name, { array, type }] of Object.entries(command.options ?? {})) {
    const value = args[name];
    if (type === "boolean" || array) continue;
    if (Array.isArray(value)) {
      throw new UserError(`--${name} is given ${value.length} times`, {
        why: `it takes one value, and got ${value.join(" and ")}`,
        fix: "give it once",
        exitCode: ExitCode.usage,
      });
    }
    if (value === "" && !command.valueOptional?.includes(name)) {
      throw new UserError(`--${name} has no value`, {
        why: "it is empty",
        fix: `give it a value, or leave --${name} out`,
        exitCode: ExitCode.usage,
      });
    }
  }
}

/** yargs' error, with the known names and the nearest of them. */
function usageError(message: string, argv: readonly string[]): UserError {
  const [given, next] = argv.filter((word) => !word.startsWith("-"));
  const isCalled = (word: string | undefined) => (c: Command) =>
    nameOf(c) === word || c.aliases?.includes(word ?? "") === true;
  const command = COMMANDS.find(isCalled(given));
  const subcommand = command?.subcommands?.find(isCalled(next));
  const called = [command && given, subcommand && next].filter(Boolean);
  const help = `see ${["trilab", ...called, "--help"].join(" ")}`;
  const commands = COMMANDS.map(nameOf);
  // If a command is close to a known one, yargs says only "Did you mean …?".
  if (command === undefined && given !== undefined && /^(Did you mean|Unknown command)/.test(message)) {
    return new UserError(`there is no command "${given}"`, {
      why: `the commands are: ${commands.join(", ")}`,
      fix: suggestion(given, commands) + help,
      exitCode: ExitCode.usage,
    });
  }
  const unknown = /Unknown arguments?: ([^,\s]+)/.exec(message)?.[1];
  const isOption = argv.some((word) => [`--${unknown}`, `-${unknown}`].includes(word.replace(/=.*/, "")));
  const options = Object.keys((subcommand ?? command)?.options ?? {});
  const known = isOption
    ? [...options, ...Object.keys(GLOBAL_OPTIONS), "help"].map((o) => `--${o}`)
    : commands;
  return new UserError(message.replace(/\n+/g, "; "), {
    ...(unknown !== undefined && isOption ? { why: `the options here are: ${known.join(", ")}` } : {}),
    fix: (unknown === undefined ? "" : suggestion(isOption ? `--${unknown}` : unknown, known)) + help,
    exitCode: ExitCode.usage,
  });
}

/** `did you mean …? ` if a known name is near enough. */
function suggestion(word: string, known: readonly string[]): string {
  const near = closest(word, known);
  const { length } = word.replace(/^--/, "");
  // Every short word is near to a single letter.
  return length > 1 && distance(near, word) <= Math.max(2, length / 3) ? `did you mean ${near}? ` : "";
}
