import { ExitCode, UserError } from "../base/errors.js";
import { type Drivers, removeFound, seatInventory, startFound } from "../drivers/drivers.js";
import { type Found, isMachine, removalOrder, targetOf } from "../drivers/found.js";
import { volumeKind } from "../drivers/libvirt/volume-kind.js";
import { type Checkpoint, type CheckpointResource, clearPending, readCheckpoint } from "../engine/index.js";
import { isAwsKind, type Kind } from "../model/kinds.js";
import type { Ownership } from "../model/labels.js";
import { machineOf, type SeatId, seatPrefix, type Target } from "../model/naming.js";

/** Resource types of the seat's stack, and how the inventory names the same thing. */
const KIND_OF_TYPE: Readonly<Record<string, Kind>> = {
  "docker:index/container:Container": "container",
  "docker:index/service:Service": "container",
  "docker:index/network:Network": "container network",
  "docker:index/volume:Volume": "container volume",
  "libvirt:index/domain:Domain": "domain",
  "libvirt:index/network:Network": "guest network",
  "aws:ec2/instance:Instance": "instance",
  "aws:ec2/keyPair:KeyPair": "key pair",
  "aws:ec2/securityGroup:SecurityGroup": "security group",
  "aws:ec2/routeTable:RouteTable": "route table",
  "aws:ec2/subnet:Subnet": "subnet",
  "aws:ec2/internetGateway:InternetGateway": "internet gateway",
  "aws:ec2/vpc:Vpc": "VPC",
};

/**
 * Snapshots, which only `down` removes, and things that go with another: a Swarm service's home, a domain's log, a network's lease, an
 * instance's disk.
 */
const NEVER_IN_STATE: readonly Kind[] = [
  "container home",
  "container snapshot",
  "guest snapshot",
  "console log",
  "lease",
  "network interface",
  "EBS volume",
];

/** How the state differs from what really exists. */
export interface Drift {
  /** Exists, but is not in the state: the engine was ended after making it and before saving it. */
  orphans: Found[];
  /** In the state, but gone. */
  missing: CheckpointResource[];
  /** Exists and is in the state, but is stopped. */
  stopped: Found[];
  /** Rented machines with a different address from the state's: they were stopped and started from outside. */
  moved: Found[];
}

/** Compares a state with an inventory. Pure. */
export function drift(checkpoint: Checkpoint | undefined, inventory: readonly Found[]): Drift {
  const known = (checkpoint?.resources ?? []).filter((r) => kindOf(r) !== undefined);
  const same = (r: CheckpointResource, f: Found): boolean =>
    kindOf(r) === f.kind && (isAwsKind(f.kind) ? isOf(r, f) : r.inputs?.name === f.name);
  return {
    orphans: inventory.filter((f) => !NEVER_IN_STATE.includes(f.kind) && !known.some((r) => same(r, f))),
    missing: known.filter((r) => !inventory.some((f) => f.state !== "shutting-down" && same(r, f))),
    stopped: inventory.filter((f) => isStopped(f) && known.some((r) => same(r, f))),
    moved: inventory.filter(
      (f) => f.address !== undefined && known.some((r) => same(r, f) && r.outputs.publicIp !== f.address),
    ),
  };
}

/** The kind of a resource. For a volume, its name shows the kind. */
function kindOf({ inputs, type }: CheckpointResource): Kind | undefined {
  if (type !== "libvirt:index/volume:Volume") return KIND_OF_TYPE[type];
  const name = String(inputs.name);
  return volumeKind(machineOf(name), name);
}

/** Things of AWS are compared by id, except key pairs, which the state knows by name. */
const isOf = (r: CheckpointResource, f: Found): boolean => r.id === (f.kind === "key pair" ? f.name : f.id);

/** Whether it should be started. An instance that is starting or stopping can't be; a Swarm starts its containers itself. */
export const isStopped = ({ kind, state }: Found): boolean =>
  kind === "instance" ? state === "stopped" : !["", "running", "starting", "pending"].includes(state);

export interface Reconciled {
  /** Whether the engine must refresh, because something in its state is gone or has another address. */
  refresh: boolean;
  /** What was repaired, in words: "guest: started, as it was shut off". */
  mended: string[];
  /** The targets whose machine was off and was started. */
  started: Target[];
}

/**
 * Makes state and reality agree before the engine runs: removes unfinished things, and starts stopped machines.
 *
 * @param found The seat's things, if the daemons were queried just now. Default: they are.
 * @throws UserError when the names are taken by somebody else's machines, or by ours whose state is lost.
 */
