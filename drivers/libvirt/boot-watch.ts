/** What a console log tells of its machine's kernel panics. */
export interface Panics {
  count: number;
  /** The last one's own line; empty without any. */
  words: string;
  /** That line with what led to it; what follows are registers and addresses. */
  context: string;
  /** Nothing shows that the machine has booted since. */
  isLast: boolean;
}

/** Finds the kernel panics in a console log that holds any number of boots. Pure. */
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
 * Watches a machine's console while its first answer is waited for: a kernel that panics is started anew, once; one that
 * panics again is given up.
 */
export class BootWatch {
  /** The panics that were seen, or were there before the watch. */
  private seen: number | undefined;
  private restarted = false;
  private began = Date.now();

  constructor(
    private readonly readConsole: () => Promise<string>,
    /** Restarts the machine at once, with what the kernel said. */
    private readonly restart: (words: string) => Promise<void>,
  ) {}

  /** @returns what the kernel said, once there is no more hope. */
  async look(): Promise<string | undefined> {
    const { count, words, isLast } = readPanics(await this.readConsole());
    const fresh = count - (this.seen ?? count); // A log that was rolled over holds fewer.
    this.seen = count;
    const stuck = isLast && Date.now() - this.began > OWN_RESTART_MS;
    if (fresh > 1 || (fresh > 0 && this.restarted)) return words;
    if (fresh <= 0 && (!stuck || this.restarted)) return undefined;
    this.restarted = true;
    if (isLast) await this.restart(words);
    return undefined;
  }
}
