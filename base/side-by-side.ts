/** How one task ended. `not begun`: the operation was aborted before. */
export type Ended<T> =
  | { state: "done"; result: T }
  | { state: "failed"; error: unknown }
  | { state: "not begun" };

export interface SideBySideOptions<I> {
  /** How many tasks run at once, at most. */
  workers: number;
  /**
   * Tasks of one group need the same thing, such as a host. The next task is one of the group with the fewest running
   * tasks, so that a group whose tasks hang can't take every worker from the others. Default: one group.
   */
  groupOf?: (item: I) => string;
  /** What a task waits for before it begins. Default: nothing. */
  turn?: (item: I) => Promise<void>;
  /** Aborting it begins no more tasks. Those that run are awaited. */
  signal?: AbortSignal;
}

/**
 * Runs a task for each item. The failure of one does not touch the others. @returns how each ended, in the items' order.
 */
export async function sideBySide<I, T>(
  items: readonly I[],
  task: (item: I) => Promise<T>,
  { groupOf = () => "", signal, turn, workers }: SideBySideOptions<I>,
): Promise<Ended<T>[]> {
  const ends: Ended<T>[] = items.map(() => ({ state: "not begun" }));
  const waiting = new Map<string, number[]>();
  for (const [index, item] of items.entries()) {
    const group = groupOf(item);
    waiting.set(group, [...(waiting.get(group) ?? []), index]);
  }
  const running = new Map<string, number>();
  const runningIn = (group: string): number => running.get(group) ?? 0;
  /** Takes the next item from its group. */
  const next = (): { group: string; index: number } | undefined => {
    if (signal?.aborted) return undefined;
    const [group] = [...waiting.keys()]
      .filter((name) => (waiting.get(name) ?? []).length > 0)
      .sort((a, b) => runningIn(a) - runningIn(b));
    const index = group === undefined ? undefined : waiting.get(group)?.shift();
    return group === undefined || index === undefined ? undefined : { group, index };
  };
  const worker = async (): Promise<void> => {
    for (let taken = next(); taken; taken = next()) {
      const { group, index } = taken;
      running.set(group, runningIn(group) + 1);
      try {
        if (turn) {
          await turn(items[index] as I);
          if (signal?.aborted) return;
        }
        ends[index] = { state: "done", result: await task(items[index] as I) };
      } catch (error) {
        ends[index] = { state: "failed", error };
      }
      running.set(group, runningIn(group) - 1);
    }
  };
  await Promise.all(Array.from({ length: Math.min(workers, items.length) }, worker));
  return ends;
}
