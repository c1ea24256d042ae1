import { createHash } from "node:crypto";

/** The forms that one machine spec can take. */
export const TARGETS = ["container", "guest", "vps"] as const;
export type Target = (typeof TARGETS)[number];

/** Those that cost no money; a rented machine must be requested. */
export const DEFAULT_TARGETS = ["container", "guest"] as const satisfies readonly Target[];

/** Those that can be a domain under libvirt: the guest, and a VPS as a rehearsal on the local hypervisor. */
export const DOMAIN_TARGETS = ["guest", "vps"] as const satisfies readonly Target[];
export type DomainTarget = (typeof DOMAIN_TARGETS)[number];

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

/** One learner's copy of a lab. */
export interface SeatId {
  lab: string;
  seat: string;
  /** What its names begin with, if an older trilab made it and joined lab and seat in another way. Absent: {@link seatPrefix}. */
  prefix?: string | undefined;
}

/**
 * The longest names for which `trilab-<lab>-<seat>-container`, which is also the hostname, is a DNS label (63 characters,
 * RFC 1035).
 */
export const MAX_LAB_LENGTH = 20;
export const MAX_SEAT_LENGTH = 25;

/** What is wrong with `name` as a DNS label of at most `max` characters, or `undefined`. */
export function labelProblem(name: string, max: number): string | undefined {
  if (name.length === 0) return "is empty";
  if (name.length > max) return `has ${name.length} characters, at most ${max} fit`;
  if (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name)) {
    return "may contain only lower-case letters, digits and hyphens, and no hyphen at either end";
  }
  return undefined;
}

/** A text as a DNS label of at most `max` characters: no accents, and hyphens for what is no letter or digit; empty when nothing is left. */
export const dnsLabel = (text: string, max: number): string =>
  text
    .toLowerCase()
    .replaceAll("ß", "ss")
    .normalize("NFKD")
    .replace(/\p{M}+/gu, "")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+/, "")
    .slice(0, max)
    .replace(/-+$/, "");

/**
 * The prefix of everything a seat owns: `trilab-<lab>-<seat>`. Also its Pulumi stack's name. No two seats share one, because
 * the seat's own hyphens are doubled: `web`, `lab-1` become `trilab-web-lab--1`; `web-lab`, `1` become `trilab-web-lab-1`.
 */
export const seatPrefix = ({ lab, prefix, seat }: SeatId): string =>
  prefix ?? `trilab-${lab}-${withDoubledHyphens(seat)}`;

/** Doubles the hyphens of a seat's name. What gets too long is cut, and ends in a digest instead. */
function withDoubledHyphens(seat: string): string {
  const doubled = seat.replaceAll("-", "--");
  if (doubled.length <= MAX_SEAT_LENGTH) return doubled;
  const short = digest(seat).slice(0, 8);
  return `${doubled.slice(0, MAX_SEAT_LENGTH - short.length - 2).replace(/-+$/, "")}--${short}`;
}

/** The seat under the names that an older trilab gave it: it joined lab and seat by a hyphen and changed neither. */
export const namedAsBefore = ({ lab, seat }: SeatId): SeatId => ({
  ...{ lab, seat },
  prefix: `trilab-${lab}-${seat}`,
});

/** `trilab-<lab>-<seat>-<target>`: the machine's name, hostname, network and disk. Frozen: a rename needs an alias. */
export const machineName = (id: SeatId, target: Target): string => `${seatPrefix(id)}-${target}`;

/** The prefix in a machine's name; `undefined` for another name. Pure. */
export const prefixOf = (machine: string, target: Target): string | undefined =>
  machine.endsWith(`-${target}`) ? machine.slice(0, -target.length - 1) : undefined;

/**
 * The machine in the name of a network or a volume: the part before the first dot; after it comes the kind of file. Clones
 * are left behind by an interrupted `compare`. Pure.
 */
export const machineOf = (name: string): string => (name.split(".")[0] ?? "").replace(/-clone\d+$/, "");

/** The seat's home volume of the container. */
export const homeVolumeName = (id: SeatId): string => `${machineName(id, "container")}-home`;

/** A domain's overlay disk, a volume of the seats' pool. */
export const diskName = (id: SeatId, target: DomainTarget): string => `${machineName(id, target)}.qcow2`;

/** Its console's log, beside the disk in the pool, so that libvirt can read and delete it, also from another host. */
export const consoleLogName = (id: SeatId, target: DomainTarget): string =>
  `${machineName(id, target)}.console.log`;

/** The local VPS's cloud-init seed: a small ISO image, a volume of the same pool. */
export const seedName = (id: SeatId): string => `${machineName(id, "vps")}.seed.iso`;

/** The guest's SSH host key, a volume of the same pool that only QEMU and root may read. */
export const hostKeyName = (id: SeatId): string => `${machineName(id, "guest")}.host-key`;

/** By this prefix, the firewall recognises seats' bridges: `-i tl+`. */
export const BRIDGE_PREFIX = "tl";

/** A Linux bridge's name: `tl` and 12 hex digits, because interface names have at most 15 characters. */
export const bridgeName = (id: SeatId, target: Target): string =>
  `${BRIDGE_PREFIX}${digest(machineName(id, target)).slice(0, 12)}`;

/** Whether a Linux interface's name is one that {@link bridgeName} makes. */
export const isBridgeName = (name: string): boolean => /^tl[0-9a-f]{12}$/.test(name);

/** A stable MAC address under QEMU's prefix 52:54:00. */
export function macAddress(id: SeatId, target: Target): string {
  const hex = digest(`mac ${machineName(id, target)}`);
  return `52:54:00:${hex.slice(0, 2)}:${hex.slice(2, 4)}:${hex.slice(4, 6)}`;
}

/** The seat's preferred number in [0, buckets), always the same. */
export const seatSlot = (id: SeatId, buckets: number): number =>
  Number.parseInt(digest(`slot ${seatPrefix(id)}`).slice(0, 8), 16) % buckets;
