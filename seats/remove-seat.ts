import { ExitCode, messageOf, UserError } from "../base/errors.js";
import type { Progress } from "../base/progress.js";
import {
  asksAbout,
  type Drivers,
  driverWords,
  endpointsOf,
  removeFound,
  seatInventory,
} from "../drivers/drivers.js";
import { type Found, removalOrder } from "../drivers/found.js";
import { removeQemuLogs } from "../drivers/libvirt/qemu-logs.js";
import {
  type Checkpoint,
  clearStaleLock,
  editState,
  ensureEngine,
  MissingPlugin,
  NotInstalled,
  openStack,
  readCheckpoint,
} from "../engine/index.js";
import type { Endpoint } from "../model/endpoint.js";
import { HELD_BY_INSTANCE, KINDS, type Kind, sourceOf } from "../model/kinds.js";
import { DOMAIN_TARGETS, machineName, type SeatId, seatPrefix } from "../model/naming.js";
import { runningCost } from "../model/prices.js";
import { editSeatState } from "./edit-state.js";
import { providerConfig } from "./ensure-host.js";
import { endOf, expiryInForce } from "./lifetime.js";
import { drift } from "./reconcile.js";
import { rentedSince } from "./rental.js";
import { owner, readRecord, removeRecord, requireOwnNames, type SeatRecord } from "./seat-record.js";

/** What Docker, libvirt and AWS themselves say is left of a seat. */
export interface Receipt extends SeatId {
  /** How many of each kind are left; `null` where who would know was not asked. */
  left: Record<Kind, number | null>;
  /** Those, by name. */
  residue: Found[];
  /** Who was asked. */
  asked: Endpoint[];
  /** Who was not, as it did not answer and was said to be gone for good. */
  gone: Endpoint[];
  /** About what it has cost to rent, in US dollars: an estimate by list price. Absent: nothing, or nobody knows. */
  cost?: number;
  /** ISO 8601. */
  at: string;
}

export interface RemoveOptions {
  /** Don't ask the state: remove what carries the seat's labels and names. */
  byLabel: boolean;
  drivers: Drivers;
  /** Endpoints that are gone for good: what was there is forgotten. Default none. */
  gone?: readonly Endpoint[];
  /** Ends the operation after the steps that the engine is at. */
  signal?: AbortSignal;
  /** Whose machines it may remove. Default: ours. */
  owner?: string;
}

/**
 * Takes a seat down: by its state where there is one, then by label and name, and asks what is left. Works when machines
 * were removed by hand, when the state is lost, and twice in a row. The caller holds the seat's lock.
 */
export async function removeSeat(id: SeatId, options: RemoveOptions, progress: Progress): Promise<Receipt> {
  await requireOwnNames(id);
  const ref = { stack: seatPrefix(id) };
  // The record's owner is us under the host name of that day.
  const record = await readRecord(id).catch(() => undefined);
  const us = [owner(), record?.owner];
  const mine = options.owner === undefined ? us : [options.owner];
  await clearStaleLock(ref);
  if (!options.byLabel) await destroyByState(id, options, mine, progress);

  progress.update(`asking ${driverWords(options.drivers)} what is left`);
  const found = await seatInventory(id, options.drivers);
  const { isOurs, others } = whose(found, mine);
  for (const { kind, name, owner: theirs } of others)
    progress.note(`left alone: ${kind} ${name}, which belongs to ${theirs}`);
  await removeThings(found.filter(isOurs), progress, (thing) => removeFound(thing, options.drivers));
  const { libvirt } = options.drivers;
  if (libvirt) for (const target of DOMAIN_TARGETS) await removeQemuLogs(libvirt, machineName(id, target));

  const residue = found.length > 0 ? await seatInventory(id, options.drivers) : [];
  const ours = residue.filter(isOurs);
  // What goes by this seat's name and is not ours to remove may still be what the state is about.
  if (ours.length === 0 && others.length === 0) await forget(id);
  const count = (kind: Kind): number | null =>
    asksAbout(options.drivers, sourceOf(kind)) ? ours.filter((f) => f.kind === kind).length : null;
  const left = Object.fromEntries(KINDS.map((kind) => [kind, count(kind)])) as Receipt["left"];
  const at = new Date();
  const cost = record && (await costOfSession(record, at));
  const [asked, gone] = [endpointsOf(options.drivers), [...(options.gone ?? [])]];
  return {
    ...{ lab: id.lab, seat: id.seat, left, residue: ours, asked, gone, at: at.toISOString() },
    ...(cost === undefined ? {} : { cost }),
  };
}

