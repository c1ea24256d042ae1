import { isDeepStrictEqual } from "node:util";
import { UserError } from "../../base/errors.js";
import { pollUntil } from "../../base/poll.js";
import type { DomainTarget } from "../../model/naming.js";
import { type Snapshot, snapshotOfVolume, snapshotVolumes } from "../../model/snapshots.js";
import type { Connection } from "./connection.js";
import { isOfResume, stringsOf } from "./golden-xml.js";
import { DISK_POOL } from "./pools.js";
import { COPY_MS, startFromDisk } from "./recreate-disk.js";
import { domainSize } from "./resize-guest.js";
import { VirshError } from "./virsh.js";
import { copyVolume, uploadText } from "./volume-copy.js";
import { type Element, parseXml } from "./xml.js";

/** The domain whose state is saved, and its disk in the seats' pool. */
export interface SavedDomain {
  domain: string;
  disk: string;
}

/**
 * Saves a domain's disk, and its memory if it runs: it stops for that time, and goes on from its memory. If that fails,
 * {@link undoSave} lets it go on.
 *
 * @param copy Copies a volume of the seats' pool; another one in tests.
 */
export async function saveDomain(
  libvirt: Connection,
  { disk, domain }: SavedDomain,
  name: string,
  copy = copyVolume,
): Promise<void> {
  const volumes = snapshotVolumes(domain, name);
  const active = (await libvirt.domainState(domain)) !== "shut off";
  if (active) await libvirt.virshWithin(COPY_MS, "save", domain, pathOf(volumes.memory));
  await copy(libvirt, disk, volumes.disk);
  if (active) await libvirt.virshWithin(COPY_MS, "restore", pathOf(volumes.memory));
  await libvirt.refreshPool(DISK_POOL.name);
  await uploadManifest(libvirt, domain, name);
}

/**
 * Lets a domain go on whose saving was interrupted, from its memory if that was saved, and removes what was saved.
 *
 * @param limitMs How long libvirt may take to finish saving; shorter in tests.
 * @returns why it was started without the memory that was saved; `undefined` if nothing is wrong.
 * @throws UserError when libvirt still works on the domain.
 */
export async function undoSave(
  libvirt: Connection,
  domain: string,
  name: string,
  limitMs = COPY_MS,
): Promise<string | undefined> {
  const memory = pathOf(snapshotVolumes(domain, name).memory);
  // libvirt finishes its job even if the client that asked for it is gone.
  const isIdle = async (): Promise<boolean> => !(await isBusy(libvirt, domain));
  if (!(await pollUntil(isIdle, { limitMs, everyMs: 200, longestMs: 2_000 })))
    throw new UserError(`libvirt still works on the domain ${domain}`, {
      why: `its job did not end within ${limitMs / 60_000} minutes`,
      fix: `run the command again when it has ended: virsh -c ${libvirt.uri} domjobinfo ${domain}`,
    });
  const isOff = (await libvirt.domainState(domain)) === "shut off";
  const isSaved = isOff && (await savedDefinition(libvirt, memory)) !== undefined;
  const problem = isSaved ? await resume(libvirt, domain, memory) : undefined;
  await removeSnapshot(libvirt, domain, name);
  return problem;
}

/** Whether libvirt works on a job of the domain. While it does, it may be unable to say so. */
async function isBusy(libvirt: Connection, domain: string): Promise<boolean> {
  try {
    return /^Job type:\s+(?!None)\S/m.test((await libvirt.virshIfThere("domjobinfo", domain)) ?? "");
  } catch (error) {
    if (!(error instanceof VirshError)) throw error;
    if (/not running|no longer running/.test(error.said)) return false;
    if (/state change lock|monitor/.test(error.said)) return true;
    throw error;
  }
}

/** Lets a domain that is off go on from its memory; if that fails, starts it. @returns why it was started. */
async function resume(libvirt: Connection, domain: string, memory: string): Promise<string | undefined> {
  try {
    await libvirt.virshWithin(COPY_MS, "restore", memory);
    return undefined;
  } catch (error) {
    if (!(error instanceof VirshError)) throw error;
    await startFromDisk(libvirt, domain);
    return `its memory can't be used: ${error.said}`;
  }
}

async function savedDefinition(libvirt: Connection, memory: string): Promise<Element | undefined> {
  try {
    return parseXml(await libvirt.virsh("save-image-dumpxml", memory));
  } catch (error) {
    if (error instanceof VirshError) return undefined;
    throw error;
  }
}

