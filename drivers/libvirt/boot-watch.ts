/** The kernel panics in a console log. */
export interface Panics {
  count: number;
  /** The line of the last panic; empty without any. */
  words: string;
  /** That line with the lines before it; after it come only registers and addresses. */
  context: string;
  /** Whether there is no sign that the machine has booted since. */
  isLast: boolean;
}

/** Finds the kernel panics in a console log with any number of boots. Pure. */
export function readPanics(log: string): Panics {
  const found = [...log.matchAll(/^(?:\[[^\]\n]*\] )?(Kernel panic - not syncing: .*)$/gm)];
  const last = found.at(-1);
  const before = last === undefined ? [] : log.slice(0, last.index).trimEnd().split("\n").slice(-8);
  const since = last === undefined ? "" : log.slice(last.index);
  return {
    count: found.length,
    words: last?.[1]?.trim() ?? "",
    context: [...before, last?.[0] ?? ""].join("\n"),
    isLast: last !== undefined && !/^trilab: /m.test(since),
  };
}

/** How long a kernel that panicked before may take to restart by itself, as `panic=` on its command line says; milliseconds. */
const OWN_RESTART_MS = 60_000;

/**
 * Watches a machine's console while waiting for its first answer: restarts a kernel that panics, once, and gives up if it
 * panics again.
 */
export class BootWatch {
  /** The panics already seen, including those before the watch. */
  private seen: number | undefined;
  private restarted = false;
  private began = Date.now();

  constructor(
    private readonly readConsole: () => Promise<string>,
    /** Restarts the machine at once; is given the kernel's message. */
    private readonly restart: (words: string) => Promise<void>,
  ) {}

  /** @returns the kernel's message after it has panicked again; until then `undefined`. */
  async look(): Promise<string | undefined> {
    const { count, words, isLast } = readPanics(await this.readConsole());
    const fresh = count - (this.seen ?? count); // A log that was rotated contains fewer.
    this.seen = count;
    const stuck = isLast && Date.now() - this.began > OWN_RESTART_MS;
    if (fresh > 1 || (fresh > 0 && this.restarted)) return words;
    if (fresh <= 0 && (!stuck || this.restarted)) return undefined;
    this.restarted = true;
    if (isLast) await this.restart(words);
    return undefined;
  }
}
