import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { repoDir } from "../base/paths.js";

/** The shell function `set_clock`, which asks as {@link ClockExchange} answers. */
export const readSetClock = (): Promise<string> => readFile(join(repoDir, "seats/set-clock.sh"), "utf8");

/** Sends a machine the time when it asks `clock?`, and records how long the exchange took that reads its clock. */
export class ClockExchange {
  /** Our clock, in milliseconds, when the last question was answered, and when its clock had arrived. */
  before = Number.NaN;
  after = Number.NaN;
  private line = "";

  readonly reply = (text: string): string | undefined => {
    const lines = `${this.line}${text}`.split("\n");
    this.line = lines.pop() ?? "";
    // Our clock counts whole milliseconds: round up.
    if (lines.some((line) => line.startsWith("clock="))) this.after = Date.now() + 1;
    if (!lines.includes("clock?")) return undefined;
    this.before = Date.now();
    return `${this.before / 1000}\n`;
  };
}
