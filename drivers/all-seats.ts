import { machineName, machineOf, prefixOf, type SeatId, TARGETS } from "../model/naming.js";
import { type Driver, inventory } from "./drivers.js";
import { type Found, isSameSeat, type Labelled, labelledSeat } from "./found.js";

/** A seat as the daemons and AWS know it, of any owner. */
export interface HostSeat extends SeatId {
  /** From its labels; `undefined` if nothing of it has labels. */
  owner: string | undefined;
  /** The latest expiry in its labels, ISO 8601 or `never`; `undefined` if there is none. */
  expires: string | undefined;
  things: Found[];
}

/**
 * All seats on these hosts and in these AWS regions. The number of queries does not grow with the number of seats.
 *
 * @param known Seats that own unlabelled things (networks, disks) by name, even if nothing labelled is left.
 * @returns the seats, and the things that are named like a seat's but belong to none of them.
 */
export async function allSeats(
  drivers: readonly Driver[],
  known: readonly SeatId[],
): Promise<{ seats: HostSeat[]; orphans: Found[] }> {
  const { labelled, named } = await inventory(drivers);
  return groupSeats(labelled, named, known);
}

/** Sorts things by seat: by label, or, for things without labels, by the machine in their name. Pure. */
export function groupSeats(
  labelled: readonly Labelled[],
  named: readonly Found[],
  known: readonly SeatId[],
): { seats: HostSeat[]; orphans: Found[] } {
  const bySeat = new Map<string, HostSeat>();
  const byMachine = new Map<string, HostSeat>();
  const seatOf = ({ lab, seat }: SeatId): HostSeat => {
    const key = `${lab}/${seat}`;
    const there = bySeat.get(key);
    if (there) return there;
    const id = known.find((each) => isSameSeat(each, { lab, seat })) ?? { lab, seat };
    const made: HostSeat = { ...id, owner: undefined, expires: undefined, things: [] };
    bySeat.set(key, made);
    return made;
  };
  // Names that are sure to be a seat's come before names that it could have.
  const claim = (machine: string, seat: HostSeat): void => {
    if (!byMachine.has(machine)) byMachine.set(machine, seat);
  };
  const strangers = new Set<string>();
  for (const item of labelled) {
    const { labels, found } = item;
    const id = labelledSeat(item);
    if (id === undefined) {
      strangers.add(found.name);
      continue;
    }
    const seat = seatOf(id);
    if (found.kind === "domain") claim(found.name, seat);
    seat.owner ??= labels["trilab.owner"];
    seat.expires = later(seat.expires, labels["trilab.expires"]);
    seat.things.push(found);
  }
  for (const id of known) for (const target of TARGETS) claim(machineName(id, target), seatOf(id));
  for (const seat of bySeat.values()) {
    // The container's name shows the prefix of a seat that an older trilab made.
    const container = seat.things.find(({ kind }) => kind === "container");
    const prefix = container && prefixOf(container.name, "container");
    for (const target of TARGETS) {
      claim(machineName(seat, target), seat);
      if (prefix !== undefined) claim(machineName({ ...seat, prefix }, target), seat);
    }
  }
  const orphans: Found[] = [];
  for (const found of named) {
    const machine = machineOf(found.name);
    const seat = byMachine.get(machine);
    if (seat) seat.things.push(found);
    else if (isNamedLikeOurs(machine) && !strangers.has(machine)) orphans.push(found);
  }
  return { seats: [...bySeat.values()], orphans };
}

const isNamedLikeOurs = (machine: string): boolean =>
  new RegExp(`^trilab-[a-z0-9-]+-(${TARGETS.join("|")})$`).test(machine);

/** The later of two expiries (ISO 8601 or `never`); an invalid one is ignored. */
export function later(one: string | undefined, other: string | undefined): string | undefined {
  const end = (expires: string | undefined): number =>
    expires === "never" ? Number.POSITIVE_INFINITY : Date.parse(expires ?? "");
  if (Number.isNaN(end(other))) return Number.isNaN(end(one)) ? undefined : one;
  return end(one) >= end(other) ? one : other;
}
