import { existsSync } from "node:fs";
import type Docker from "dockerode";
import { hasCode } from "../base/errors.js";
import { isAwsKind, KINDS, type Kind, type Sources, sourceOf } from "../model/kinds.js";
import {
  bridgeName,
  DOMAIN_TARGETS,
  type DomainTarget,
  homeVolumeName,
  machineName,
  machineOf,
  type SeatId,
  type Target,
} from "../model/naming.js";
import { dockerClient } from "./docker/client.js";
import {
  domainNames,
  domainState,
  libvirtUri,
  networkNames,
  virsh,
  virshIfThere,
  volumeNames,
} from "./libvirt/virsh.js";

/** The storage pools on every libvirt host: the seats' disks, and the read-only images they are laid over. */
export const DISK_POOL = { name: "trilab", path: "/var/lib/libvirt/images/trilab" } as const;
export const IMAGE_POOL = { name: "trilab-images", path: "/var/lib/libvirt/images/trilab-images" } as const;

export const POOLS = [DISK_POOL, IMAGE_POOL] as const;

export { HELD_BY_INSTANCE, KINDS, type Kind, type Sources, sourceOf, sourceWords } from "../model/kinds.js";

/** One thing of a seat that Docker, libvirt or AWS says is there. */
export interface Found {
  kind: Kind;
  name: string;
  /** Docker's or AWS's id, or the libvirt name. */
  id: string;
  /** running, exited, shut off, …; empty for what does not run. */
  state: string;
  /** The `trilab.owner` label; `undefined` for what can't carry one. */
  owner: string | undefined;
  /** Of what AWS has. */
  region?: string;
  /** The public one, of a machine that AWS has. */
  address?: string;
}

/** The target that a thing is a part of. Pure. */
export function targetOf({ kind, name }: Found): Target {
  const by = { docker: "container", aws: "vps", libvirt: machineOf(name).endsWith("-vps") ? "vps" : "guest" };
  return by[sourceOf(kind)] as Target;
}

/** Everything of one seat, as Docker, libvirt and AWS themselves report it: by label and by name, never from our state. */
export async function seatInventory(id: SeatId, sources: Sources): Promise<Found[]> {
  const found = await Promise.all([
    sources.docker ? dockerObjects(id) : [],
    sources.libvirt ? libvirtObjects(id) : [],
    sources.aws ? awsObjects(id, sources.aws) : [],
  ]);
  return found.flat();
}

/** AWS's SDK takes half a second to load, which no local seat must wait for. */
async function awsObjects(id: SeatId, regions: readonly string[]): Promise<Found[]> {
  return (await import("./ec2/inventory.js")).awsObjects(id, regions);
}

