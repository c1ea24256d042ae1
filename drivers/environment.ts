import type { Target } from "../model/naming.js";

export interface ExecOptions {
  /** As root rather than the spec's login user. Default false. */
  root?: boolean;
  /** What the command reads on its standard input. Default: nothing. */
  input?: string;
  /** Ended after this many milliseconds. Default 60 000. */
  timeoutMs?: number;
  /** Called with each piece of its standard output as it comes. Default: none. */
  onOutput?: (text: string) => void;
  /** Called with each piece of its standard output as it comes. What it returns is written to its standard input, behind `input`. */
  reply?: (text: string) => string | undefined;
  /** Called with what happens to a machine while its first answer is waited for. Default: none. */
  tell?: (text: string) => void;
  /** Ends our end of it, and any waiting for the first answer, when aborted; what runs inside may go on. Default: none. */
  signal?: AbortSignal;
}

export interface ExecResult {
  /** The command's own; 255 when the guest could not be reached, 126/127 when the command could not be run. */
  exitCode: number;
  /** Without control characters, as is `stderr`: see printable(). */
  stdout: string;
  stderr: string;
}

export interface LogOptions {
  /** Go on as more is written. */
  follow: boolean;
  /** Only the last so many lines. */
  lines?: number;
  /** Control characters as the machine wrote them. */
  raw: boolean;
}

export interface Answer {
  result: ExecResult;
  before: number;
  after: number;
}

/** A deployed target, and what can be done with it. The same for each kind. */
export interface Environment {
  readonly target: Target;
  /** The machine's name and hostname. */
  readonly name: string;

  /**
   * Runs a command as soon as the target answers, and tells when it was sent and answered (our clock, ms).
   *
   * @param waitMs How long it may take to start; 0: it must answer at once.
   * @throws UserError with what its console or log said last, when it does not answer in time; the signal's reason.
   */
  firstAnswer(command: readonly string[], options: ExecOptions, waitMs: number): Promise<Answer>;

  /** Runs one command, without a terminal. Arguments arrive as they are, no shell is between. */
  exec(command: readonly string[], options?: ExecOptions): Promise<ExecResult>;

  /**
   * A login shell, or one command (see shellLine() in command-line.ts), on the caller's own terminal, from the home folder.
   *
   * @returns its exit code: 127 where there is no such command, 126 where it can't be run.
   */
  shell(command: readonly string[], options?: { root?: boolean }): Promise<number>;

  /** Copies a file or folder, `local` from here to `remote` or back; see copy() in copy.ts. */
  copy(direction: "in" | "out", local: string, remote: string): Promise<void>;

  /** The container's log or the guest's console, to our standard output. @returns the exit code. */
  logs(options: LogOptions): Promise<number>;
}
