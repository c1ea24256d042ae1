import { rm } from "node:fs/promises";
import { join } from "node:path";
import { withLock } from "../base/lock.js";
import { stateDir } from "../base/paths.js";
import type { Progress } from "../base/progress.js";
import { clearStaleLock, openStack, readCheckpoint } from "../engine/index.js";
import { dockerClient, requireDocker } from "../hosts/docker.js";
import { DISK_POOL, IMAGE_POOL } from "../hosts/inventory.js";
import { virsh, virshIfThere, volumeNames } from "../hosts/libvirt.js";
import { which } from "../hosts/privilege.js";
import { pruneImages } from "../images/index.js";
import { HOST_STACK, providerConfig, readHostRecord, writeHostRecord } from "./ensure-host.js";
import { hostProgram } from "./host.js";
import { listSeats, readRecord } from "./seat-record.js";

/**
 * Removes the images no seat runs on: from the cache, from Docker, and from libvirt; with the last of them the storage
 * pools too, unless somebody else's disks lie there.
 *
 * @returns the hashes removed from the cache.
 */
export async function pruneHost(progress: Progress): Promise<string[]> {
  return withLock(join(stateDir(), "host.lock"), { what: "the host's stack", waitMs: 900_000 }, async () => {
    const seats = await Promise.all((await listSeats()).map((id) => readRecord(id)));
    const inUse = new Set(seats.filter((r) => r !== undefined).map((r) => r.image));
    // Other state directories' seats on this host are known by what their disks are laid over.
    for (const hash of await backingImages()) inUse.add(hash);
    await pruneStack(inUse, progress);
    if (
      await requireDocker().then(
        () => true,
        () => false,
      )
    )
      await pruneContainerImages(inUse);
    return pruneImages({ keep: [...inUse] });
  });
}

/** The hashes of the images that the disks in the seats' pool are laid over, whoever made them. */
async function backingImages(): Promise<string[]> {
  if (which("virsh") === undefined) return [];
  const disks = (await volumeNames(DISK_POOL.name)).filter((name) => name.endsWith(".qcow2"));
  const xml = await Promise.all(
    disks.map((name) => virshIfThere("vol-dumpxml", name, "--pool", DISK_POOL.name)),
  );
  return xml.flatMap(
    (text) => /<backingStore>\s*<path>.*\/([0-9a-f]{16})\.qcow2<\/path>/.exec(text ?? "")?.[1] ?? [],
  );
}

async function pruneStack(inUse: ReadonlySet<string>, progress: Progress): Promise<void> {
  const checkpoint = await readCheckpoint(HOST_STACK);
  if (checkpoint === undefined) return;
  await clearStaleLock(HOST_STACK);
  const before = await readHostRecord();
  const record = { ...before, images: before.images.filter((i) => inUse.has(i.hash)) };
  const othersDisks = before.libvirt && (await volumeNames(DISK_POOL.name)).length > 0;
  const stack = openStack({
    ...HOST_STACK,
    program: hostProgram(record),
    config: providerConfig(),
    progress,
  });
  if (record.images.length > 0 || othersDisks) {
    await stack.up({ refresh: true });
    await writeHostRecord(record);
    return;
  }
  // A folder's pool refuses to go while it is not active.
  if (before.libvirt)
    for (const { name } of [DISK_POOL, IMAGE_POOL]) await virsh("pool-start", name).catch(() => {});
  await stack.destroy({ refresh: true });
  await stack.removeStack();
  await rm(join(stateDir(), "host.json"), { force: true });
}

/** The provider leaves images in the daemon (`keepLocally`), as a container may still be made from them. */
async function pruneContainerImages(inUse: ReadonlySet<string>): Promise<void> {
  const docker = dockerClient();
  for (const image of await docker.listImages({ filters: { label: ["trilab.image"] } })) {
    const hash = image.Labels?.["trilab.image"];
    // A container of another owner keeps its image: the daemon refuses, and is right.
    if (hash !== undefined && !inUse.has(hash))
      await docker
        .getImage(image.Id)
        .remove()
        .catch(() => {});
  }
}
