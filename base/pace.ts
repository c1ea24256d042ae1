import { setTimeout as sleep } from "node:timers/promises";

/** Lets callers pass one after the other. @returns what each of them awaits: it ends at least `everyMs` milliseconds after the one before. */
export function pace(everyMs: number): () => Promise<void> {
  let next = 0;
  return async () => {
    const at = Math.max(Date.now(), next);
    next = at + everyMs;
    await sleep(at - Date.now());
  };
}
