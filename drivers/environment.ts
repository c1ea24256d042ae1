import type { Readable } from "node:stream";
import type { Target } from "../model/naming.js";
import type { Session, SessionRequest } from "./entry-session.js";

export interface ExecOptions {
  /** As root instead of the spec's login user. Default false. */
  root?: boolean;
  /** The command's standard input: a text, or a stream that we write while it runs. Default: nothing. */
  input?: string | Readable;
  /** The command's timeout, in milliseconds; 0: none. Default 60 000. */
  timeoutMs?: number;
  /** Called with each piece of its standard output as it comes. Default: none. */
  onOutput?: (text: string) => void;
  /** Called with each piece of its standard output as it comes. What it returns is written to its standard input, after `input`, a text. */
  reply?: (text: string) => string | undefined;
  /** Called with news about a machine while waiting for its first answer. Default: none. */
  tell?: (text: string) => void;
  /** Over a connection of its own, which ends with the command, because the time to connect is measured. Default false. */
  ownConnection?: boolean;
  /** Aborting it ends our client and any waiting; the command inside may go on. Default: none. */
  signal?: AbortSignal | undefined;
}

export interface ExecResult {
  /** The command's own; 255 when the guest could not be reached, 126/127 when the command could not be run. */
  exitCode: number;
  /** Without control characters, like `stderr`: see printable(). */
  stdout: string;
  stderr: string;
}

export interface LogOptions {
  /** Keep printing new lines. */
  follow: boolean;
  /** How many lines to print, from the end. */
  lines?: number;
  /** Keep the machine's control characters. */
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
   * Runs a command as soon as the target answers. Also returns when it was sent and answered (our clock, ms).
   *
   * @param waitMs How long it may take to start; 0: it must answer at once.
   * @throws UserError with the end of its console or log when it does not answer in time; the signal's reason.
   */
  firstAnswer(command: readonly string[], options: ExecOptions, waitMs: number): Promise<Answer>;

  /** Runs one command, without a terminal or a shell. Arguments are passed on unchanged. */
  exec(command: readonly string[], options?: ExecOptions): Promise<ExecResult>;

  /**
   * A login shell, or one command (see shellLine() in command-line.ts), on the caller's terminal, in the home folder.
   *
   * @returns its exit code: 127 if there is no such command, 126 if it can't be run.
   */
  shell(command: readonly string[], options?: { root?: boolean }): Promise<number>;

  /**
   * The same command as {@link shell} runs, without a terminal, and with its output returned instead of shown.
   *
   * @param options `timeoutMs` 0: no limit.
   */
  capture(command: readonly string[], options?: ExecOptions): Promise<ExecResult>;

  /** Starts something as the login user, for somebody else than the caller. */
  session(request: SessionRequest): Promise<Session>;

  /** Copies a file or folder from `local` to `remote` or back; see copy() in copy.ts. */
  copy(direction: "in" | "out", local: string, remote: string): Promise<void>;

  /** The container's log or the guest's console, to our standard output. @returns the exit code. */
  logs(options: LogOptions): Promise<number>;
}
