/** How seats are brought up, and what their ends mean. */
export interface Attempts<S, E> {
  isNew(seat: S): boolean;
  /** Brings seats up side by side. @returns how each ended, in their order. */
  bringUp(seats: readonly S[]): Promise<readonly E[]>;
  isDone(end: E): boolean;
  /** Whether it failed for a reason that another attempt may not meet. */
  isWorthAnother(end: E): boolean;
  /** Prepares seats for another attempt. @returns them, in their order. */
  renew(seats: readonly S[]): Promise<readonly S[]>;
  /** If it is aborted, no other seats are begun. */
  signal?: AbortSignal | undefined;
}

/** How many new seats are tried alone, one after the other, before the others are not begun. */
const FIRST = 2;

/**
 * Brings up many seats: first one of the new ones, because what is wrong with the host or the lab is wrong for all of them; then the
 * others side by side. If the first two fail, the others are not begun. A seat that failed is tried once more.
 *
 * @returns how each ended, in their order; `undefined`: it was not begun.
 */
export async function canaryFirst<S, E>(
  seats: readonly S[],
  { bringUp, isDone, isNew, isWorthAnother, renew, signal }: Attempts<S, E>,
): Promise<(E | undefined)[]> {
  const ends = new Map<S, E>();
  const attempt = async (some: readonly S[]): Promise<void> => {
    if (some.length === 0) return;
    const first = await bringUp(some);
    const failed = some.filter((seat, i) => {
      const end = first[i];
      if (end !== undefined) ends.set(seat, end);
      return end !== undefined && isWorthAnother(end);
    });
    if (failed.length === 0 || signal?.aborted) return;
    const second = await bringUp(await renew(failed));
    for (const [i, seat] of failed.entries()) {
      const end = second[i];
      if (end !== undefined) ends.set(seat, end);
    }
  };
  const isUp = (seat: S): boolean => {
    const end = ends.get(seat);
    return end !== undefined && isDone(end);
  };
  const canaries: S[] = [];
  for (const canary of seats.filter(isNew).slice(0, FIRST)) {
    canaries.push(canary);
    await attempt([canary]);
    if (isUp(canary) || signal?.aborted) break;
  }
  const works = canaries.length === 0 || canaries.some(isUp);
  if (works && !signal?.aborted) await attempt(seats.filter((seat) => !canaries.includes(seat)));
  return seats.map((seat) => ends.get(seat));
}
