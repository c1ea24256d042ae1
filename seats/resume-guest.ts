import { messageOf } from "../base/errors.js";
import { stateDir } from "../base/paths.js";
import type { Progress } from "../base/progress.js";
import { interruptible } from "../base/working.js";
import type { LibvirtDriver } from "../drivers/libvirt/driver.js";
import { GoldenDamaged, type ResumedGuest } from "../drivers/libvirt/golden-guest.js";
import type { Steps } from "../model/events.js";
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
  const guest = await libvirt.guestToResume({ domain: machineName(record, "guest"), disk });
  const over = interruptible();
  try {
    await beginChange(record, "guest", { operation: "replace" });
    await libvirt.switchOff(guest.domain); // It would only take CPU time from the golden guest.
    if (!(await resumed(libvirt, guest, options))) {
      await libvirt.recreateDisk(disk);
      await libvirt.startFromDisk(guest.domain);
    }
    await endChange(record, "guest");
  } finally {
    over();
  }
}

interface ResumeOptions {
  steps: Steps;
  progress: Progress;
  signal?: AbortSignal | undefined;
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
    const key = await libvirt.goldenKey(guest, stateDir());
    const resume = async (): Promise<void> => {
      progress.update("resuming the guest");
      await libvirt.resumeFromGolden(guest, key);
    };
    const manifest = await madeGolden(libvirt, guest, key, options);
    try {
      await resume();
    } catch (error) {
      if (!(error instanceof GoldenDamaged)) throw error;
      signal?.throwIfAborted();
      progress.note(`the golden guest can't be used; it is made again: ${error.message}`);
      const remove = async (): Promise<void> => {
        // Another command may have made it anew meanwhile.
        if ((await libvirt.goldenManifest(key)) === manifest) await libvirt.removeGolden(key);
      };
      await withHostLock([libvirt.endpoint], remove, signal);
      await madeGolden(libvirt, guest, key, options);
      await resume();
    }
    return true;
  } catch (error) {
    signal?.throwIfAborted();
    progress.note(`the guest can't be resumed, so it boots: ${messageOf(error)}`);
    return false;
  }
}

/** Makes the guest's golden guest, if it is missing. @returns its manifest. */
async function madeGolden(
  libvirt: LibvirtDriver,
  guest: ResumedGuest,
  key: string,
  { progress, signal, steps, waitMs }: ResumeOptions,
): Promise<string | undefined> {
  const found = await libvirt.goldenManifest(key);
  if (found !== undefined) return found;
  progress.update("waiting for the golden guest");
  const make = async (): Promise<string | undefined> => {
    // Another command may have made it meanwhile.
    if ((await libvirt.goldenManifest(key)) === undefined)
      await steps.run({ step: "golden", title: "golden guest: booting it, once for this host" }, () =>
        libvirt.makeGolden(guest, key, { waitMs, signal }),
      );
    return libvirt.goldenManifest(key);
  };
  return withHostLock([libvirt.endpoint], make, signal);
}
