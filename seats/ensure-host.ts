import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { withLock } from "../base/lock.js";
import { stateDir } from "../base/paths.js";
import type { Progress } from "../base/progress.js";
import { dockerClient, dockerEndpoint } from "../drivers/docker/client.js";
import { IMAGE_POOL, POOLS, type Sources } from "../drivers/inventory.js";
import { libvirtUri, poolNames, virsh, virshIfThere } from "../drivers/libvirt/virsh.js";
import {
  type Checkpoint,
  clearPending,
  clearStaleLock,
  ensureEngine,
  openStack,
  readCheckpoint,
} from "../engine/index.js";
import { keepSeatsApart, seatsRunHere } from "../hosts/isolation.js";
import { containerImageLoaded, findImage, importContainerImage, type MatchedImage } from "../images/index.js";
import type { HostImage, HostSettings } from "../stacks/host.js";
import { imagesUnderDisks, imageVolumeNames, imageVolumes } from "../stacks/image-volumes.js";

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
      manifest: z.string(),
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
  if (seatsRunHere(sources)) await keepSeatsApart(progress, { ask: false });
  if (await hostHas(image.hash, sources)) return false;
  return withLock(join(stateDir(), "host.lock"), { what: "the host's stack", waitMs: 900_000 }, async () => {
    if (await hostHas(image.hash, sources)) return false;
    progress.update("giving the image to the host");
    const before = await readHostRecord();
    // One that only guests boot is no container's.
    const containerTag = sources.docker
      ? image.containerTag
      : before.images.find((i) => i.hash === image.hash)?.containerTag;
    const given = { ...hostImage(image), containerTag };
    const record: HostRecord = {
      images: [...before.images.filter((i) => i.hash !== image.hash), given],
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

/** An image as the host's stack has it. */
const hostImage = ({ hash, disk, kernel, initrd, manifestFile }: MatchedImage): HostImage => ({
  hash,
  disk,
  kernel,
  initrd,
  manifest: manifestFile,
});

/** Brings the host's stack to what `record` says, and writes it down. The caller holds the host's lock. */
export async function deployHost(record: HostRecord, progress: Progress): Promise<void> {
  await clearStaleLock(HOST_STACK);
  const checkpoint = await knownHost(record);
  // What an ended engine may have made is taken over by name, so it needs no looking up.
  if ((checkpoint?.pendingOperations.length ?? 0) > 0) await clearPending(HOST_STACK);
  if (record.libvirt) for (const { hash } of record.images) await dropPartial(hash);
  const settings = await hostSettings(record, checkpoint);
  const { hostProgram } = await import("../stacks/host.js");
  const { docker, libvirt } = record;
  const stack = openStack({
    ...HOST_STACK,
    engine: await ensureEngine({ progress, docker, libvirt }),
    program: hostProgram(settings),
    config: providerConfig(),
    progress,
  });
  await stack.up({ refresh: (checkpoint?.resources.length ?? 0) > 0 });
  if (record.libvirt) for (const pool of POOLS) await virsh("pool-autostart", pool.name);
  await writeHostRecord(record);
}

/**
 * Our state of the host, or `undefined` where it has none that counts: pools that are there and that it does not know
 * are somebody else's, or ours from before the state was lost. They are used, not made again.
 */
async function knownHost(record: HostRecord): Promise<Checkpoint | undefined> {
  const checkpoint = await readCheckpoint(HOST_STACK);
  if (checkpoint === undefined || !record.libvirt) return checkpoint;
  const known = checkpoint.resources.filter((r) => r.type === "libvirt:index/pool:Pool").map((r) => r.id);
  const there = await Promise.all(POOLS.map(({ name }) => virshIfThere("pool-uuid", name)));
  if (there.every((uuid) => uuid === undefined || known.includes(uuid.trim()))) return checkpoint;
  await openStack(HOST_STACK).removeStack({ force: true });
  return undefined;
}

/** Removes what a broken-off upload left, so that it is uploaded anew; never what a disk is laid over. */
async function dropPartial(hash: string): Promise<void> {
  const there = await imageVolumeNames();
  const names = imageVolumes(hash);
  if (there.includes(names.manifest) || !there.includes(names.disk)) return;
  if ((await imagesUnderDisks()).includes(hash)) return;
  for (const name of Object.values(names).filter((n) => there.includes(n)))
    await virshIfThere("vol-delete", name, "--pool", IMAGE_POOL.name);
}

/**
 * What of a record our stack is to hold: what its state knows, and what the host lacks. An image that has left our
 * cache stays if it is on the host and in our state; it can't be uploaded or loaded again.
 */
async function hostSettings(record: HostRecord, checkpoint: Checkpoint | undefined): Promise<HostSettings> {
  const tags = record.docker ? record.images.flatMap((i) => i.containerTag ?? []) : [];
  const loaded = await Promise.all(tags.map((tag) => containerImageLoaded(dockerClient(), tag)));
  const containerTags = tags.filter((_, i) => loaded[i]);
  if (!record.libvirt) return { pools: [], volumes: [], containerTags };

  const known = (name: string): boolean =>
    checkpoint?.resources.some((r) => r.inputs?.name === name) === true;
  const [pools, onHost] = await Promise.all([poolNames(), imageVolumeNames()]);
  const volumes = record.images.filter(({ hash, disk }) => {
    const names = imageVolumes(hash);
    return known(names.disk)
      ? existsSync(disk) || onHost.includes(names.disk)
      : existsSync(disk) && !onHost.includes(names.manifest);
  });
  return {
    pools: POOLS.filter(({ name }) => known(name) || !pools.includes(name)),
    volumes,
    containerTags,
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
  for (const { name } of POOLS) {
    if (defined.includes(name) && !running.includes(name)) await virsh("pool-start", name);
  }
  if (!POOLS.every(({ name }) => defined.includes(name))) return false;
  const volumes = await imageVolumeNames();
  return Object.values(imageVolumes(hash)).every((name) => volumes.includes(name));
}

const activePools = async (): Promise<string[]> =>
  (await virsh("pool-list", "--name"))
    .split("\n")
    .map((l) => l.trim())
    .filter(Boolean);
