import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { withLock } from "../base/lock.js";
import { stateDir } from "../base/paths.js";
import type { Progress } from "../base/progress.js";
import { type Checkpoint, clearPending, clearStaleLock, openStack, readCheckpoint } from "../engine/index.js";
import { dockerClient, dockerEndpoint } from "../hosts/docker.js";
import { DISK_POOL, IMAGE_POOL, type Sources } from "../hosts/inventory.js";
import { libvirtUri, poolNames, virsh, virshIfThere, volumeNames } from "../hosts/libvirt.js";
import { containerImageLoaded, findImage, importContainerImage, type MatchedImage } from "../images/index.js";
import type { HostSettings } from "./host.js";
import { imageVolumes } from "./image-volumes.js";

/** The stack of what a host's seats share. */
export const HOST_STACK = { stack: "trilab-host" } as const;

/** What the host stack carries; the reality is asked for beside it. */
const hostRecordSchema = z.object({
  /** With the paths they were uploaded from: an image may leave our cache while seats still run on it. */
  images: z.array(
    z.object({
      hash: z.string(),
      /** Absent: no container is made from it. */
      containerTag: z.string().optional(),
      disk: z.string(),
      kernel: z.string(),
      initrd: z.string(),
    }),
  ),
  docker: z.boolean(),
  libvirt: z.boolean(),
});
type HostRecord = z.infer<typeof hostRecordSchema>;

const recordFile = (): string => join(stateDir(), "host.json");

export async function readHostRecord(): Promise<HostRecord> {
  try {
    return hostRecordSchema.parse(JSON.parse(await readFile(recordFile(), "utf8")));
  } catch {
    // The host stack holds only what can be made again, so a lost or damaged record costs a second look, no more.
    return { images: [], docker: false, libvirt: false };
  }
}

export async function writeHostRecord(record: HostRecord): Promise<void> {
  await mkdir(stateDir(), { recursive: true, mode: 0o700 });
  await writeFile(recordFile(), `${JSON.stringify(record)}\n`, { mode: 0o600 });
}

/** The provider settings of every stack of ours: which daemons, and which region, the default providers talk to. */
export const providerConfig = (region?: string): Record<string, { value: string }> => ({
  "docker:host": { value: dockerEndpoint() },
  "libvirt:uri": { value: libvirtUri() },
  ...(region === undefined ? {} : { "aws:region": { value: region } }),
});

/**
 * Makes the host ready for seats of this image: pools, base volumes, container image. Quick when it is.
 *
 * @returns whether anything was done.
 */
export async function ensureHost(
  image: MatchedImage,
  sources: Sources,
  progress: Progress,
): Promise<boolean> {
  if (await hostHas(image.hash, sources)) return false;
  return withLock(join(stateDir(), "host.lock"), { what: "the host's stack", waitMs: 900_000 }, async () => {
    if (await hostHas(image.hash, sources)) return false;
    progress.update("giving the image to the host");
    const before = await readHostRecord();
    const { hash, disk, kernel, initrd } = image;
    const containerTag = sources.docker
      ? image.containerTag
      : before.images.find((i) => i.hash === hash)?.containerTag;
    const record: HostRecord = {
      images: [...before.images.filter((i) => i.hash !== hash), { hash, containerTag, disk, kernel, initrd }],
      docker: before.docker || sources.docker,
      libvirt: before.libvirt || sources.libvirt,
    };
    if (record.docker) {
      const wanted = record.images.filter((i) => i.containerTag !== undefined);
      const cached = (await Promise.all(wanted.map((i) => findImage(i.hash)))).filter((i) => i !== undefined);
      for (const each of cached) await importContainerImage(dockerClient(), each, { progress });
    }
    await deployHost(record, progress);
    return true;
  });
}

