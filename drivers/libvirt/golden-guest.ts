import type { ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digest } from "../../base/digest.js";
import { messageOf } from "../../base/errors.js";
import { pollUntil } from "../../base/poll.js";
import { inScratchFolder, scratchFolder } from "../../base/scratch.js";
import { goldenDomain, goldenOf, goldenVolumes, resumedMemory } from "../../model/golden.js";
import type { Connection } from "./connection.js";
import { goldenXml, resumedXml } from "./golden-xml.js";
import { appears, keptDomain } from "./kept-domain.js";
import { DISK_POOL } from "./pools.js";
import { COPY_MS, createVolume, type FreshDisk, freshDiskXml } from "./recreate-disk.js";
import { removeQemuLogs } from "./remove-qemu-logs.js";
import { SAVE_HEADER, saveStart, withDefinition } from "./save-file.js";
import { VirshError } from "./virsh.js";
import { copyVolume, readVolume, uploadText } from "./volume-copy.js";

/** Raised when golden guests are made in another way, so that older ones are not used. */
const VERSION = 1;

/** Bytes of a golden guest's host key: a copy's kernel reads no more than that of its own. */
const KEY_BYTES = 2048;

const POOL = ["--pool", DISK_POOL.name];

/** A guest that was just made, and is to resume from a golden guest. */
export interface ResumedGuest {
  domain: string;
  /** Its disk as it was made. */
  disk: FreshDisk;
  /** Its inactive XML, with its secrets. */
  definition: string;
}

/** A golden guest that is there cannot be used. */
export class GoldenDamaged extends Error {}

/** A guest that was just made, with its definition. */
export async function guestToResume(
  libvirt: Connection,
  guest: Omit<ResumedGuest, "definition">,
): Promise<ResumedGuest> {
  const definition = await libvirt.virsh("dumpxml", guest.domain, "--inactive", "--security-info");
  return { ...guest, definition };
}

/**
 * Names the golden guest that a guest can resume from: the same for all that differ only in identity. It depends on the machine's
 * hardware, its image, and the versions of libvirt and QEMU. Each state directory has its own, because its locks hold nobody else off.
 */
export async function goldenKey(
  libvirt: Connection,
  { definition, disk }: ResumedGuest,
  state: string,
): Promise<string> {
  const machine = goldenXml(definition, { key: "0", uuid: "0" }).replace(/<source network=[^>]*>/, "");
  const versions = await libvirt.virsh("version");
  const hash = digest([VERSION, machine, versions, disk.capacity, disk.image]);
  return `${digest(state).slice(0, 8)}${hash.slice(0, 16)}`;
}

/** The manifest of a golden guest, which says when it was made; `undefined` if it is not there. */
export async function goldenManifest(libvirt: Connection, key: string): Promise<string | undefined> {
  const { manifest } = goldenVolumes(key);
  if (!(await libvirt.volumeNames(DISK_POOL.name)).includes(manifest)) return undefined;
  return (await readVolume(libvirt, manifest))?.toString("utf8");
}

/**
 * Makes a golden guest: boots a copy of a guest without identity, in that guest's network, and saves it when all of its system
 * runs. If this process is killed, libvirt ends the domain.
 *
 * @param waitMs How long it may take to boot, in milliseconds.
 * @throws Error when it does not boot in that time.
 */
export async function makeGolden(
  libvirt: Connection,
  { definition, disk }: ResumedGuest,
  key: string,
  { signal, waitMs }: { waitMs: number; signal?: AbortSignal | undefined },
): Promise<void> {
  const volumes = goldenVolumes(key);
  const name = goldenDomain(key);
  const dir = await scratchFolder("golden");
  let keeper: ChildProcess | undefined;
  try {
    await libvirt.virsh("destroy", name).catch(() => {}); // a left-over
    await removeGolden(libvirt, key);
    await createVolume(libvirt, freshDiskXml({ ...disk, name: volumes.disk }));
    await uploadText(libvirt, volumes.hostKey, "\n".repeat(KEY_BYTES));
    const file = join(dir, "domain.xml");
    await writeFile(file, goldenXml(definition, { key, uuid: randomUUID() }), { mode: 0o600 });
    keeper = keptDomain(libvirt.uri, file);
    await appears(libvirt, name, keeper, signal);
    const booted = async (): Promise<boolean> => {
      if ((await libvirt.domainState(name)) !== "running")
        throw new Error("the golden guest ended while it booted");
      await libvirt.virshIfThere("pool-refresh", DISK_POOL.name);
      const log = await readVolume(libvirt, volumes.consoleLog);
      return log?.includes(`trilab: identity: golden ${key}`) === true;
    };
    if (!(await pollUntil(booted, { limitMs: waitMs, everyMs: 500, signal })))
      throw new Error(`the golden guest did not boot in ${Math.round(waitMs / 1000)} s`);
    await libvirt.virshWithin(COPY_MS, "save", name, `${DISK_POOL.path}/${volumes.memory}`);
    await libvirt.refreshPool(DISK_POOL.name);
    await uploadText(libvirt, volumes.manifest, JSON.stringify({ schema: 1, at: new Date().toISOString() }));
  } catch (error) {
    await libvirt.virsh("destroy", name).catch(() => {}); // It may not exist.
    await removeGolden(libvirt, key);
    throw error;
  } finally {
    keeper?.stdin?.end();
    await rm(dir, { recursive: true, force: true });
    await removeQemuLogs(libvirt, [name]);
  }
}

