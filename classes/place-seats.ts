/** A host, with how many seats it may have (Infinity: any number) and has already. */
export interface Place {
  name: string;
  seats: number;
  taken: number;
}

/**
 * Chooses a host for each new seat: the one of which the smallest part is taken. Hosts without a number of seats count as
 * equally large. Pure.
 *
 * @returns the hosts' names, in the seats' order; `undefined` where no host has room.
 */
export function placeSeats(count: number, places: readonly Place[]): (string | undefined)[] {
  const rooms = places.map((place) => ({ ...place }));
  const limits = rooms.map(({ seats }) => seats).filter(Number.isFinite);
  const usual = limits.length > 0 ? Math.max(...limits) : 1;
  const load = ({ seats, taken }: Place): number => (taken + 1) / (Number.isFinite(seats) ? seats : usual);
  return Array.from({ length: count }, () => {
    const [best] = rooms.filter(({ seats, taken }) => taken < seats).sort((a, b) => load(a) - load(b));
    if (best) best.taken += 1;
    return best?.name;
  });
}
