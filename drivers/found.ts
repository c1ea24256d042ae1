import type { Endpoint } from "../model/endpoint.js";
import { KINDS, type Kind, type SourceKind, sourceOf } from "../model/kinds.js";
import { machineOf, type SeatId, type Target } from "../model/naming.js";

/** One thing of a seat that exists in Docker, libvirt or AWS. */
export interface Found {
  kind: Kind;
  name: string;
  /** Docker's or AWS's id, or the libvirt name. */
  id: string;
  /** running, exited, shut off, …; empty for what is not a machine. */
  state: string;
  /** Of a running guest: it goes on from a golden guest's memory, and did not boot. */
  resumed?: boolean;
  /** The `trilab.owner` label; `undefined` for things without labels. */
  owner: string | undefined;
  /** The seat in its labels, if it has the names of the seat that was queried but belongs to this other one. */
  ofSeat?: SeatId;
  /** The endpoint that has it; absent if only one of its kind was queried. */
  at?: Endpoint;
  /** For things of AWS. */
  region?: string;
  /** The public address, for machines of AWS. */
  address?: string;
  /** Of a container on a Docker Swarm: the node that runs it, and the other nodes with an older home of it. */
  node?: string;
  homesElsewhere?: string[];
}

/** Something that exists, with its ownership labels. */
export interface Labelled {
  labels: Readonly<Record<string, string>>;
  found: Found;
}

/** What one endpoint has. */
export interface Inventory {
  labelled: Labelled[];
  /** Things without labels, which belong to the machine with which their name begins. */
  named: Found[];
}

/** The seat in a thing's labels; `undefined` if they name none. Pure. */
export function labelledSeat({ labels }: Labelled): SeatId | undefined {
  const { "trilab.lab": lab, "trilab.seat": seat } = labels;
  return lab === undefined || seat === undefined ? undefined : { lab, seat };
}

export const isSameSeat = (one: SeatId, other: SeatId): boolean =>
  one.lab === other.lab && one.seat === other.seat;

/** Whether a thing is a machine, which runs or is off. Pure. */
export const isMachine = ({ kind }: Found): boolean => ["container", "domain", "instance"].includes(kind);

/** The machine of this name among things of a seat; `undefined` when it is gone. Pure. */
export const machineIn = (found: readonly Found[], { name }: { name: string }): Found | undefined =>
  found.find((f) => f.name === name && isMachine(f));

/** The target to which a thing belongs. Pure. */
export function targetOf({ kind, name }: Found): Target {
  const by: Record<SourceKind, Target> = {
    docker: "container",
    ec2: "vps",
    libvirt: machineOf(name).endsWith("-vps") ? "vps" : "guest",
  };
  return by[sourceOf(kind)];
}

/** Sorts things in the order of removal: users before what they use. */
export const removalOrder = (found: readonly Found[]): Found[] =>
  [...found].sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind));
