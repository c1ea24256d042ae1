import { removeFound, seatInventory } from "../drivers/drivers.js";
import { type Found, removalOrder } from "../drivers/found.js";
import { machineName, type SeatId, TARGETS } from "../model/naming.js";
import { driversOf } from "./seat-drivers.js";
import type { SeatRecord } from "./seat-record.js";

/**
 * Removes machines left behind by an interrupted `compare`: they would still run, and distort the next measurement.
 * The caller holds the seat's lock.
 *
 * @returns what was removed.
 */
export async function removeClones(record: SeatRecord): Promise<Found[]> {
  const { docker, libvirt } = driversOf(record);
  const drivers = { docker, libvirt };
  const inventory = await seatInventory(record, drivers);
  const clones = inventory.filter((found) => isClone(record, found));
  for (const clone of removalOrder(clones)) await removeFound(clone, drivers);
  return clones;
}

/** Whether it is a clone of one of the seat's machines, or a part of one. Pure. */
export function isClone(
  { owner, ...id }: SeatId & Pick<SeatRecord, "owner">,
  { kind, name, owner: theirs }: Pick<Found, "kind" | "name" | "owner">,
): boolean {
  if (theirs !== undefined && theirs !== owner) return false;
  // The start probe creates a container without starting it. Its name is the seat's container plus a few letters.
  if (kind === "container") return name.startsWith(`${machineName(id, "container")}-`);
  return TARGETS.some((target) => name.startsWith(`${machineName(id, target)}-clone`));
}