/** Gives a domain that is off the disk of a snapshot. */
export const restoreDisk = (
  libvirt: Connection,
  { disk, domain }: SavedDomain,
  name: string,
): Promise<void> => copyVolume(libvirt, snapshotVolumes(domain, name).disk, disk);

/**
 * Lets a domain that is off, and has the disk of a snapshot, go on from the snapshot's memory.
 *
 * @returns why it was started without the memory that was saved; `undefined` if nothing is wrong.
 */
export async function startRestored(
  libvirt: Connection,
  domain: string,
  name: string,
): Promise<string | undefined> {
  const volumes = snapshotVolumes(domain, name);
  const memory = pathOf(volumes.memory);
  const hasMemory = (await libvirt.volumeNames(DISK_POOL.name)).includes(volumes.memory);
  const problem = hasMemory ? await memoryProblem(libvirt, domain, memory) : undefined;
  if (!hasMemory || problem !== undefined) {
    await startFromDisk(libvirt, domain);
    return problem;
  }
  return resume(libvirt, domain, memory);
}

/** Why a saved memory does not fit the domain; `undefined`: it does. */
async function memoryProblem(
  libvirt: Connection,
  domain: string,
  memory: string,
): Promise<string | undefined> {
  const [saved, now] = await Promise.all([
    savedDefinition(libvirt, memory),
    libvirt.domain(domain, "--inactive"),
  ]);
  if (saved === undefined) return "its saved memory can't be read";
  return isDeepStrictEqual(hardware(saved), now && hardware(now))
    ? undefined
    : "its definition (size, keys, kernel) has changed since its memory was saved";
}

/** What a saved memory relies on in its domain's definition. Pure. */
export const hardware = (domain: Element): unknown => ({
  uuid: domain.find("uuid")?.text,
  // Of a guest that was resized, the XML of a running one counts its memory differently.
  memory: [domain.find("memory")?.text, domainSize(domain).memory],
  cpus: [domain.find("vcpu")?.text, domain.find("vcpu")?.attributes.current],
  kernel: ["kernel", "initrd", "cmdline"].map((part) => domain.find("os", part)?.text),
  strings: stringsOf(domain).filter((text) => !isOfResume(text)),
});

/** The complete snapshots of a domain, the oldest first. */
export async function domainSnapshots(
  libvirt: Connection,
  domain: string,
  target: DomainTarget,
): Promise<Snapshot[]> {
  const there = await libvirt.volumeNames(DISK_POOL.name);
  const names = there.flatMap((volume) => {
    const snapshot = snapshotOfVolume(volume);
    const isManifest = snapshot && volume === snapshotVolumes(domain, snapshot.name).manifest;
    return isManifest ? [snapshot.name] : [];
  });
  const found = await Promise.all(
    names.map(async (name): Promise<Snapshot[]> => {
      const { disk, manifest, memory } = snapshotVolumes(domain, name);
      const parts = [manifest, disk, memory].filter((volume) => there.includes(volume));
      const texts = await Promise.all(
        parts.map((volume) => libvirt.virshIfThere("vol-dumpxml", volume, "--pool", DISK_POOL.name)),
      );
      // One of them was just removed.
      if (texts.some((text) => text === undefined)) return [];
      const volumes = texts.map((text) => parseXml(text ?? ""));
      const at = Number(volumes[0]?.find("target", "timestamps", "mtime")?.text) * 1000;
      const bytes = volumes.reduce((sum, volume) => sum + Number(volume.find("allocation")?.text), 0);
      return [{ name, target, at: new Date(at).toISOString(), bytes, memory: there.includes(memory) }];
    }),
  );
  return found.flat().sort((a, b) => a.at.localeCompare(b.at));
}

/** Removes a snapshot, complete or not. */
export async function removeSnapshot(libvirt: Connection, domain: string, name: string): Promise<void> {
  const { disk, manifest, memory } = snapshotVolumes(domain, name);
  const there = await libvirt.volumeNames(DISK_POOL.name);
  // The manifest first: what is left of an interrupted removal is no snapshot.
  for (const volume of [manifest, memory, disk].filter((each) => there.includes(each)))
    await libvirt.removeVolume(volume);
}

/** Says in the pool that a snapshot is complete. */
export const uploadManifest = (libvirt: Connection, domain: string, name: string): Promise<void> =>
  uploadText(
    libvirt,
    snapshotVolumes(domain, name).manifest,
    JSON.stringify({ schema: 1, at: new Date().toISOString() }),
  );

/** A volume's path on the libvirt host. */
const pathOf = (volume: string): string => `${DISK_POOL.path}/${volume}`;
