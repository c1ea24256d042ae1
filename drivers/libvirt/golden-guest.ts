import type { ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digest } from "../../base/digest.js";
import { messageOf } from "../../base/errors.js";
import { pollUntil } from "../../base/poll.js";
import { scratchFolder } from "../../base/scratch.js";
import { goldenDomain, goldenOf, goldenVolumes, resumedMemory } from "../../model/golden.js";
import type { Connection } from "./connection.js";
import { COPY_MS, createVolume, type FreshDisk, freshDiskXml, switchOff } from "./fresh-disk.js";
import { goldenXml, resumedXml } from "./golden-xml.js";
import { appears, keptDomain } from "./kept-domain.js";
import { DISK_POOL } from "./pools.js";
import { removeQemuLogs } from "./qemu-logs.js";
import { SAVE_HEADER, saveStart, withDefinition } from "./save-file.js";
import { VirshError } from "./virsh.js";
import { copyVolume, uploadVolume } from "./volume-copy.js";

/** Raised when golden guests are made in another way, so that older ones are not used. */
const VERSION = 1;

/** Bytes of a manifest, at most. */
const MANIFEST_BYTES = 1024;

/** Bytes of a golden guest's host key: a copy's kernel reads no more than that of its own. */
const KEY_BYTES = 2048;

const POOL = ["--pool", DISK_POOL.name];

/** A guest that was just made, and is to resume from a golden guest. */
export interface ResumedGuest {
  domain: string;
  /** Its disk as it was made. */
  disk: FreshDisk;
}

/** The golden guest of a guest: the same for all of a state directory that differ only in identity. */
export interface Golden {
  key: string;
  /** When it was made, ISO 8601; absent: it is not there. */
  made?: string;
}

/** A golden guest that is there cannot be used. */
export class GoldenDamaged extends Error {}

/**
 * The golden guest that a guest can resume from. It depends on the machine's hardware, its image, and the versions of libvirt and QEMU.
 * Each state directory has its own, because its locks hold nobody else off.
 */