async function dockerObjects(id: SeatId): Promise<Found[]> {
  const docker = dockerClient();
  const label = [`trilab.lab=${id.lab}`, `trilab.seat=${id.seat}`];
  const machine = machineName(id, "container");
  // A name filter matches anywhere in the name; ^…$ makes it exact.
  // A clone is what a `compare` did not live to remove.
  const named = { name: [`^/?${machine}(-clone[0-9]+)?$`] };
  const [byLabel, byName, networks, networksByName, volumes, volumesByName] = await Promise.all([
    docker.listContainers({ all: true, filters: { label } }),
    docker.listContainers({ all: true, filters: named }),
    docker.listNetworks({ filters: { label } }),
    docker.listNetworks({ filters: { name: [`^${machine}$`] } }),
    docker.listVolumes({ filters: { label } }),
    docker.listVolumes({ filters: { name: [`^${homeVolumeName(id)}$`] } }),
  ]);
  const found: Found[] = [];
  const add = (
    kind: Kind,
    name: string,
    oid: string,
    state: string,
    labels: Record<string, string> | null | undefined,
  ) => {
    if (!found.some((f) => f.kind === kind && f.id === oid)) {
      found.push({ kind, name, id: oid, state, owner: labels?.["trilab.owner"] });
    }
  };
  for (const c of [...byLabel, ...byName])
    add("container", (c.Names[0] ?? c.Id).replace(/^\//, ""), c.Id, c.State, c.Labels);
  for (const n of [...networks, ...networksByName]) add("container network", n.Name, n.Id, "", n.Labels);
  for (const v of [...(volumes.Volumes ?? []), ...(volumesByName.Volumes ?? [])]) {
    add("container volume", v.Name, v.Name, "", v.Labels);
  }
  return found;
}

/** The guest's, and those of a VPS that is rehearsed here: a VPS's domain, network and disk are a guest's to libvirt. */
async function libvirtObjects(id: SeatId): Promise<Found[]> {
  const there = await Promise.all([domainNames(), networkNames(), volumeNames(DISK_POOL.name)]);
  const found = await Promise.all(DOMAIN_TARGETS.map((target) => machineObjects(id, target, there)));
  return found.flat();
}

async function machineObjects(
  id: SeatId,
  target: DomainTarget,
  [domains, networks, volumes]: readonly string[][],
): Promise<Found[]> {
  const machine = machineName(id, target);
  const found: Found[] = [];
  if (domains?.includes(machine)) {
    const [state, owner] = await Promise.all([domainState(machine), domainOwner(machine)]);
    found.push({ kind: "domain", name: machine, id: machine, state: state ?? "", owner });
  }
  if (networks?.includes(machine)) {
    const state = (await networkWorks(id, target)) ? "running" : "down";
    found.push({ kind: "guest network", name: machine, id: machine, state, owner: undefined });
    // Guests have fixed addresses, so a lease would mean something else sits in the seat's network.
    const leases =
      (await virshIfThere("net-dhcp-leases", machine))?.split("\n").filter((l) => /:/.test(l)) ?? [];
    for (const lease of leases) {
      found.push({ kind: "lease", name: lease.trim(), id: lease.trim(), state: "", owner: undefined });
    }
  }
  for (const volume of volumes ?? []) {
    const kind = volumeKind(machine, volume);
    if (kind) found.push({ kind, name: volume, id: volume, state: "", owner: undefined });
  }
  return found;
}

/**
 * What a volume of the seats' pool is to a machine: its disk, its cloud-init seed, its console's log (virtlogd numbers
 * those it rolled over), or any of a clone that a `compare` did not live to remove. Pure.
 */
export function volumeKind(machine: string, volume: string): Kind | undefined {
  if (!volume.startsWith(machine)) return undefined;
  const suffix = volume.slice(machine.length);
  const what = /^(?:-clone\d+)?\.(qcow2|seed\.iso|console\.log)(?:\.\d+)?$/.exec(suffix)?.[1];
  if (what === "qcow2") return "guest disk";
  if (what === "seed.iso") return "cloud-init seed";
  return what === "console.log" ? "console log" : undefined;
}

/** Whether the machine's network is active and, where we can look, its bridge is there. */
async function networkWorks(id: SeatId, target: DomainTarget): Promise<boolean> {
  const info = (await virshIfThere("net-info", machineName(id, target))) ?? "";
  if (!/^Active:\s+yes/m.test(info)) return false;
  return libvirtUri().includes("+") || existsSync(`/sys/class/net/${bridgeName(id, target)}`);
}

async function domainOwner(name: string): Promise<string | undefined> {
  const xml = await virshIfThere("dumpxml", name);
  return xml === undefined ? undefined : /key=['"]trilab\.owner['"][^>]*>([^<]*)</.exec(xml)?.[1];
}

/** Removes one thing, running or not. What is already gone is success. */
export async function removeFound(found: Found): Promise<void> {
  const { kind, id, name, region } = found;
  if (isAwsKind(kind)) {
    if (region === undefined) throw new Error(`${kind} ${id} has no region`);
    const { removeAws } = await import("./ec2/removal.js");
    return removeAws(kind, { id, name, region });
  }
  const docker = dockerClient();
  switch (kind) {
    case "container":
      return ifThere(docker.getContainer(found.id).remove({ force: true, v: false }));
    case "container network":
      return removeNetwork(docker, found.id);
    case "container volume":
      return ifThere(docker.getVolume(found.id).remove());
    case "domain":
      if ((await domainState(found.id)) !== "shut off") await virsh("destroy", found.id).catch(() => {});
      await virshIfThere(
        "undefine",
        found.id,
        "--managed-save",
        "--snapshots-metadata",
        "--checkpoints-metadata",
        "--nvram",
      );
      return;
    case "guest network":
      await virsh("net-destroy", found.id).catch(() => {});
      await virshIfThere("net-undefine", found.id);
      return;
    case "guest disk":
    case "cloud-init seed":
    case "console log":
      await virshIfThere("vol-delete", found.id, "--pool", DISK_POOL.name);
      return;
    case "lease":
      return; // ends with its network
  }
}

async function removeNetwork(docker: Docker, id: string): Promise<void> {
  const network = docker.getNetwork(id);
  const details = await network.inspect().catch(() => undefined);
  for (const container of Object.keys(details?.Containers ?? {})) {
    await network.disconnect({ Container: container, Force: true }).catch(() => {});
  }
  await ifThere(network.remove());
}

/** Awaits a removal; "no such object" is success. */
async function ifThere(removal: Promise<unknown>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    const status =
      typeof error === "object" && error !== null && "statusCode" in error ? error.statusCode : undefined;
    if (status !== 404 && !hasCode(error, "ENOENT")) throw error;
  }
}

/** In the order in which things must go: users before what they use. */
export const removalOrder = (found: readonly Found[]): Found[] =>
  [...found].sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind));
