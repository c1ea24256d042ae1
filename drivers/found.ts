import type { Endpoint } from "../model/endpoint.js";
import { KINDS, type Kind, type SourceKind, sourceOf } from "../model/kinds.js";
import { machineOf, type Target } from "../model/naming.js";

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
  /** Who has it; absent where one endpoint of its kind was asked. */
  at?: Endpoint;
  /** Of what AWS has. */
  region?: string;
  /** The public one, of a machine that AWS has. */
  address?: string;
}

/** Something that is there, and the ownership labels that it carries. */
export interface Labelled {
  labels: Readonly<Record<string, string>>;
  found: Found;
}

/** What one endpoint has. */
export interface Inventory {
  labelled: Labelled[];
  /** Things that can't carry labels, and belong to the machine that their name begins with. */
  named: Found[];
}

/** The target that a thing is a part of. Pure. */
export function targetOf({ kind, name }: Found): Target {
  const by: Record<SourceKind, Target> = {
    docker: "container",
    ec2: "vps",
    libvirt: machineOf(name).endsWith("-vps") ? "vps" : "guest",
  };
  return by[sourceOf(kind)];
}

/** In the order in which things must go: users before what they use. */
export const removalOrder = (found: readonly Found[]): Found[] =>
  [...found].sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind));