/**
 * Tells our things from somebody else's. What carries no label is named as only this seat's things are; unless its machines
 * are somebody else's.
 */
function whose(
  found: readonly Found[],
  mine: readonly (string | undefined)[],
): { others: Found[]; isOurs: (thing: Found) => boolean } {
  const others = found.filter((f) => f.owner !== undefined && !mine.includes(f.owner));
  return {
    others,
    isOurs: (f) => (f.owner === undefined ? others.length === 0 : mine.includes(f.owner)),
  };
}

/** Removes what it can, users before what they use, and tells what it can't. */
export async function removeThings(
  things: readonly Found[],
  progress: Progress,
  remove: (thing: Found) => Promise<void>,
): Promise<void> {
  let held = false;
  for (const thing of removalOrder(things)) {
    if (held && HELD_BY_INSTANCE.includes(thing.kind)) continue;
    progress.update(`removing ${thing.kind} ${thing.name}`);
    try {
      await remove(thing);
    } catch (error) {
      if (thing.kind === "instance") held = true;
      const network = thing.kind === "instance" ? "; its network stays with it" : "";
      progress.note(`could not remove ${thing.kind} ${thing.name}: ${messageOf(error)}${network}`);
    }
  }
}

/** What the seat rented until now, or until its end: then a rented machine ends itself. */
async function costOfSession(record: SeatRecord, now: Date): Promise<number | undefined> {
  const rented = rentedSince(record);
  if (rented === undefined) return undefined;
  const { readPriceTable } = await import("../drivers/ec2/price-table.js");
  const until = new Date(Math.min(now.getTime(), endOf(expiryInForce(record))));
  return runningCost(await readPriceTable(), rented, until)?.soFar;
}

async function destroyByState(
  id: SeatId,
  { drivers, gone = [], signal }: RemoveOptions,
  mine: readonly (string | undefined)[],
  progress: Progress,
): Promise<void> {
  // The engine would ask a daemon that is gone, and fail at it: what is elsewhere goes by its labels.
  if (gone.length > 0) return;
  const ref = { stack: seatPrefix(id) };
  const checkpoint = await readCheckpoint(ref);
  if (checkpoint === undefined || checkpoint.resources.length === 0) return;
  const inventory = await seatInventory(id, drivers);
  const { missing, orphans } = drift(checkpoint, inventory);
  // The engine does not know what a plugin that died had just made: its network, say, would be in use.
  const { isOurs } = whose(inventory, mine);
  await removeThings(orphans.filter(isOurs), progress, (thing) => removeFound(thing, drivers));
  const config = providerConfig(drivers);
  await editState(ref, (state) => editSeatState(state, { protect: false }));
  try {
    // Removing by label takes seconds; what was deleted from the cache may take minutes to make again.
    const engine = await ensureEngine({ progress, ...pluginsOf(checkpoint), onlyHere: true });
    await openStack({ ...ref, engine, config, progress, ...(signal ? { signal } : {}) }).destroy({
      refresh: missing.length > 0,
    });
  } catch (error) {
    if (error instanceof NotInstalled || error instanceof MissingPlugin) {
      progress.note(`${error.message}: removing by label and name, without the state`);
      return;
    }
    const given: number[] = [ExitCode.interrupted, ExitCode.locked, ExitCode.hostNotReady];
    if (!(error instanceof UserError) || given.includes(error.exitCode)) throw error;
    progress.note(`the engine could not (${error.why ?? error.message}); removing by label and name`);
  }
}

/** Whose plugins a state needs. Pure. */
export function pluginsOf({ resources }: Checkpoint): { docker: boolean; libvirt: boolean; aws: boolean } {
  const some = (prefix: string): boolean => resources.some(({ type }) => type.startsWith(prefix));
  return { docker: some("docker:"), libvirt: some("libvirt:"), aws: some("aws:") };
}

/** Drops the stack, whatever its state says, and the seat's record and keys. */
async function forget(id: SeatId): Promise<void> {
  await openStack({ stack: seatPrefix(id) }).removeStack({ force: true });
  await removeRecord(id);
}

/** Whether nothing at all is left. */
export const isClean = (receipt: Receipt): boolean => receipt.residue.length === 0;
