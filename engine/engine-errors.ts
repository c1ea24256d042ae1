import { ExitCode, UserError } from "../base/errors.js";
import { damagedState } from "./damaged-state.js";
import { wrongPassphrase } from "./secrets.js";

/** How an engine process ended, as far as an error is made from it. */
export interface EngineFailure {
  /** What was being done: `up`, `destroy`, … */
  command: string;
  stack: string;
  exitCode: number | undefined;
  /** What ended it from outside, if that happened. */
  signal?: string | undefined;
  /** What it printed. */
  stderr: string;
  /** Messages of severity error among the engine's events, resource name first. */
  diagnostics: string[];
  /** Whether we asked the engine to stop. */
  interrupted: boolean;
  /** What the inline program threw. */
  programError?: unknown;
}

/** The state needs a plugin that is not here. */
export class MissingPlugin extends UserError {}
/** The engine would have to replace resources that are protected. Nothing was done to them. */
export class ReplacementRefused extends UserError {
  constructor(
    stack: string,
    readonly urns: readonly string[],
  ) {
    super(`"${stack}" would replace what is protected`, {
      why: urns.join("\n"),
      fix: "allow it, or undo the change that asks for it",
      exitCode: ExitCode.usage,
    });
  }
}

/**
 * The one place that knows the engine's failures by their text. What the user can do something about becomes a
 * UserError with its exit code; a crash of our own program stays an Error with its stack.
 */
export function engineError(failure: EngineFailure): Error {
  const { stack, command } = failure;
  const text = [...failure.diagnostics, failure.stderr].join("\n");
  if (failure.interrupted) {
    return new UserError(`${command} of "${stack}" was interrupted`, {
      why:
        failure.signal === undefined
          ? "the engine finished the steps it had begun and stopped"
          : "the engine was ended in the middle of a step; the next command finds what that step made",
      fix: "run the command again to go on, or `trilab down` to take away what is there",
      exitCode: ExitCode.interrupted,
    });
  }
  if (failure.signal !== undefined) {
    return new UserError(`${command} of "${stack}" failed: its engine was killed (${failure.signal})`, {
      why: reasons(failure),
      fix: "run the command again: it goes on from where it stopped; if nobody killed the engine, this host may be short of memory (dmesg tells)",
    });
  }
  if (failure.programError instanceof UserError) return failure.programError;
  const refused = [...text.matchAll(/unable to replace resource "([^"]+)"/g)].flatMap(([, urn]) => urn ?? []);
  if (refused.length > 0) return new ReplacementRefused(stack, [...new Set(refused)]);
  if (/no stack named .* found/.test(text)) {
    return new UserError(`there is no stack "${stack}"`, {
      fix: "run `trilab status` to see what there is",
      exitCode: ExitCode.notFound,
    });
  }
  if (/the stack is currently locked by|\[409\] Conflict/.test(text)) {
    return new UserError(`the stack "${stack}" is locked by another engine`, {
      why: /created by .*/.exec(text)?.[0] ?? firstLine(text),
      fix: "wait until it has finished; trilab clears the lock of an engine that is no longer alive by itself",
      exitCode: ExitCode.locked,
    });
  }
  if (/incorrect passphrase/.test(text)) return wrongPassphrase();
  const missing =
    /no (?:resource|language|analyzer) plugin '?([\w.-]+)'?/.exec(text) ??
    /Could not find plugin for '?([^']+)'?/i.exec(text);
  if (missing) {
    return new MissingPlugin(`the Pulumi plugin ${missing[1]} is not installed`, {
      why: firstLine(text),
      fix: "run `trilab up`, which installs the plugins that a seat needs; or `pulumi plugin install` where Pulumi's servers answer",
      exitCode: ExitCode.hostNotReady,
    });
  }
  if (isDamage(failure)) return damagedState(stack, "its checkpoint");
  if (/no space left on device/.test(text)) {
    return new UserError(`${command} of "${stack}" ran out of disk space`, {
      why: firstLine(text),
      fix: "free some space and run the command again",
      exitCode: ExitCode.hostNotReady,
    });
  }
  const bug = failure.diagnostics.find((message) => message.includes("Unhandled exception:"));
  if (failure.programError instanceof Error && bug !== undefined && !isExpected(failure.programError)) {
    return failure.programError;
  }
  // The engine's words for a plugin that ended before it answered.
  if (/rpc error: code = Unavailable\b|error reading from server: EOF/.test(text)) {
    return new UserError(`${command} of "${stack}" failed: a plugin of the engine ended too early`, {
      why: reasons(failure),
      fix: "run the command again: it goes on from where it stopped; if nobody killed the plugin, this host may be short of memory (dmesg tells)",
    });
  }
  return new UserError(`${command} of "${stack}" failed`, {
    why: reasons(failure),
    fix: "the message above is the provider's own; once its cause is gone, run the command again: it goes on from where it stopped",
  });
}

/**
 * Whether the engine can't read its state. It says so before it starts anything: where there are events, JSON that does
 * not parse is a daemon's or a cloud's answer (a proxy's error page, say).
 */
function isDamage({ diagnostics, stderr }: EngineFailure): boolean {
  if (/could not (?:be )?deserialize|unmarshall?ing checkpoint/.test([...diagnostics, stderr].join("\n")))
    return true;
  return (
    diagnostics.length === 0 && /unexpected end of JSON input|invalid character .* looking for/.test(stderr)
  );
}

/** Pulumi's own way to say that a message is for the user: RunError and ResourceError with its stack hidden. */
function isExpected(error: Error): boolean {
  return (
    "__pulumiRunError" in error ||
    ("__pulumResourceError" in error && "hideStack" in error && error.hideStack === true)
  );
}

const firstLine = (text: string): string => text.trim().split("\n")[0] ?? "";

/** What the engine gave as its reasons, else the last of what it printed. */
function reasons({ diagnostics, exitCode, signal, stderr }: EngineFailure): string {
  const printed = stderr.split("\n").filter((line) => line.trim() !== "");
  const errors = printed.filter((line) => line.startsWith("error: ")).map((l) => l.slice("error: ".length));
  const said = [diagnostics, errors, printed.slice(-12)].find((lines) => lines.length > 0) ?? [];
  const ended = signal === undefined ? `with code ${exitCode}` : `by ${signal}, and said nothing`;
  return said.join("\n").trim() || `the engine ended ${ended}`;
}
