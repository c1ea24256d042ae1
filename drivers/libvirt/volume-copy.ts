import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inScratchFolder } from "../../base/scratch.js";
import type { Connection } from "./connection.js";
import { DISK_POOL } from "./pools.js";
import { COPY_MS, createVolume } from "./recreate-disk.js";

/**
 * Copies a volume of the seats' pool as it is: `virsh vol-clone` would write out all that an overlay takes from its base. The
 * bytes pass through this machine. The disk must not be in use.
 */
export const copyVolume = (libvirt: Connection, from: string, to: string): Promise<void> =>
  inScratchFolder("copy", async (dir) => {
    const file = join(dir, "volume");
    await downloadVolume(libvirt, from, file);
    await uploadVolume(libvirt, file, to);
  });

/** Writes a volume of the seats' pool to a local file, which must not exist. */
export async function downloadVolume(libvirt: Connection, volume: string, file: string): Promise<void> {
  await libvirt.virshWithin(COPY_MS, "vol-download", volume, file, "--pool", DISK_POOL.name, "--sparse");
}

/** Makes a volume of the seats' pool from a local file; only QEMU and root may read it. Replaces one of that name. */
export async function uploadVolume(libvirt: Connection, file: string, volume: string): Promise<void> {
  const pool = ["--pool", DISK_POOL.name];
  const { size } = await stat(file);
  await libvirt.removeVolume(volume);
  await createVolume(libvirt, emptyVolumeXml(volume, size));
  await libvirt.virshWithin(COPY_MS, "vol-upload", volume, file, ...pool, "--sparse");
}

/** Makes a volume of the seats' pool from a text, as {@link uploadVolume} does. */
export const uploadText = (libvirt: Connection, volume: string, text: string): Promise<void> =>
  inScratchFolder("text", async (dir) => {
    const file = join(dir, "text");
    await writeFile(file, text, { mode: 0o600 });
    await uploadVolume(libvirt, file, volume);
  });

/**
 * Reads a volume of the seats' pool, or its first bytes.
 *
 * @param bytes At most; default: all.
 * @returns `undefined` if there is none of that name.
 */
export const readVolume = (
  libvirt: Connection,
  volume: string,
  bytes?: number,
): Promise<Buffer | undefined> =>
  inScratchFolder("read", async (dir) => {
    const file = join(dir, "volume"); // virsh can't write into our pipe
    const part = bytes === undefined ? [] : ["--length", String(bytes)];
    const said = await libvirt.virshIfThere("vol-download", volume, file, "--pool", DISK_POOL.name, ...part);
    return said === undefined ? undefined : await readFile(file);
  });

/** A volume to upload to: only QEMU and root may read it. Pure. */
export const emptyVolumeXml = (name: string, bytes: number): string =>
  `<volume type="file"><name>${name}</name><capacity unit="bytes">${bytes}</capacity><allocation>0</allocation>
<target><format type="raw"/><permissions><mode>0600</mode></permissions></target></volume>
`;
