import { messageOf } from "../base/errors.js";
import type { Progress } from "../base/progress.js";
import { interruptible } from "../base/working.js";
import type { LibvirtDriver } from "../drivers/libvirt/driver.js";
import type { ResumedGuest } from "../drivers/libvirt/golden-guest.js";
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
  { progress, signal, waitMs }: { progress: Progress; signal: AbortSignal; waitMs: number },
): Promise<void> {
  const image = keptImage(record, "machine");
  if (image === undefined) throw new Error(`the record of seat ${record.seat} names no image of its guest`);
  const disk = { name: diskName(record, "guest"), capacity: record.disk, image };
  const guest: ResumedGuest = { domain: machineName(record, "guest"), disk };
  const over = interruptible();
  try {
    await beginChange(record, "guest", { operation: "replace" });
    await libvirt.switchOff(guest.domain); // It would only take CPU time from the golden guest.
    if (!(await resumed(libvirt, guest, { progress, signal, waitMs }))) {
      await libvirt.makeDiskAnew(disk);
      await libvirt.startFromDisk(guest.domain);
    }
    await endChange(record, "guest");
  } finally {
    over();
  }
}

/** Resumes a guest; if its golden guest turns out to be damaged, from a new one. @returns whether it runs. */
async function resumed(
  libvirt: LibvirtDriver,
  guest: ResumedGuest,
  options: { progress: Progress; signal: AbortSignal; waitMs: number },
): Promise<boolean> {
  const { progress } = options;
  for (const isLast of [false, true]) {
    try {
      const key = await golden(libvirt, guest, options);
      progress.update("resuming the guest from it");
      try {
        await libvirt.resumeFromGolden(guest, key);
        return true;
      } catch (error) {
        if (isLast) throw error;
        progress.note(`the golden guest can't be used, and is made anew: ${messageOf(error)}`);
        await libvirt.removeGolden(key);
      }
    } catch (error) {
      options.signal.throwIfAborted();
      progress.note(`the guest can't be resumed, so it boots: ${messageOf(error)}`);
      return false;
    }
  }
  return false;
}

/** The key of the guest's golden guest, which is made if it is missing. */
async function golden(
  libvirt: LibvirtDriver,
  guest: ResumedGuest,
  { progress, signal, waitMs }: { progress: Progress; signal: AbortSignal; waitMs: number },
): Promise<string> {
  const { isThere, key } = await libvirt.goldenFor(guest);
  if (isThere) return key;
  progress.update("waiting for the golden guest");
  await withHostLock([libvirt.endpoint], async () => {
    // Another command may have made it meanwhile.
    if ((await libvirt.goldenFor(guest)).isThere) return;
    progress.update("booting the golden guest, once for this host");
    await libvirt.makeGolden(guest, key, { waitMs, signal });
  });
  return key;
}
