import { type Summary, summarize } from "./stats.js";

/** A measurement's name: a line of the table. */
export type Line = "a" | "b" | "b-ssh" | "boot" | "rss" | "c" | "d" | "e" | "f" | "g" | "h" | "i";

/** Every figure taken, by line and by whose it is. */
export class Figures {
  readonly notes: string[] = [];
  /** Figures of a warm-up round are not kept. */
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

  /** Said once below the table. */
  note(text: string): void {
    if (!this.notes.includes(text)) this.notes.push(text);
  }
}

/** One who takes part in a case: each round it makes its machine, is measured, and takes it away. */
export interface Contestant {
  name: string;
  /** What it measures: it takes part only if one of these is asked for. */
  lines: readonly Line[];
  /** It may fail without ending the bench: it then drops out, with a note. */
  optional?: boolean;
  /** Once, before the first round. */
  prepare?(): Promise<void>;
  round(figures: Figures): Promise<void>;
}