/** Removes a golden guest, complete or not. */
export async function removeGolden(libvirt: Connection, key: string): Promise<void> {
  await removeQemuLogs(libvirt, [goldenDomain(key)]);
  const there = (await libvirt.volumeNames(DISK_POOL.name)).filter((name) => goldenOf(name) === key);
  // The manifest first: what is left of an interrupted removal is no golden guest.
  const isManifest = (name: string): boolean => name === goldenVolumes(key).manifest;
  for (const name of [...there].sort((a, b) => Number(isManifest(b)) - Number(isManifest(a))))
    await libvirt.removeVolume(name);
}

/** The keys of the golden guests in the seats' pool, complete or not. */
export async function goldenKeys(libvirt: Connection): Promise<string[]> {
  const keys = (await libvirt.volumeNames(DISK_POOL.name)).flatMap((name) => goldenOf(name) ?? []);
  return [...new Set(keys)];
}

/**
 * Lets a new guest that is off go on from a golden guest's disk and memory, with its own identity.
 *
 * @throws GoldenDamaged when the golden guest can't be used; other errors when something else failed. The guest is off then, and its
 * disk must be made anew.
 */
export async function resumeFromGolden(
  libvirt: Connection,
  { definition, disk, domain }: ResumedGuest,
  key: string,
): Promise<void> {
  const volumes = goldenVolumes(key);
  const memory = resumedMemory(domain);
  try {
    const there = await libvirt.volumeNames(DISK_POOL.name);
    const missing = [volumes.disk, volumes.memory].find((volume) => !there.includes(volume));
    if (missing) throw new GoldenDamaged(`there is no volume ${missing}`);
    await copyVolume(libvirt, volumes.disk, disk.name);
    await libvirt.removeVolume(memory); // a left-over
    await libvirt.virshWithin(COPY_MS, "vol-clone", volumes.memory, memory, ...POOL);
    const start = await savedStart(libvirt, volumes.memory);
    await inScratchFolder("resume", async (dir) => {
      const changed = join(dir, "changed");
      await writeFile(changed, withDefinition(start, resumedXml(definition)), { mode: 0o600 });
      await libvirt.virsh("vol-upload", memory, changed, ...POOL, "--length", String(start.length));
    });
    await libvirt.virshWithin(COPY_MS, "restore", `${DISK_POOL.path}/${memory}`).catch((error: unknown) => {
      throw error instanceof VirshError && !LACKS_ROOM.test(error.said) ? damaged(error) : error;
    });
  } finally {
    await libvirt.removeVolume(memory);
  }
}

/** What says that it is the host's fault, and not the golden guest's. */
const LACKS_ROOM = /cannot allocate memory|no space left/i;

const damaged = (cause: Error): GoldenDamaged => new GoldenDamaged(messageOf(cause), { cause });

/** Header, XML and cookie of a saved domain. @throws GoldenDamaged when it is none. */
async function savedStart(libvirt: Connection, volume: string): Promise<Buffer> {
  const read = async (bytes: number): Promise<Buffer> => {
    const start = await readVolume(libvirt, volume, bytes);
    if (start === undefined) throw new GoldenDamaged(`there is no volume ${volume}`);
    return start;
  };
  const header = await read(SAVE_HEADER);
  let length: number;
  try {
    length = saveStart(header);
  } catch (error) {
    throw damaged(error as Error);
  }
  return read(length);
}
