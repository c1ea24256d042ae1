import { rm } from "node:fs/promises";
import { join } from "node:path";
import { withLock } from "../base/lock.js";
import { stateDir } from "../base/paths.js";
import type { Progress } from "../base/progress.js";
import { dockerClient, requireDocker } from "../drivers/docker/client.js";
import { DISK_POOL, IMAGE_POOL, POOLS } from "../drivers/inventory.js";
import { poolNames, virsh, virshIfThere, volumeNames } from "../drivers/libvirt/virsh.js";
import { openStack } from "../engine/index.js";
import { forgetIsolation } from "../hosts/isolation.js";
import { pruneImages } from "../images/index.js";
import { imageOfVolume, imagesUnderDisks, imageVolumeNames } from "../stacks/image-volumes.js";
import { deployHost, HOST_STACK, readHostRecord } from "./ensure-host.js";
import { listSeats, readRecord } from "./seat-record.js";

/**
 * Removes the images no seat runs on: from the cache, from Docker, and from libvirt; with the last of them the storage
 * pools too, unless somebody's disks lie there.
 *
 * @returns the hashes removed from the cache.
 */
export async function pruneHost(progress: Progress): Promise<string[]> {
  return withLock(join(stateDir(), "host.lock"), { what: "the host's stack", waitMs: 900_000 }, async () => {
    const seats = await Promise.all((await listSeats()).map((id) => readRecord(id)));
    const inUse = new Set(
      seats.flatMap((r) => [r?.image, r?.vps?.image].filter((hash) => hash !== undefined)),
    );
    if (await libvirtAnswers()) {
      // Other state directories' seats on this host are known by what their disks are laid over.
      for (const hash of await imagesUnderDisks()) inUse.add(hash);
      await pruneVolumes(inUse, progress);
    } else if ((await readHostRecord()).libvirt) {
      progress.note("libvirt does not answer: its images stay until this is run again");
    }
    if (await dockerAnswers()) await pruneContainerImages(inUse);
    if (seats.length === 0) await forgetIsolation(progress);
    return pruneImages({ keep: [...inUse] });
  });
}

/** Asks libvirt, not the state: images that another state directory uploaded are pruned too. */
async function pruneVolumes(inUse: ReadonlySet<string>, progress: Progress): Promise<void> {
  for (const name of await imageVolumeNames()) {
    const hash = imageOfVolume(name);
    if (hash !== undefined && !inUse.has(hash))
      await virshIfThere("vol-delete", name, "--pool", IMAGE_POOL.name);
  }
  const record = await readHostRecord();
  const images = record.images.filter((i) => inUse.has(i.hash));
  const left = [...(await volumeNames(DISK_POOL.name)), ...(await imageVolumeNames())];
  if (left.length > 0) {
    await deployHost({ ...record, images }, progress);
    return;
  }
  const there = await poolNames();
  for (const { name } of POOLS.filter((pool) => there.includes(pool.name))) {
    await virsh("pool-destroy", name).catch(() => {}); // It may be inactive already.
    await virsh("pool-delete", name).catch(() => {}); // Its folder may be gone already.
    await virsh("pool-undefine", name);
  }
  await openStack(HOST_STACK).removeStack({ force: true });
  await rm(join(stateDir(), "host.json"), { force: true });
}

const dockerAnswers = (): Promise<boolean> =>
  requireDocker().then(
    () => true,
    () => false,
  );

const libvirtAnswers = (): Promise<boolean> =>
  virsh("version").then(
    () => true,
    () => false,
  );

/** The provider leaves images in the daemon (`keepLocally`), as a container may still be made from them. */
async function pruneContainerImages(inUse: ReadonlySet<string>): Promise<void> {
  const docker = dockerClient();
  for (const image of await docker.listImages({ filters: { label: ["trilab.image"] } })) {
    const hash = image.Labels?.["trilab.image"];
    if (hash === undefined || inUse.has(hash)) continue;
    // A container of another owner keeps its image: the daemon refuses, and is right.
    await docker
      .getImage(image.Id)
      .remove()
      .catch(() => {});
  }
}
