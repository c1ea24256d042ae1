import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../base/errors.js";
import { pollUntil } from "../../base/poll.js";
import { inScratchFolder } from "../../base/scratch.js";
import { imageVolumes } from "../../model/image-volumes.js";
import { closeConnections } from "../kept-connections.js";
import type { Connection } from "./connection.js";
import { DISK_POOL, IMAGE_POOL } from "./pools.js";

/** How long QEMU may take to end after it was killed, in milliseconds. */
const GONE_MS = 30_000;

/** How long a disk may take to be copied, in milliseconds. */
export const COPY_MS = 30 * 60_000;

/** A machine's overlay disk as it was when it was made. */
export interface FreshDisk {
  /** Its volume in the seats' pool. */
  name: string;
  /** Bytes. */
  capacity: number;
  /** The hash of the image that it is an overlay of. */
  image: string;
}

/** Switches a domain off without asking its system, which may not answer; resolves when its QEMU is gone. */
export async function switchOff(libvirt: Connection, domain: string): Promise<void> {
  const isOff = async (): Promise<boolean> => (await libvirt.domainState(domain)) === "shut off";
  if (await isOff()) return;
  await libvirt.virsh("destroy", domain).catch(() => {}); // It may just have ended by itself.
  if (await pollUntil(isOff, { limitMs: GONE_MS, everyMs: 50 })) return closeConnections(domain);
  throw new UserError(`${domain} can't be switched off`, {
    why: `libvirt reports it as ${(await libvirt.domainState(domain)) ?? "gone"} after ${GONE_MS / 1000} s`,
    fix: "check the host (trilab doctor), then run the command again",
  });
}

/** Starts a domain that is off from its disk, even if libvirt has saved its memory: that belongs to another disk. */
export async function startFromDisk(libvirt: Connection, domain: string): Promise<void> {
  await libvirt.virsh("start", domain, "--force-boot");
}

/** @throws UserError when libvirt does not have the disk of this image. Nothing was changed then. */
export async function requireBaseDisk(libvirt: Connection, image: string): Promise<void> {
  const volume = imageVolumes(image).disk;
  if ((await libvirt.volumeNames(IMAGE_POOL.name)).includes(volume)) return;
  throw new UserError(`libvirt does not have the image ${image}`, {
    why: `there is no volume ${volume} in the pool ${IMAGE_POOL.name}; nothing was changed`,
    fix: "trilab up loads it, if it is still in the cache (trilab images ls)",
  });
}

/** Removes a disk, if it is there, and makes an empty overlay of its image in its place. The domain must be off. */
export async function recreateDisk(libvirt: Connection, disk: FreshDisk): Promise<void> {
  await libvirt.removeVolume(disk.name);
  await createVolume(libvirt, freshDiskXml(disk));
}

/** Creates a volume of the seats' pool from its XML. */
export const createVolume = (libvirt: Connection, xml: string): Promise<void> =>
  withVolumeFile(xml, async (file) => {
    await libvirt.virsh("vol-create", DISK_POOL.name, file);
  });

/** Creates a volume of the seats' pool from its XML, with the content of another one, given by its path. */
export const createVolumeFrom = (libvirt: Connection, xml: string, path: string): Promise<void> =>
  withVolumeFile(xml, async (file) => {
    const from = [path, "--inputpool", DISK_POOL.name];
    await libvirt.virshWithin(COPY_MS, "vol-create-from", DISK_POOL.name, file, ...from);
  });

const withVolumeFile = (xml: string, create: (file: string) => Promise<void>): Promise<void> =>
  inScratchFolder("volume", async (dir) => {
    const file = join(dir, "volume.xml");
    await writeFile(file, xml);
    await create(file);
  });

/** The path of an image's disk on the libvirt host. */
export const baseDiskPath = (image: string): string => `${IMAGE_POOL.path}/${imageVolumes(image).disk}`;

/** The volume that the component makes: see components/helpers/domain-xslt.ts, diskXslt. Pure. */
export const freshDiskXml = ({ capacity, image, name }: FreshDisk): string =>
  `<volume type="file"><name>${name}</name><capacity unit="bytes">${capacity}</capacity>
<target><format type="qcow2"/><permissions><mode>0600</mode></permissions><compat>1.1</compat></target>
<backingStore><path>${baseDiskPath(image)}</path><format type="qcow2"/></backingStore></volume>
`;
