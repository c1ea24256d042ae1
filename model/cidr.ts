import ipaddr from "ipaddr.js";
import { type SeatId, seatSlot, type Target } from "./naming.js";

/** The IPv4 network of one machine: the host has the first address, the machine the second. */
export interface Subnet {
  /** `10.213.4.0/28` */
  cidr: string;
  prefix: number;
  gateway: string;
  /** The machine's fixed address. */
  address: string;
}

/**
 * Seats are in 10.213.0.0/16, each in its own /26: 1024 seats per host. A /26 holds one /28 per target and a spare one.
 * Subnets are explicit, because Docker's own address pools are used up after about thirty networks.
 */
export const SEATS_CIDR = "10.213.0.0/16";
const BASE = (10 << 24) | (213 << 16);
export const SEAT_SLOTS = 1024;
const OFFSETS: Record<Target, number> = { container: 0, guest: 16, vps: 32 };
const MACHINE_PREFIX = 28;

const dotted = (n: number): string => [24, 16, 8, 0].map((shift) => (n >>> shift) & 255).join(".");

/** The subnet of a target in a slot from 0 to 1023. */
export function subnetOf(slot: number, target: Target): Subnet {
  const start = BASE + slot * 64 + OFFSETS[target];
  return {
    cidr: `${dotted(start)}/${MACHINE_PREFIX}`,
    prefix: MACHINE_PREFIX,
    gateway: dotted(start + 1),
    address: dotted(start + 2),
  };
}

/** The whole block of a slot. */
export const seatBlock = (slot: number): string => `${dotted(BASE + slot * 64)}/26`;

/** Whether two CIDR blocks share an address. Anything that is no IPv4 address or CIDR overlaps nothing. */
export function overlaps(a: string, b: string): boolean {
  const [x, y] = [blockOf(a), blockOf(b)];
  // Two blocks share an address only when the smaller one lies within the larger.
  return x !== undefined && y !== undefined && x[0].match(y[0], Math.min(x[1], y[1]));
}

function blockOf(text: string): [ipaddr.IPv4, number] | undefined {
  const cidr = text.includes("/") ? text : `${text}/32`;
  return ipaddr.IPv4.isValidCIDRFourPartDecimal(cidr) ? ipaddr.IPv4.parseCIDR(cidr) : undefined;
}

/**
 * The slot of a seat: the one of its hash, or the next one with unused addresses on the host.
 *
 * @param inUse CIDR blocks of the host's routes and networks.
 * @returns 0 … 1023, or `undefined` when every slot is taken.
 */
export function freeSlot(id: SeatId, inUse: readonly string[]): number | undefined {
  const first = seatSlot(id, SEAT_SLOTS);
  for (let i = 0; i < SEAT_SLOTS; i++) {
    const slot = (first + i) % SEAT_SLOTS;
    if (!inUse.some((cidr) => overlaps(seatBlock(slot), cidr))) return slot;
  }
  return undefined;
}
