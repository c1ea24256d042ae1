import { setTimeout as sleep } from "node:timers/promises";

/** Lets callers pass one after the other. @returns what each of them awaits: it ends at least `everyMs` milliseconds after the one before. */
export function pace(everyMs: number): () => Promise<void> {
  let last: Promise<number> | undefined;
  return async () => {
    const before = last;
    last = (async () => {
      // After the one before has really passed, however late that was.
      const passed = await before;
      if (passed !== undefined) await sleep(passed + everyMs - performance.now());
      return performance.now();
    })();
    await last;
  };
}
