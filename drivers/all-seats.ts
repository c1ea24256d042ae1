import { METADATA_NAMESPACE } from "../model/labels.js";
import { machineName, machineOf, type SeatId, TARGETS } from "../model/naming.js";
import { dockerClient } from "./docker/client.js";
import { DISK_POOL, type Found, type Sources, volumeKind } from "./inventory.js";
import { networkNames, virsh, volumeNames } from "./libvirt/virsh.js";

/** A seat as the daemons and AWS know it, whoever made it. */
export interface HostSeat extends SeatId {
  /** Of its labels; `undefined` where nothing of it carries one. */
  owner: string | undefined;
  /** The latest that its labels say, ISO 8601 or `never`; `undefined` where none does. */
  expires: string | undefined;
  things: Found[];
}

/** Something that carries ownership labels. */
export interface Labelled {
  labels: Readonly<Record<string, string>>;
  found: Found;
}

/** Domains asked about in one go: their names must fit in one argument of a command, 128 KiB. */
const DOMAINS_A_CALL = 500;

/**
 * All seats on this host and in AWS's regions in play, with a number of questions that does not grow with theirs.
 *
 * @param known Seats whose unlabelled things (networks, disks) are theirs by name, though nothing labelled is left.
 * @returns beside them the things named like a seat's that belong to none of them.
 */
export async function allSeats(
  sources: Sources,
  known: readonly SeatId[],
): Promise<{ seats: HostSeat[]; orphans: Found[] }> {
  const [docker, domains, rented, named] = await Promise.all([
    sources.docker ? dockerThings() : [],
    sources.libvirt ? domainThings() : [],
    sources.aws ? rentedThings(sources.aws) : [],
    sources.libvirt ? namedThings() : [],
  ]);
  return groupSeats([...docker, ...domains, ...rented], named, known);
}

/** Sorts things by seat: by label, and those that can't carry one by the machine they are named after. Pure. */
export function groupSeats(
  labelled: readonly Labelled[],
  named: readonly Found[],
  known: readonly SeatId[],
): { seats: HostSeat[]; orphans: Found[] } {
  const bySeat = new Map<string, HostSeat>();
  const byMachine = new Map<string, HostSeat>();
  const seatOf = ({ lab, seat }: SeatId): HostSeat => {
    const key = `${lab}/${seat}`;
    const there = bySeat.get(key);
    if (there) return there;
    const made: HostSeat = { lab, seat, owner: undefined, expires: undefined, things: [] };
    bySeat.set(key, made);
    for (const target of TARGETS) byMachine.set(machineName(made, target), made);
    return made;
  };
  const strangers = new Set<string>();
  for (const { labels, found } of labelled) {
    const { "trilab.lab": lab, "trilab.seat": name } = labels;
    if (lab === undefined || name === undefined) {
      strangers.add(found.name);
      continue;
    }
    const seat = seatOf({ lab, seat: name });
    seat.owner ??= labels["trilab.owner"];
    seat.expires = later(seat.expires, labels["trilab.expires"]);
    seat.things.push(found);
  }
  for (const id of known) seatOf(id);
  const orphans: Found[] = [];
  for (const found of named) {
    const machine = machineOf(found.name);
    const seat = byMachine.get(machine);
    if (seat) seat.things.push(found);
    else if (isNamedLikeOurs(machine) && !strangers.has(machine)) orphans.push(found);
  }
  return { seats: [...bySeat.values()], orphans };
}

const isNamedLikeOurs = (machine: string): boolean =>
  new RegExp(`^trilab-[a-z0-9-]+-(${TARGETS.join("|")})$`).test(machine);

/** The later of two expiries (ISO 8601 or `never`); one that can't be read counts for nothing. */
export function later(one: string | undefined, other: string | undefined): string | undefined {
  const end = (expires: string | undefined): number =>
    expires === "never" ? Number.POSITIVE_INFINITY : Date.parse(expires ?? "");
  if (Number.isNaN(end(other))) return Number.isNaN(end(one)) ? undefined : one;
  return end(one) >= end(other) ? one : other;
}

/** AWS's SDK is loaded only where something may be rented. */
async function rentedThings(regions: readonly string[]): Promise<Labelled[]> {
  return (await import("./ec2/inventory.js")).awsThings(regions);
}

async function dockerThings(): Promise<Labelled[]> {
  const docker = dockerClient();
  const filters = { label: ["trilab.seat"] };
  const [containers, networks, volumes] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listNetworks({ filters }),
    docker.listVolumes({ filters }),
  ]);
  const thing = (
    kind: Found["kind"],
    name: string,
    id: string,
    state: string,
    labels: Record<string, string> = {},
  ): Labelled => ({ labels, found: { kind, name, id, state, owner: labels["trilab.owner"] } });
  return [
    ...containers.map((c) =>
      thing("container", (c.Names[0] ?? c.Id).replace(/^\//, ""), c.Id, c.State, c.Labels),
    ),
    ...networks.map((n) => thing("container network", n.Name, n.Id, "", n.Labels)),
    ...(volumes.Volumes ?? []).map((v) => thing("container volume", v.Name, v.Name, "", v.Labels)),
  ];
}

async function domainThings(): Promise<Labelled[]> {
  const domains = (await virsh("list", "--all")).split("\n").flatMap((line) => {
    const [, name, state] = /^\s*\S+\s+(trilab-[a-z0-9-]+)\s+(.+?)\s*$/.exec(line) ?? [];
    return name === undefined || state === undefined ? [] : [{ name, state }];
  });
  const found: Labelled[] = [];
  for (let i = 0; i < domains.length; i += DOMAINS_A_CALL) {
    const some = domains.slice(i, i + DOMAINS_A_CALL);
    // One virsh for all: `echo` tells whose metadata follows. One that has none, or is gone by now, is passed over.
    const questions = some.map(({ name }) => `echo [${name}]; metadata ${name} ${METADATA_NAMESPACE}`);
    const answers = parseMetadata(await virsh([...questions, "echo"].join("; ")));
    for (const { name, state } of some) {
      const labels = answers.get(name) ?? {};
      const owner = labels["trilab.owner"];
      found.push({ labels, found: { kind: "domain", name, id: name, state, owner } });
    }
  }
  return found;
}

/** The labels of each domain, from the answers to `echo [NAME]; metadata NAME …` (virsh ends no line after it). Pure. */
export function parseMetadata(text: string): Map<string, Record<string, string>> {
  const answers = new Map<string, Record<string, string>>();
  for (const [, name, part] of text.matchAll(/\[([\w-]+)\]([^[]*)/g)) {
    if (name === undefined || part === undefined) continue;
    const labels: Record<string, string> = {};
    for (const [, key, value] of part.matchAll(/<(?:\w+:)?label key=['"]([\w.]+)['"][^>]*>([^<]*)</g)) {
      if (key !== undefined && value !== undefined) labels[key] = value;
    }
    answers.set(name, labels);
  }
  return answers;
}

/** Networks and volumes, which carry no labels in libvirt 9: all there are. */
export async function namedThings(): Promise<Found[]> {
  const [networks, volumes] = await Promise.all([networkNames(), volumeNames(DISK_POOL.name)]);
  const thing = (kind: Found["kind"], name: string): Found => ({
    kind,
    name,
    id: name,
    state: "",
    owner: undefined,
  });
  return [
    ...networks.map((name) => thing("guest network", name)),
    ...volumes.map((name) => thing(volumeKind(name.split(".")[0] ?? name, name) ?? "guest disk", name)),
  ];
}
