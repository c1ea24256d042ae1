import { randomBytes } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ExitCode, UserError } from "../base/errors.js";
import type { Accelerator } from "../components/libvirt-machine.js";
import { connect } from "../drivers/drivers.js";
import { IMAGE_POOL } from "../drivers/libvirt/pools.js";
import { accelerator } from "../hosts/accelerator.js";
import { subnetsInUse } from "../hosts/subnets.js";
import { findImage, type GuestIdentity, imageHash } from "../images/index.js";
import { loadLab } from "../labs/load-lab.js";
import { overlaps, type Subnet } from "../model/cidr.js";
import { LOCAL } from "../model/endpoint.js";
import { imageVolumes } from "../model/image-volumes.js";
import type { MachineSpec } from "../model/machine-spec.js";
import { imageSpecOf } from "../seats/prepare-seat.js";
import { makeKey, type SshTarget } from "../test/support/raw-guest.js";

/** The daemons of this machine, independent of the environment. */
const [docker, libvirt] = [connect(LOCAL.docker), connect(LOCAL.libvirt)];

/** The lab whose machine all contestants make. */
export const LAB = "first-boot";

/** What all contestants share: one image, one accelerator, and the bench's own names and addresses. */
export interface Scene {
  /** `bench-1a2b3c`: part of the name of everything that is made. */
  name: string;
  spec: MachineSpec;
  accelerator: Accelerator;
  image: { hash: string; containerTag: string };
  /** The image's files in libvirt's pool: QEMU's user can read them, and nobody writes to them. */
  base: { disk: string; volume: string; kernel: string; initrd: string };
  /** A folder that QEMU's user can read. */
  dir: string;
  /** The XDG_STATE_HOME of the measured trilab. */
  state: string;
  userKey: { path: string; publicKey: string };
  hostKey: { text: string; publicKey: string };
}

/** @throws UserError (exit 3) when `trilab up` has not yet prepared this host, because that is not measured. */
export async function openScene(): Promise<Scene> {
  const lab = await loadLab(LAB);
  const image = await findImage(imageHash(imageSpecOf(lab.machine)));
  const volumes = image && imageVolumes(image.hash);
  const ready =
    image !== undefined &&
    volumes !== undefined &&
    (await docker.hasImage(image.containerTag)) &&
    (await libvirt.imageVolumeNames()).includes(volumes.disk);
  if (!ready) {
    throw new UserError("this host is not set up yet", {
      why: "the bench does not measure how long engine and image take to be made, so they must be there",
      fix: "run this once: ./trilab up -y && ./trilab down",
      exitCode: ExitCode.hostNotReady,
    });
  }
  const name = `bench-${randomBytes(3).toString("hex")}`;
  const dir = `/var/lib/libvirt/images/${name}`;
  await mkdir(dir, { recursive: true });
  await chmod(dir, 0o711);
  const state = await mkdtemp(join(tmpdir(), `${name}-state-`));
  process.env.XDG_STATE_HOME = state;
  return {
    name,
    spec: lab.machine,
    accelerator: (await accelerator(libvirt)).use,
    image,
    base: {
      disk: join(IMAGE_POOL.path, volumes.disk),
      volume: volumes.disk,
      kernel: join(IMAGE_POOL.path, volumes.kernel),
      initrd: join(IMAGE_POOL.path, volumes.initrd),
    },
    dir,
    state,
    userKey: await makeKey(dir, "user"),
    hostKey: await makeKey(dir, "host"),
  };
}

/** A contestant's guest: its names and addresses. */
export interface Place {
  name: string;
  /** At most 15 characters. */
  bridge: string;
  mac: string;
  subnet: Subnet;
  identity: GuestIdentity;
  ssh: SshTarget;
}

/** A name, a network and an address for `who`, in an unused part of 10.213.224.0/20. */
export async function placeFor(scene: Scene, who: string): Promise<Place> {
  const inUse = await subnetsInUse({ docker, libvirt });
  const random = randomBytes(4);
  const candidates = Array.from({ length: 256 }, (_, i) => (random.readUInt8(0) + i) % 256);
  const free = candidates.map(sixteenth).find((net) => !inUse.some((cidr) => overlaps(cidr, net.cidr)));
  if (free === undefined) throw new Error("no free addresses in 10.213.224.0/20");
  const knownHosts = join(scene.dir, `known-${who}`);
  await writeFile(knownHosts, `${free.address} ${scene.hostKey.publicKey}\n`);
  const name = `${scene.name}-${who}`;
  return {
    name,
    bridge: `tb${scene.name.slice("bench-".length)}${who.slice(0, 4)}`,
    mac: `52:54:00:${[1, 2, 3].map((i) => random.readUInt8(i).toString(16).padStart(2, "0")).join(":")}`,
    subnet: free,
    identity: {
      hostname: name,
      address: `${free.address}/${free.prefix}`,
      gateway: free.gateway,
      dns: [free.gateway],
      userKeys: [scene.userKey.publicKey],
      hostKey: scene.hostKey.text,
    },
    ssh: { address: free.address, user: scene.spec.user, keyPath: scene.userKey.path, knownHosts },
  };
}

/** The n-th /28 of 10.213.224.0/20. */
function sixteenth(n: number): Subnet {
  const [third, fourth] = [224 + Math.floor(n / 16), (n % 16) * 16];
  const at = (host: number): string => `10.213.${third}.${fourth + host}`;
  return { cidr: `${at(0)}/28`, prefix: 28, gateway: at(1), address: at(2) };
}

/** Removes the scene's own folders, and QEMU's logs of its guests. */
export async function closeScene(scene: Scene): Promise<void> {
  const logs = "/var/log/libvirt/qemu";
  for (const file of await readdir(logs).catch(() => []))
    if (file.includes(scene.name)) await rm(join(logs, file), { force: true });
  await rm(scene.dir, { recursive: true, force: true });
  await rm(scene.state, { recursive: true, force: true });
}

/** Everything on this host with the scene's name, as Docker, libvirt, the kernel and the file system report it. */
export async function leftovers(scene: Scene): Promise<string[]> {
  const [containers, networks, volumes, domains, nets, pools, disks, files, logs, processes] =
    await Promise.all([
      docker.client.listContainers({ all: true }),
      docker.client.listNetworks(),
      docker.client.listVolumes(),
      libvirt.domainNames(),
      libvirt.networkNames(),
      libvirt.poolNames(),
      libvirt.volumeNames("trilab"),
      readdir("/var/lib/libvirt/images"),
      readdir("/var/log/libvirt/qemu").catch(() => []),
      commandLines(),
    ]);
  const named = (kind: string, names: readonly string[]): string[] =>
    names.filter((n) => n.includes(scene.name)).map((n) => `${kind} ${n}`);
  return [
    ...named(
      "container",
      containers.map((c) => c.Names.join(" ")),
    ),
    ...named(
      "docker network",
      networks.map((n) => n.Name),
    ),
    ...named(
      "docker volume",
      (volumes.Volumes ?? []).map((v) => v.Name),
    ),
    ...named("domain", domains),
    ...named("network", nets),
    ...named("pool", pools),
    ...named("disk", disks),
    ...named("folder", files),
    ...named("log", logs),
    ...named("temporary folder", await readdir(tmpdir())),
    ...named("process", processes),
  ];
}

async function commandLines(): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((n) => /^\d+$/.test(n) && n !== String(process.pid));
  return Promise.all(
    pids.map(async (pid) =>
      (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).replaceAll("\0", " ").slice(0, 300),
    ),
  );
}