export async function reconcile(
  ownership: Ownership,
  drivers: Drivers,
  found: Promise<readonly Found[]> | readonly Found[] = seatInventory(ownership, drivers),
): Promise<Reconciled> {
  const ref = { stack: seatPrefix(ownership) };
  const [checkpoint, inventory] = await Promise.all([readCheckpoint(ref), found]);
  refuseTaken(ownership, checkpoint, inventory);
  const { orphans, missing, moved, stopped } = drift(checkpoint, inventory);
  for (const orphan of removalOrder(orphans)) await removeFound(orphan, drivers);
  if ((checkpoint?.pendingOperations.length ?? 0) > 0) await clearPending(ref);
  const lost = stranded(missing, inventory);
  for (const machine of lost) await removeFound(machine, drivers);
  // The network first: a guest does not start without it.
  const toStart = removalOrder(stopped).reverse();
  const started = toStart.filter((m) => !lost.includes(m));
  for (const machine of started) await startFound(machine, drivers);
  // An instance that was stopped gets another address.
  const readdressed = moved.length > 0 || toStart.some((m) => m.kind === "instance");
  return {
    refresh: missing.length > 0 || readdressed,
    mended: started.map(startWords),
    started: started.filter(isMachine).map(targetOf),
  };
}

/** Which machines can't be repaired in place after a thing of this kind is gone. */
const HELD_BY: Readonly<Partial<Record<Kind, Kind>>> = {
  "guest network": "domain",
  "guest disk": "domain",
  "cloud-init seed": "domain",
  "host key": "domain",
};

/**
 * The machines whose network, disk, seed or host key is gone. They are removed, so that the engine makes both again. Pure.
 */
export function stranded(missing: readonly CheckpointResource[], inventory: readonly Found[]): Found[] {
  const gone = missing.map((r) => ({ of: heldBy(r), name: String(r.inputs.name) }));
  // A network has its machine's name; a volume's name begins with it.
  const concerns = (machine: string, name: string): boolean =>
    name === machine || name.startsWith(`${machine}.`);
  return inventory.filter((f) => gone.some(({ of, name }) => of === f.kind && concerns(f.name, name)));
}

function heldBy(resource: CheckpointResource): Kind | undefined {
  const kind = kindOf(resource);
  return kind && HELD_BY[kind];
}

/**
 * Checks targets that are not in the record yet. The record is written before anything is made, so this seat must not
 * adopt what exists already, even if it is in the state.
 *
 * @throws UserError when one of them exists already: somebody else's, or ours with a lost record.
 */
export async function requireVacant(
  id: SeatId & { owner: string },
  targets: readonly Target[],
  drivers: Drivers,
): Promise<void> {
  const inventory = (await seatInventory(id, drivers)).filter((f) => targets.includes(targetOf(f)));
  refuseForeign(id, inventory);
  const { orphans } = drift(undefined, inventory);
  // A new service would continue with a home that an earlier one left on a node.
  const left = [...orphans, ...inventory.filter(({ kind }) => kind === "container home")];
  if (left.length > 0) throw lostState(id, left);
}

function refuseTaken(
  id: SeatId & { owner: string },
  checkpoint: Checkpoint | undefined,
  inventory: readonly Found[],
): void {
  refuseForeign(id, inventory);
  const { orphans } = drift(checkpoint, inventory);
  if (orphans.length > 0 && checkpoint === undefined) throw lostState(id, orphans);
}

/** @throws UserError when something of this name carries another owner's or another seat's labels. */
export function refuseForeign(ownership: SeatId & { owner: string }, inventory: readonly Found[]): void {
  const foreign = inventory.find(
    (f) => f.ofSeat !== undefined || (f.owner !== undefined && f.owner !== ownership.owner),
  );
  if (foreign === undefined) return;
  throw new UserError(`the ${foreign.kind} ${foreign.name} belongs to ${holderOf(foreign)}`, {
    why: foreign.ofSeat
      ? "an older trilab gave that seat the names that this seat would have"
      : `you are ${ownership.owner}; both seats have the same names on this host`,
    fix: "choose another seat name: --seat NAME",
    exitCode: ExitCode.usage,
  });
}

/** Whose a thing is, by its labels: `alice@host`, or `seat "lab-1" of lab "web" of alice@host`. */
export const holderOf = ({ ofSeat, owner }: Found): string =>
  [ofSeat && `seat "${ofSeat.seat}" of lab "${ofSeat.lab}"`, owner].filter(Boolean).join(" of ");

function lostState(ownership: SeatId, orphans: readonly Found[]): UserError {
  return new UserError(`seat "${ownership.seat}" exists, but its state is lost`, {
    why: orphans.map((o) => `${o.kind} ${o.name}`).join("\n"),
    fix: `copy out what you need, then remove it by its labels: trilab down ${ownership.lab} --seat ${ownership.seat} --by-label`,
  });
}

/** Says what was done to start a machine or its network. */
function startWords(machine: Found): string {
  const what = machine.kind.endsWith("network") ? "its network " : "";
  return `${targetOf(machine)}: ${what}${machine.state === "paused" ? "resumed" : "started"}, as it was ${machine.state}`;
}