export async function goldenFor(
  libvirt: Connection,
  { disk, domain }: ResumedGuest,
  state: string,
): Promise<Golden> {
  const machine = goldenXml(await definitionOf(libvirt, domain), { key: "0", uuid: "0" });
  const anywhere = machine.replace(/<source network=[^>]*>/, "");
  const versions = await libvirt.virsh("version");
  const machineKey = digest([VERSION, anywhere, versions, disk.capacity, disk.image]).slice(0, 16);
  const key = `${digest(state).slice(0, 8)}${machineKey}`;
  const { manifest } = goldenVolumes(key);
  if (!(await libvirt.volumeNames(DISK_POOL.name)).includes(manifest)) return { key };
  return { key, made: (await startOf(libvirt, manifest, MANIFEST_BYTES))?.toString("utf8") ?? "" };
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
  { disk, domain }: ResumedGuest,
  key: string,
  { signal, waitMs }: { waitMs: number; signal: AbortSignal },
): Promise<void> {
  const volumes = goldenVolumes(key);
  const name = goldenDomain(key);
  const dir = await scratchFolder("golden");
  let keeper: ChildProcess | undefined;
  try {
    await libvirt.virsh("destroy", name).catch(() => {}); // a left-over
    await removeGolden(libvirt, key);
    await createVolume(libvirt, freshDiskXml({ ...disk, name: volumes.disk }));
    const hostKey = join(dir, "host-key");
    await writeFile(hostKey, "\n".repeat(KEY_BYTES));
    await uploadVolume(libvirt, hostKey, volumes.hostKey);
    const file = join(dir, "domain.xml");
    const xml = goldenXml(await definitionOf(libvirt, domain), { key, uuid: randomUUID() });
    await writeFile(file, xml, { mode: 0o600 });
    keeper = keptDomain(libvirt.uri, file);
    await appears(libvirt, name, keeper, signal);
    const console = join(dir, "console");
    const booted = async (): Promise<boolean> => {
      if ((await libvirt.domainState(name)) !== "running")
        throw new Error("the golden guest ended while it booted");
      await rm(console, { force: true });
      await libvirt.virshIfThere("pool-refresh", DISK_POOL.name);
      await libvirt.virshIfThere("vol-download", volumes.consoleLog, console, ...POOL);
      return (await readFile(console, "utf8").catch(() => "")).includes(`trilab: identity: golden ${key}`);
    };
    if (!(await pollUntil(booted, { limitMs: waitMs, everyMs: 500, signal })))
      throw new Error(`the golden guest did not boot in ${Math.round(waitMs / 1000)} s`);
    await libvirt.virshWithin(COPY_MS, "save", name, `${DISK_POOL.path}/${volumes.memory}`);
    const manifest = join(dir, "manifest");
    await writeFile(manifest, `${JSON.stringify({ schema: 1, at: new Date().toISOString() })}\n`);
    await libvirt.refreshPool(DISK_POOL.name);
    await uploadVolume(libvirt, manifest, volumes.manifest);
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
    await libvirt.virshIfThere("vol-delete", name, ...POOL);
}

/** The keys of the golden guests in the seats' pool, complete or not. */
export async function goldenKeys(libvirt: Connection): Promise<string[]> {
  const keys = (await libvirt.volumeNames(DISK_POOL.name)).flatMap((name) => goldenOf(name) ?? []);
  return [...new Set(keys)];
}

/**
 * Switches a new guest off, and lets it go on from a golden guest's disk and memory, with its own identity.
 *
 * @throws GoldenDamaged when the golden guest can't be used; other errors when something else failed. The guest is off then, and its
 * disk must be made anew.
 */
export async function resumeFromGolden(
  libvirt: Connection,
  { disk, domain }: ResumedGuest,
  key: string,
): Promise<void> {
  const volumes = goldenVolumes(key);
  const memory = resumedMemory(domain);
  await switchOff(libvirt, domain);
  const dir = await scratchFolder("resume");
  try {
    const there = await libvirt.volumeNames(DISK_POOL.name);
    const missing = [volumes.disk, volumes.memory].find((volume) => !there.includes(volume));
    if (missing) throw new GoldenDamaged(`there is no volume ${missing}`);
    await copyVolume(libvirt, volumes.disk, disk.name);
    await libvirt.virshIfThere("vol-delete", memory, ...POOL); // a left-over
    await libvirt.virshWithin(COPY_MS, "vol-clone", volumes.memory, memory, ...POOL);
    const start = await savedStart(libvirt, volumes.memory);
    const changed = join(dir, "changed");
    await writeFile(changed, withDefinition(start, resumedXml(await definitionOf(libvirt, domain))), {
      mode: 0o600,
    });
    await libvirt.virsh("vol-upload", memory, changed, ...POOL, "--length", String(start.length));
    await libvirt.virshWithin(COPY_MS, "restore", `${DISK_POOL.path}/${memory}`).catch((error: unknown) => {
      throw error instanceof VirshError && !LACKS_ROOM.test(error.said) ? damaged(error) : error;
    });
  } finally {
    await libvirt.virshIfThere("vol-delete", memory, ...POOL);
    await rm(dir, { recursive: true, force: true });
  }
}

/** What says that it is the host's fault, and not the golden guest's. */
const LACKS_ROOM = /cannot allocate memory|no space left/i;

const damaged = (cause: Error): GoldenDamaged => new GoldenDamaged(messageOf(cause), { cause });

/** Header, XML and cookie of a saved domain. @throws GoldenDamaged when it is none. */
async function savedStart(libvirt: Connection, volume: string): Promise<Buffer> {
  const read = async (bytes: number): Promise<Buffer> => {
    const start = await startOf(libvirt, volume, bytes);
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

/** The first bytes of a volume; `undefined` if it is not there. */
async function startOf(libvirt: Connection, volume: string, bytes: number): Promise<Buffer | undefined> {
  const dir = await scratchFolder("start");
  try {
    const file = join(dir, "start");
    const length = ["--length", String(bytes)];
    const said = await libvirt.virshIfThere("vol-download", volume, file, ...POOL, ...length);
    return said === undefined ? undefined : await readFile(file);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function definitionOf(libvirt: Connection, domain: string): Promise<string> {
  return libvirt.virsh("dumpxml", domain, "--inactive", "--security-info");
}
