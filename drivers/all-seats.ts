import { machineName, machineOf, type SeatId, TARGETS } from "../model/naming.js";
import { type Driver, inventory } from "./drivers.js";
import type { Found, Labelled } from "./found.js";

/** A seat as the daemons and AWS know it, whoever made it. */
export interface HostSeat extends SeatId {
  /** Of its labels; `undefined` where nothing of it carries one. */
  owner: string | undefined;
  /** The latest that its labels say, ISO 8601 or `never`; `undefined` where none does. */
  expires: string | undefined;
  things: Found[];
}

/**
 * All seats on these hosts and in AWS's regions in play, with a number of questions that does not grow with theirs.
 *
 * @param known Seats whose unlabelled things (networks, disks) are theirs by name, though nothing labelled is left.
 * @returns beside them the things named like a seat's that belong to none of them.
 */
export async function allSeats(
  drivers: readonly Driver[],
  known: readonly SeatId[],
): Promise<{ seats: HostSeat[]; orphans: Found[] }> {
  const { labelled, named } = await inventory(drivers);
  return groupSeats(labelled, named, known);
}

/** Sorts things by seat: by label, and those that can't carry one by the machine they are named after. Pure. */
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
    const made: HostSeat = { lab, seat, owner: undefined, expires: undefined, things: [] };
    bySeat.set(key, made);
    for (const target of TARGETS) byMachine.set(machineName(made, target), made);
    return made;
  };
  const strangers = new Set<string>();
  for (const { labels, found } of labelled) {
    const { "trilab.lab": lab, "trilab.seat": name } = labels;
    if (lab === undefined || name === undefined) {
      strangers.add(found.name);
      continue;
    }
    const seat = seatOf({ lab, seat: name });
    seat.owner ??= labels["trilab.owner"];
    seat.expires = later(seat.expires, labels["trilab.expires"]);
    seat.things.push(found);
  }
  for (const id of known) seatOf(id);
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

/** The later of two expiries (ISO 8601 or `never`); one that can't be read counts for nothing. */
export function later(one: string | undefined, other: string | undefined): string | undefined {
  const end = (expires: string | undefined): number =>
    expires === "never" ? Number.POSITIVE_INFINITY : Date.parse(expires ?? "");
  if (Number.isNaN(end(other))) return Number.isNaN(end(one)) ? undefined : one;
  return end(one) >= end(other) ? one : other;
}
