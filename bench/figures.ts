import { type Summary, summarize } from "./stats.js";

/** A measurement: a line of the table. */
export type Line =
  | "a"
  | "b"
  | "b-ssh"
  | "boot"
  | "rss"
  | "c"
  | "d"
  | "e"
  | "f"
  | "g"
  | "h"
  | "i"
  | "j"
  | "j-mem"
  | "k"
  | "k-8"
  | "l"
  | "l-guest"
  | "m"
  | "n"
  | "o"
  | "p"
  | "p-status"
  | "p-down"
  | "q";

/** All measured figures, by line and contestant. */
export class Figures {
  readonly notes: string[] = [];
  /** Whether this is a warm-up round, whose figures are not kept. */
  keep = true;
  private readonly taken = new Map<string, number[]>();

  add(line: Line, who: string, value: number): void {
    if (!this.keep) return;
    const key = `${line} ${who}`;
    this.taken.set(key, [...(this.taken.get(key) ?? []), value]);
  }

  summary(line: Line, who: string): Summary | undefined {
    return summarize(this.taken.get(`${line} ${who}`) ?? []);
  }

  /** Notes, each printed once below the table. */
  note(text: string): void {
    if (!this.notes.includes(text)) this.notes.push(text);
  }
}

/** A participant of a case. In each round, it makes its machine, is measured, and removes the machine. */
export interface Contestant {
  name: string;
  /** The lines that it measures. It takes part only if one of these is requested. */
  lines: readonly Line[];
  /** Whether the bench continues without it, with a note, if it fails. */
  optional?: boolean;
  /** Called once, before the first round. */
  prepare?(): Promise<void>;
  round(figures: Figures): Promise<void>;
}
