import { ExitCode, messageAndWhy, UserError } from "../base/errors.js";
import type { Progress } from "../base/progress.js";
import { type Drivers, driverWords, removeFound, seatInventory } from "../drivers/drivers.js";
import { type Found, removalOrder } from "../drivers/found.js";
import { closeConnections } from "../drivers/kept-connections.js";
import { removeQemuLogs } from "../drivers/libvirt/remove-qemu-logs.js";
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
import { HELD_BY_INSTANCE } from "../model/kinds.js";
import { DOMAIN_TARGETS, machineName, type SeatId, seatPrefix } from "../model/naming.js";
import { editSeatState } from "./edit-state.js";
import { providerConfig } from "./ensure-host.js";
import { makeReceipt, type Receipt } from "./receipt.js";
import { drift, holderOf } from "./reconcile.js";
import { owner, readRecord, removeRecord, requireOwnNames } from "./seat-record.js";
import { silenceOf } from "./silence.js";

export interface RemoveOptions {
  /** Ignore the state: remove what has the seat's labels or names. */
  byLabel: boolean;
  drivers: Drivers;
  /** Endpoints that are gone for good: what they had is forgotten. Default none. */
  gone?: readonly Endpoint[];
  /** Ends the operation after the engine's current steps. */
  signal?: AbortSignal;
  /** The owner whose machines it may remove. Default: us. */
  owner?: string;
}

/**
 * Removes a seat: by its state if there is one, then by label and name; then queries what is left. Works also if machines
 * were removed by hand, if the state is lost, and twice in a row. The caller holds the seat's lock.
 */
export async function removeSeat(id: SeatId, options: RemoveOptions, progress: Progress): Promise<Receipt> {
  await requireOwnNames(id);
  const ref = { stack: seatPrefix(id) };
  // The record's owner is us, with the host name of that time.
  const record = await readRecord(id).catch(() => undefined);
  const us = [owner(), record?.owner];
  const mine = options.owner === undefined ? us : [options.owner];
  await clearStaleLock(ref);
  if (!options.byLabel) await destroyByState(id, options, mine, progress);

  progress.update(`checking what ${driverWords(options.drivers)} still have`);
  const found = await seatInventory(id, options.drivers);
  const { isOurs, others } = whose(found, mine);
  for (const thing of others)
    progress.note(`left alone: ${thing.kind} ${thing.name}, which belongs to ${holderOf(thing)}`);
  await removeThings(found.filter(isOurs), progress, (thing) => removeFound(thing, options.drivers));
  for (const target of DOMAIN_TARGETS) await closeConnections(machineName(id, target));
  const { libvirt } = options.drivers;
  const domains = found.filter((f) => f.kind === "domain" && isOurs(f)).map(({ name }) => name);
  const named = DOMAIN_TARGETS.map((target) => machineName(id, target));
  if (libvirt) await removeQemuLogs(libvirt, [...new Set([...named, ...domains])]);

  const residue = found.length > 0 ? await seatInventory(id, options.drivers) : [];
  const ours = residue.filter(isOurs);
  // Things with this seat's name that we may not remove may still be those in the state.
  if (ours.length === 0 && others.length === 0) await forget(id);
  return makeReceipt(id, ours, options, record);
}

/**
 * Separates our things from somebody else's. Things without labels are ours by their names, unless the machines are
 * somebody else's.
 */
function whose(
  found: readonly Found[],
  mine: readonly (string | undefined)[],
): { others: Found[]; isOurs: (thing: Found) => boolean } {
  const isOthers = ({ ofSeat, owner: theirs }: Found): boolean =>
    ofSeat !== undefined || (theirs !== undefined && !mine.includes(theirs));
  const others = found.filter(isOthers);
  return {
    others,
    isOurs: (f) => (f.owner === undefined ? others.length === 0 : !isOthers(f)),
  };
}

/** Removes what it can, users before what they use, and reports what it can't. */
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
      progress.note(`could not remove ${thing.kind} ${thing.name}: ${messageAndWhy(error)}${network}`);
    }
  }
}

async function destroyByState(
  id: SeatId,
  { drivers, gone = [], signal }: RemoveOptions,
  mine: readonly (string | undefined)[],
  progress: Progress,
): Promise<void> {
  // The engine would fail at a daemon that is gone, so the rest is removed by its labels.
  if (gone.length > 0) return;
  const ref = { stack: seatPrefix(id) };
  const checkpoint = await readCheckpoint(ref);
  if (checkpoint === undefined || checkpoint.resources.length === 0) return;
  const inventory = await seatInventory(id, drivers);
  const { missing, orphans } = drift(checkpoint, inventory);
  // The engine does not know what a crashed plugin had just made. A network, for example, would still be in use.
  const { isOurs } = whose(inventory, mine);
  await removeThings(orphans.filter(isOurs), progress, (thing) => removeFound(thing, drivers));
  const config = providerConfig(drivers);
  await editState(ref, (state) => editSeatState(state, { protect: false }));
  try {
    // Removing by label takes seconds; rebuilding a missing engine may take minutes.
    const engine = await ensureEngine({ progress, ...pluginsOf(checkpoint), onlyHere: true });
    const askDaemons = silenceOf(drivers);
    const options = { ...ref, engine, config, progress, askDaemons, ...(signal ? { signal } : {}) };
    await openStack(options).destroy({ refresh: missing.length > 0 });
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
function pluginsOf({ resources }: Checkpoint): { docker: boolean; libvirt: boolean; aws: boolean } {
  const some = (prefix: string): boolean => resources.some(({ type }) => type.startsWith(prefix));
  return { docker: some("docker:"), libvirt: some("libvirt:"), aws: some("aws:") };
}

/** Deletes the stack, whatever its state contains, and the seat's record and keys. */
async function forget(id: SeatId): Promise<void> {
  await openStack({ stack: seatPrefix(id) }).removeStack();
  await removeRecord(id);
}
