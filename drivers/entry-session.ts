import type { Readable, Writable } from "node:stream";

/** A learner's terminal, in characters. */
export interface Terminal {
  /** Its type, as in TERM. */
  term: string;
  columns: number;
  rows: number;
}

/** What somebody who comes in by SSH wants to run, as the target's login user. */
export interface SessionRequest {
  /** A line of shell, or file transfer by SFTP. Absent: a login shell. */
  run?: { line: string } | "sftp" | undefined;
  /** Absent: without a terminal. */
  terminal?: Terminal | undefined;
}

/** Something that runs in a target for somebody else, whose input and output are streams. */
export interface Session {
  stdin: Writable;
  stdout: Readable;
  /** Absent with a terminal, which mixes both. */
  stderr?: Readable | undefined;
  /** Its exit code; 255: the connection to it broke. */
  ended: Promise<number>;
  resize(columns: number, rows: number): void;
  /** Ends it, and what it started. Never throws: the machine may have ended, and the session with it. */
  close(): Promise<void>;
}
