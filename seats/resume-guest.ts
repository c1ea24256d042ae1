import { messageOf } from "../base/errors.js";
import { stateDir } from "../base/paths.js";
import type { Progress } from "../base/progress.js";
import { interruptible } from "../base/working.js";
import type { LibvirtDriver } from "../drivers/libvirt/driver.js";
import { type Golden, GoldenDamaged, type ResumedGuest } from "../drivers/libvirt/golden-guest.js";
import { diskName, machineName } from "../model/naming.js";
import { withHostLock } from "./ensure-host.js";
import { keptImage } from "./image-specs.js";
import { beginChange, endChange } from "./journal.js";
import type { SeatRecord } from "./seat-record.js";

/**
 * Lets a guest that was just made go on from its host's golden guest (drivers/libvirt/golden-guest.ts), instead of booting. Makes
 * the golden guest first, if there is none for such a guest. If that, or resuming, fails, the guest boots. If it is interrupted, the
 * journal makes the next command boot it. The caller holds the seat's lock.
 *
 * @param options.waitMs How long the golden guest may take to boot.
 */
export async function resumeGuest(
  record: SeatRecord,
  libvirt: LibvirtDriver,
  options: ResumeOptions,
): Promise<void> {
  const image = keptImage(record, "machine");
  if (image === undefined) throw new Error(`the record of seat ${record.seat} names no image of its guest`);
  const disk = { name: diskName(record, "guest"), capacity: record.disk, image };
  const guest: ResumedGuest = { domain: machineName(record, "guest"), disk };
  const over = interruptible();
  try {
    await beginChange(record, "guest", { operation: "replace" });
    await libvirt.switchOff(guest.domain); // It would only take CPU time from the golden guest.
    if (!(await resumed(libvirt, guest, options))) {
      await libvirt.makeDiskAnew(disk);
      await libvirt.startFromDisk(guest.domain);
    }
    await endChange(record, "guest");
  } finally {
    over();
  }
}

interface ResumeOptions {
  progress: Progress;
  signal: AbortSignal;
  waitMs: number;
}

/** Resumes a guest; if its golden guest turns out to be damaged, from a new one. @returns whether it runs. */
async function resumed(
  libvirt: LibvirtDriver,
  guest: ResumedGuest,
  options: ResumeOptions,
): Promise<boolean> {
  const { progress, signal } = options;
  try {
    const golden = await existing(libvirt, guest, options);
    try {
      await libvirt.resumeFromGolden(guest, golden.key);
    } catch (error) {
      if (!(error instanceof GoldenDamaged)) throw error;
      signal.throwIfAborted();
      progress.note(
        `the saved guest that new ones start from can't be used; it is made again: ${error.message}`,
      );
      await removeDamaged(libvirt, guest, golden);
      await libvirt.resumeFromGolden(guest, (await existing(libvirt, guest, options)).key);
    }
    return true;
  } catch (error) {
    signal.throwIfAborted();
    progress.note(`the guest can't be resumed, so it boots: ${messageOf(error)}`);
    return false;
  }
}

/** The guest's golden guest, which is made if it is missing. */
async function existing(
  libvirt: LibvirtDriver,
  guest: ResumedGuest,
  { progress, signal, waitMs }: ResumeOptions,
): Promise<Golden> {
  const found = await libvirt.goldenFor(guest, stateDir());
  if (found.made === undefined) {
    progress.update("waiting for the golden guest");
    await withHostLock([libvirt.endpoint], async () => {
      // Another command may have made it meanwhile.
      if ((await libvirt.goldenFor(guest, stateDir())).made !== undefined) return;
      progress.update("booting the golden guest, once for this host");
      await libvirt.makeGolden(guest, found.key, { waitMs, signal });
    });
  }
  progress.update("resuming the guest");
  return found.made === undefined ? libvirt.goldenFor(guest, stateDir()) : found;
}

/** Removes a golden guest, unless another command has made it anew meanwhile. */
const removeDamaged = (libvirt: LibvirtDriver, guest: ResumedGuest, { key, made }: Golden): Promise<void> =>
  withHostLock([libvirt.endpoint], async () => {
    if ((await libvirt.goldenFor(guest, stateDir())).made === made) await libvirt.removeGolden(key);
  });