/** Brings the host's stack to what `record` says, and writes it down. The caller holds the host's lock. */
export async function deployHost(record: HostRecord, progress: Progress): Promise<void> {
  await clearStaleLock(HOST_STACK);
  const checkpoint = await readCheckpoint(HOST_STACK);
  const ours = !record.libvirt || (await poolsAreOurs(checkpoint));
  if (!ours) await forgetHost();
  // Pools and volumes are taken over by name, so what an ended engine may have made needs no looking up.
  else if (checkpoint && checkpoint.pendingOperations.length > 0) await clearPending(HOST_STACK);
  const { hostProgram } = await import("./host.js");
  const stack = openStack({
    ...HOST_STACK,
    program: hostProgram(await hostSettings(record, ours)),
    config: providerConfig(),
    progress,
  });
  await stack.up({ refresh: ours && (checkpoint?.resources.length ?? 0) > 0 });
  if (record.libvirt) for (const pool of [DISK_POOL, IMAGE_POOL]) await virsh("pool-autostart", pool.name);
  await writeHostRecord(record);
}

/**
 * What of a record can be deployed. An image that has left our cache stays if it is on the host and in our state; it
 * can't be uploaded or loaded again.
 */
async function hostSettings(record: HostRecord, poolsAreKnown: boolean): Promise<HostSettings> {
  const onHost = record.libvirt && poolsAreKnown ? await volumeNames(IMAGE_POOL.name) : [];
  const images = record.images.filter(
    (i) => existsSync(i.disk) || onHost.includes(imageVolumes(i.hash).disk),
  );
  const tags = record.docker ? record.images.flatMap((i) => i.containerTag ?? []) : [];
  const loaded = await Promise.all(tags.map((tag) => containerImageLoaded(dockerClient(), tag)));
  return {
    volumes: record.libvirt ? images : undefined,
    containerTags: tags.filter((_, i) => loaded[i]),
  };
}

/** Asks the daemons, so that an image removed by hand is noticed. */
async function hostHas(hash: string, sources: Sources): Promise<boolean> {
  const [container, guest] = await Promise.all([
    !sources.docker || containerImageLoaded(dockerClient(), `trilab/machine:${hash}`),
    !sources.libvirt || hostHasVolumes(hash),
  ]);
  return container && guest;
}

async function hostHasVolumes(hash: string): Promise<boolean> {
  const [defined, running] = await Promise.all([poolNames(), activePools()]);
  for (const { name } of [DISK_POOL, IMAGE_POOL]) {
    if (defined.includes(name) && !running.includes(name)) await virsh("pool-start", name);
  }
  const [pools, volumes] = await Promise.all([activePools(), volumeNames(IMAGE_POOL.name)]);
  return (
    pools.includes(DISK_POOL.name) &&
    Object.values(imageVolumes(hash)).every((name) => volumes.includes(name))
  );
}

const activePools = async (): Promise<string[]> =>
  (await virsh("pool-list", "--name"))
    .split("\n")
    .map((l) => l.trim())
    .filter(Boolean);

/** Whether the pools that libvirt has are those of our state: another state directory may have defined them anew. */
async function poolsAreOurs(checkpoint: Checkpoint | undefined): Promise<boolean> {
  const known = (checkpoint?.resources ?? [])
    .filter((r) => r.type === "libvirt:index/pool:Pool")
    .map((r) => r.id);
  const there = await Promise.all([DISK_POOL, IMAGE_POOL].map(({ name }) => virshIfThere("pool-uuid", name)));
  return there.every((uuid) => uuid !== undefined && known.includes(uuid.trim()));
}

/**
 * Drops the pools' definitions and our state of them, not their files: the stack then defines them again over the same
 * folders and takes the volumes over by name. Running guests name their disks by path and don't notice.
 */
async function forgetHost(): Promise<void> {
  const there = await poolNames();
  for (const { name } of [DISK_POOL, IMAGE_POOL]) {
    if (!there.includes(name)) continue;
    await virsh("pool-destroy", name).catch(() => {}); // It may be inactive already.
    await virsh("pool-undefine", name);
  }
  await openStack(HOST_STACK).removeStack({ force: true });
}
