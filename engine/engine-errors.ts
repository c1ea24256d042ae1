import { ExitCode, UserError } from "../base/errors.js";
import { damagedState } from "./damaged-state.js";
import { wrongPassphrase } from "./secrets.js";

/** How an engine process failed. */
export interface EngineFailure {
  /** The operation: `up`, `destroy`, … */
  command: string;
  stack: string;
  exitCode: number | undefined;
  /** The signal that ended it, if one did. */
  signal?: string | undefined;
  /** Its standard error. */
  stderr: string;
  /** The error messages among the engine's events, each after its resource's name. */
  diagnostics: string[];
  /** Whether we asked the engine to stop. */
  interrupted: boolean;
  /** The error of the inline program. */
  programError?: unknown;
}

/** The state needs a plugin that is not installed. */
export class MissingPlugin extends UserError {}
/** The engine would have to replace protected resources. They were not changed. */
export class ReplacementRefused extends UserError {
  constructor(
    stack: string,
    readonly urns: readonly string[],
  ) {
    super(`"${stack}" would replace protected resources`, {
      why: urns.join("\n"),
      fix: "allow it, or undo the change that requires it",
      exitCode: ExitCode.usage,
    });
  }
}

/**
 * The error for a failed engine process. Only this file recognises the engine's failures by their text. What the user can
 * fix becomes a UserError with its exit code. A crash of our own program stays an Error with its stack.
 */
export function engineError(failure: EngineFailure): Error {
  const { stack, command } = failure;
  const text = [...failure.diagnostics, failure.stderr].join("\n");
  if (failure.interrupted) {
    return new UserError(`${command} of "${stack}" was interrupted`, {
      why:
        failure.signal === undefined
          ? "the engine finished its current steps and stopped"
          : "the engine was ended in the middle of a step; the next command finds what that step made",
      fix: "run the command again to continue, or `trilab down` to remove everything",
      exitCode: ExitCode.interrupted,
    });
  }
  if (failure.signal !== undefined) {
    return new UserError(`${command} of "${stack}" failed: its engine was killed (${failure.signal})`, {
      why: reasons(failure),
      fix: "run the command again: it continues where it stopped. If nobody killed the engine, this host may have too little memory (see dmesg)",
    });
  }
  if (failure.programError instanceof UserError) return failure.programError;
  const refused = [...text.matchAll(/unable to replace resource "([^"]+)"/g)].flatMap(([, urn]) => urn ?? []);
  if (refused.length > 0) return new ReplacementRefused(stack, [...new Set(refused)]);
  if (/no stack named .* found/.test(text)) {
    return new UserError(`there is no stack "${stack}"`, {
      fix: "list the seats: trilab status",
      exitCode: ExitCode.notFound,
    });
  }
  if (/the stack is currently locked by|\[409\] Conflict/.test(text)) {
    return new UserError(`the stack "${stack}" is locked by another engine`, {
      why: /created by .*/.exec(text)?.[0] ?? firstLine(text),
      fix: "wait until it has finished; trilab itself removes the lock of an engine that no longer runs",
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
      fix: "run `trilab up`, which installs the plugins that a seat needs, or `pulumi plugin install` if Pulumi's servers can be reached",
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
  // What the engine prints if a plugin ended before it answered.
  if (/rpc error: code = Unavailable\b|error reading from server: EOF/.test(text)) {
    return new UserError(`${command} of "${stack}" failed: a plugin of the engine ended too early`, {
      why: reasons(failure),
      fix: "run the command again: it continues where it stopped. If nobody killed the plugin, this host may have too little memory (see dmesg)",
    });
  }
  return new UserError(`${command} of "${stack}" failed`, {
    why: reasons(failure),
    fix: "the message above is the provider's own. When its cause is removed, run the command again: it continues where it stopped",
  });
}

/**
 * Whether the engine can't read its state. It reports that before it starts anything. So if there are events, the invalid
 * JSON came from a daemon or a cloud, for example as a proxy's error page.
 */
function isDamage({ diagnostics, stderr }: EngineFailure): boolean {
  if (/could not (?:be )?deserialize|unmarshall?ing checkpoint/.test([...diagnostics, stderr].join("\n")))
    return true;
  return (
    diagnostics.length === 0 && /unexpected end of JSON input|invalid character .* looking for/.test(stderr)
  );
}

/** Whether Pulumi marks the error as a message for the user: a RunError, or a ResourceError with a hidden stack. */
function isExpected(error: Error): boolean {
  return (
    "__pulumiRunError" in error ||
    ("__pulumResourceError" in error && "hideStack" in error && error.hideStack === true)
  );
}

const firstLine = (text: string): string => text.trim().split("\n")[0] ?? "";

/** The engine's error messages, else the last lines that it printed. */
function reasons({ diagnostics, exitCode, signal, stderr }: EngineFailure): string {
  const printed = stderr.split("\n").filter((line) => line.trim() !== "");
  const errors = printed.filter((line) => line.startsWith("error: ")).map((l) => l.slice("error: ".length));
  const said = [diagnostics, errors, printed.slice(-12)].find((lines) => lines.length > 0) ?? [];
  const ended = signal === undefined ? `with code ${exitCode}` : `by ${signal}, and said nothing`;
  return said.join("\n").trim() || `the engine ended ${ended}`;
}
