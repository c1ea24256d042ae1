import { setTimeout as sleep } from "node:timers/promises";

export interface Polling {
  /** When to give up, in milliseconds from the call; it looks at least once. */
  limitMs: number;
  /** The pause between two looks, in milliseconds. */
  everyMs: number;
  /** Each pause is half as long again as the one before, up to this. Default: all are alike. */
  longestMs?: number;
  /** Ends the waiting when aborted. */
  signal?: AbortSignal | undefined;
}

/**
 * Looks again and again until there is an answer.
 *
 * @returns the answer, or `undefined` when there was none within the limit.
 * @throws what `look` throws, at once; the signal's reason when it is aborted.
 */
export async function poll<T>(
  look: () => Promise<T | undefined>,
  { limitMs, everyMs, longestMs = everyMs, signal }: Polling,
): Promise<T | undefined> {
  const deadline = Date.now() + limitMs;
  for (let pause = everyMs; ; pause = Math.min(pause * 1.5, longestMs)) {
    signal?.throwIfAborted();
    const answer = await look();
    if (answer !== undefined || Date.now() >= deadline) return answer;
    // An abort ends the pause; the next round throws its reason.
    await sleep(pause, undefined, { signal }).catch(() => {});
  }
}

/** As {@link poll}, until the condition holds. @returns whether it did within the limit. */
export async function pollUntil(holds: () => Promise<boolean>, polling: Polling): Promise<boolean> {
  return (await poll(async () => ((await holds()) ? true : undefined), polling)) === true;
}
