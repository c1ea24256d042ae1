import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { z } from "zod";
import { hasCode, messageOf, UserError } from "../base/errors.js";
import { privateDir, stateDir } from "../base/paths.js";
import type { Progress } from "../base/progress.js";
import { type Drivers, endpointsOf } from "../drivers/drivers.js";
import type { LibvirtDriver } from "../drivers/libvirt/driver.js";
import { POOLS } from "../drivers/libvirt/pools.js";
import {
  type Checkpoint,
  clearPending,
  clearStaleLock,
  ensureEngine,
  openStack,
  readCheckpoint,
  type StackConfig,
  type StackRef,
} from "../engine/index.js";
import { keepSeatsApart, seatsRunHere } from "../hosts/set-firewall.js";
import type { MatchedImage } from "../images/index.js";
import {
  addressOf,
  type DockerEndpoint,
  type Endpoint,
  endpointWords,
  type LibvirtEndpoint,
  LOCAL,
  sameEndpoint,
} from "../model/endpoint.js";
import { imageVolumes } from "../model/image-volumes.js";
import { withUnitLock } from "../shared/shared-state.js";
import type { HostImage, HostSettings } from "../stacks/host.js";
import { silenceOf } from "./silence.js";

/** What the stack of a libvirt host should contain. What really exists is queried from libvirt. */
const hostRecordSchema = z.object({
  /** With the paths from which they were uploaded: an image may be removed from our cache while seats still use it. */
  images: z.array(
    z.object({
      hash: z.string(),
      disk: z.string(),
      kernel: z.string(),
      initrd: z.string(),
      manifest: z.string(),
    }),
  ),
});
export type HostRecord = z.infer<typeof hostRecordSchema>;

/** Empty for this machine's daemons. Every other one gets a suffix, and so a lock, a stack and a record of its own. */
const suffix = (endpoint: DockerEndpoint | LibvirtEndpoint): string =>
  sameEndpoint(endpoint, LOCAL[endpoint.kind])
    ? ""
    : `-${createHash("sha256").update(addressOf(endpoint)).digest("hex").slice(0, 8)}`;

/** The stack with what the seats on one libvirt host share. */
export const hostStack = ({ endpoint }: LibvirtDriver): StackRef => ({
  stack: `trilab-host${suffix(endpoint)}`,
});

/** The file that holds a host's record. */
export const hostRecordFile = ({ endpoint }: LibvirtDriver): string =>
  join(stateDir(), `host${suffix(endpoint)}.json`);

/**
 * Holds the locks for changes of what seats share at these endpoints. Each has its own: a host that hangs must not stop
 * the others.
 *
 * @param signal Ends the waiting for a lock.
 */
export async function withHostLock<T>(
  endpoints: readonly Endpoint[],
  body: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const [endpoint, ...others] = endpoints.filter((each) => each.kind !== "ec2");
  if (endpoint === undefined) return body();
  const file = `${endpoint.kind === "docker" ? "docker" : "host"}${suffix(endpoint)}.lock`;
  const lock = { what: `the images at ${endpointWords(endpoint)}`, waitMs: 900_000, signal };
  // Instructors who share a state also share its hosts.
  return withUnitLock({ name: `hosts/${file}`, lock: file, paths: [] }, lock, () =>
    withHostLock(others, body, signal),
  );
}

/**
 * A host's record; without images when there is none.
 *
 * @throws UserError when it can't be read.
 */
