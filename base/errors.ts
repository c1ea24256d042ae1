/**
 * The exit codes, each meaning one thing. `cli/start.ts` alone ends the process with them.
 */
export const ExitCode = {
  done: 0,
  failed: 1,
  /** Usage or configuration: a flag, lab.yaml, the spec. */
  usage: 2,
  /** The host lacks something; `trilab doctor` says what. */
  hostNotReady: 3,
  checksNotPassed: 4,
  parityOutOfTolerance: 5,
  /** No such lab or seat. */
  notFound: 6,
  /** Another run holds the lock. */
  locked: 7,
  /** Something of the seat is left after removal. */
  residue: 8,
  /** Nothing was wrong, but not everything could be looked at. */
  couldNotLook: 9,
  interrupted: 130,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/**
 * An error that the user can fix: what happened, why, and how to fix it. It is printed without a stack. Every other error is
 * a bug of trilab and is printed with its stack.
 */
export class UserError extends Error {
  override readonly name = "UserError";
  readonly exitCode: ExitCode;
  readonly why: string | undefined;
  readonly fix: string | undefined;

  /** @param what One sentence, no trailing period needed. `exitCode` defaults to 1 (failed). */
  constructor(
    what: string,
    details: { why?: string; fix?: string; exitCode?: ExitCode; cause?: unknown } = {},
  ) {
    super(what, details.cause === undefined ? undefined : { cause: details.cause });
    this.why = details.why;
    this.fix = details.fix;
    this.exitCode = details.exitCode ?? ExitCode.failed;
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What went wrong and why, where an error is one entry of a list: "message: why". */
export function messageAndWhy(error: unknown): string {
  const why = error instanceof UserError ? error.why : undefined;
  return why ? `${messageOf(error)}: ${why}` : messageOf(error);
}

/** Whether a thrown thing carries this Node error code (ENOENT, ECONNREFUSED, …). */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}
