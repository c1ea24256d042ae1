import { rm } from "node:fs/promises";
import type { Progress } from "../base/progress.js";
import { connect, type Drivers, endpointsOf } from "../drivers/drivers.js";
import type { LibvirtDriver } from "../drivers/libvirt/driver.js";
import { DISK_POOL, POOLS } from "../drivers/libvirt/pools.js";
import { openStack } from "../engine/index.js";
import { forgetIsolation } from "../hosts/set-firewall.js";
import { pruneImages } from "../images/index.js";
import { endpointWords, LOCAL } from "../model/endpoint.js";
import { imageOfVolume } from "../model/image-volumes.js";
import { deployHost, hostRecordFile, hostStack, readHostRecord, withHostLock } from "./ensure-host.js";
import { answersAt } from "./seat-drivers.js";
import { listSeats, readRecord } from "./seat-record.js";

/**
 * Removes the images that no seat uses: from the cache, from Docker, and from libvirt. Removes the storage pools with the
 * last of them, unless they hold disks. Reports daemons that do not answer.
 *
 * @returns the hashes removed from the cache.
 */
export async function pruneHost({ docker, libvirt }: Drivers, progress: Progress): Promise<string[]> {
  return withHostLock(endpointsOf({ docker, libvirt }), async () => {
    const seats = await Promise.all((await listSeats()).map((id) => readRecord(id)));
    const inUse = new Set(
      seats.flatMap((r) => [r?.image, r?.vps?.image].filter((hash) => hash !== undefined)),
    );
    const silent = [];
    // The cache is this machine's: what boots on its own libvirt stays in it, whichever host is asked.
    if (!libvirt?.isLocal && (await answersAt(LOCAL.libvirt)))
      for (const hash of await connect(LOCAL.libvirt).imagesUnderDisks()) inUse.add(hash);
    if (libvirt) {
      if (await answersAt(libvirt.endpoint)) {
        // Seats of other state directories on this host are found by the base images of their disks.
        for (const hash of await libvirt.imagesUnderDisks()) inUse.add(hash);
        await pruneVolumes(libvirt, inUse, progress);
      } else silent.push(libvirt.endpoint);
    }
    if (docker) {
      if (await answersAt(docker.endpoint)) await docker.pruneImages(inUse);
      else silent.push(docker.endpoint);
    }
    for (const endpoint of silent)
      progress.note(`${endpointWords(endpoint)} does not answer: its images stay until this is run again`);
    if (seats.length === 0) await forgetIsolation({ docker, libvirt }, progress);
    return pruneImages({ keep: [...inUse] });
  });
}

/** Queries libvirt, not the state, so that images of other state directories are pruned, too. */
async function pruneVolumes(
  libvirt: LibvirtDriver,
  inUse: ReadonlySet<string>,
  progress: Progress,
): Promise<void> {
  await libvirt.removeGoldenGuests();
  const hashes = new Set((await libvirt.imageVolumeNames()).map(imageOfVolume));
  for (const hash of hashes) if (hash !== undefined && !inUse.has(hash)) await libvirt.removeImage(hash);
  const record = await readHostRecord(libvirt);
  const images = record.images.filter((i) => inUse.has(i.hash));
  const left = [...(await libvirt.volumeNames(DISK_POOL.name)), ...(await libvirt.imageVolumeNames())];
  if (left.length > 0) {
    await deployHost(libvirt, { images }, progress);
    return;
  }
  const there = await libvirt.poolNames();
  for (const { name } of POOLS.filter((pool) => there.includes(pool.name))) await libvirt.removePool(name);
  await openStack(hostStack(libvirt)).removeStack();
  await rm(hostRecordFile(libvirt), { force: true });
}