export async function readHostRecord(libvirt: LibvirtDriver): Promise<HostRecord> {
  const file = hostRecordFile(libvirt);
  try {
    return hostRecordSchema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (error) {
    if (hasCode(error, "ENOENT")) return { images: [] };
    throw new UserError(`the record of the images at ${endpointWords(libvirt.endpoint)} can't be read`, {
      why: `${file}: ${messageOf(error).split("\n")[0]}`,
      fix: "check the file's permissions; if it is damaged, remove it: the images stay",
      cause: error,
    });
  }
}

async function writeHostRecord(libvirt: LibvirtDriver, record: HostRecord): Promise<void> {
  await privateDir(stateDir());
  await writeFileAtomic(hostRecordFile(libvirt), `${JSON.stringify(record)}\n`, { mode: 0o600 });
}

/** The configuration of the default providers in our stacks: which daemons and which region they use. */
export function providerConfig(drivers: Drivers): StackConfig {
  const { docker, libvirt, ec2 } = drivers;
  const { host, certPath } = docker?.endpoint ?? LOCAL.docker;
  return {
    "docker:host": { value: host },
    ...(certPath === undefined ? {} : { "docker:certPath": { value: certPath } }),
    "libvirt:uri": { value: (libvirt?.endpoint ?? LOCAL.libvirt).uri },
    ...(ec2?.[0] === undefined ? {} : { "aws:region": { value: ec2[0].region } }),
  };
}

/**
 * Makes sure that the daemons have an image: the container image in Docker; pools and base volumes in libvirt. Quick if
 * they have it.
 *
 * @param signal Ends the waiting for another run, and an upload to libvirt after the engine's current steps.
 * @returns whether anything was done.
 */
export async function ensureHost(
  image: MatchedImage,
  drivers: Drivers,
  progress: Progress,
  signal?: AbortSignal,
): Promise<boolean> {
  if (seatsRunHere(endpointsOf(drivers))) await keepSeatsApart(progress, { ask: false });
  const { docker, libvirt } = drivers;
  const loads = docker !== undefined && !(await docker.hasImage(image.containerTag));
  if (loads) await withHostLock([docker.endpoint], () => docker.loadImage(image, progress), signal);
  const uploads = libvirt !== undefined && !(await hasImage(libvirt, image.hash));
  if (uploads) await withHostLock([libvirt.endpoint], () => upload(libvirt, image, progress, signal), signal);
  return loads || uploads;
}

/** Queries libvirt, so that an image removed by hand is noticed. */
const hasImage = (libvirt: LibvirtDriver, hash: string): Promise<boolean> =>
  libvirt.hasImage(
    hash,
    POOLS.map(({ name }) => name),
  );

async function upload(
  libvirt: LibvirtDriver,
  image: MatchedImage,
  progress: Progress,
  signal: AbortSignal | undefined,
): Promise<void> {
  // Another run may have done it while this one waited for the lock.
  if (await hasImage(libvirt, image.hash)) return;
  progress.update("uploading the image to libvirt");
  const before = await readHostRecord(libvirt);
  const others = before.images.filter(({ hash }) => hash !== image.hash);
  await deployHost(libvirt, { images: [...others, hostImage(image)] }, progress, signal);
}

/** An image as the host's stack has it. */
const hostImage = ({ hash, disk, kernel, initrd, manifestFile }: MatchedImage): HostImage => ({
  hash,
  disk,
  kernel,
  initrd,
  manifest: manifestFile,
});

/** Deploys the host's stack as `record` says, and saves the record. The caller holds the host's lock. */
export async function deployHost(
  libvirt: LibvirtDriver,
  record: HostRecord,
  progress: Progress,
  signal?: AbortSignal,
): Promise<void> {
  const ref = hostStack(libvirt);
  await clearStaleLock(ref);
  const checkpoint = await knownHost(libvirt);
  // What an interrupted engine may have made is adopted by name, so nothing has to be looked up.
  if ((checkpoint?.pendingOperations.length ?? 0) > 0) await clearPending(ref);
  for (const { hash } of record.images) await dropPartial(libvirt, hash);
  const settings = await hostSettings(libvirt, record, checkpoint);
  const { hostProgram } = await import("../stacks/host.js");
  const stack = openStack({
    ...ref,
    engine: await ensureEngine({ progress, docker: false, libvirt: true }),
    program: hostProgram(settings),
    config: providerConfig({ libvirt }),
    progress,
    askDaemons: silenceOf({ libvirt }),
    ...(signal ? { signal } : {}),
  });
  await stack.up({ refresh: (checkpoint?.resources.length ?? 0) > 0 });
  await writeHostRecord(libvirt, record);
  for (const pool of POOLS) await libvirt.autostartPool(pool.name);
}

/**
 * Our state of the host, or `undefined` if its pools are not those that exist. Existing ones are somebody else's, or ours
 * from before the state was lost: they are used as they are, and not made again. Missing ones were removed by hand, or the
 * host is a new one at the same address: the engine could not even refresh the volumes in them.
 */
async function knownHost(libvirt: LibvirtDriver): Promise<Checkpoint | undefined> {
  const ref = hostStack(libvirt);
  const checkpoint = await readCheckpoint(ref);
  if (checkpoint === undefined) return undefined;
  const there = await Promise.all(POOLS.map(async ({ name }) => [name, await libvirt.poolId(name)] as const));
  if (hasPools(checkpoint, there)) return checkpoint;
  await openStack(ref).removeStack();
  return undefined;
}

/**
 * Whether the state's pools are those of the host, given by name and UUID, and its volumes have a pool. `undefined`: there
 * is none of that name. Pure.
 */
export function hasPools(
  { resources }: Checkpoint,
  there: readonly (readonly [name: string, id: string | undefined])[],
): boolean {
  const pools = resources.filter(({ type }) => type === "libvirt:index/pool:Pool");
  const hasVolumes = resources.some(({ type }) => type === "libvirt:index/volume:Volume");
  if (hasVolumes && there.some(([, id]) => id === undefined)) return false;
  return there.every(([name, id]) => pools.find(({ inputs }) => inputs.name === name)?.id === id);
}

/** Removes what an interrupted upload left, so that it is uploaded again; never a volume on which a disk is based. */
async function dropPartial(libvirt: LibvirtDriver, hash: string): Promise<void> {
  const there = await libvirt.imageVolumeNames();
  const names = imageVolumes(hash);
  if (there.includes(names.manifest) || !there.includes(names.disk)) return;
  if ((await libvirt.imagesUnderDisks()).includes(hash)) return;
  await libvirt.removeImage(hash);
}

/**
 * The images of a record that belong into our stack: those in its state, and those that the host lacks. An image that is
 * no longer in our cache stays if it is on the host and in our state, because it can't be uploaded again.
 */
async function hostSettings(
  libvirt: LibvirtDriver,
  record: HostRecord,
  checkpoint: Checkpoint | undefined,
): Promise<HostSettings> {
  const known = (name: string): boolean =>
    checkpoint?.resources.some((r) => r.inputs?.name === name) === true;
  const [pools, onHost] = await Promise.all([libvirt.poolNames(), libvirt.imageVolumeNames()]);
  const volumes = record.images.filter(({ hash, disk }) => {
    const names = imageVolumes(hash);
    return known(names.disk)
      ? existsSync(disk) || onHost.includes(names.disk)
      : existsSync(disk) && !onHost.includes(names.manifest);
  });
  return { pools: POOLS.filter(({ name }) => known(name) || !pools.includes(name)), volumes };
}
