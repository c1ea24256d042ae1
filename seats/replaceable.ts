import { ExitCode, UserError } from "../base/errors.js";
import { connect, endpointsOf, seatInventory, startFound } from "../drivers/drivers.js";
import type { Found } from "../drivers/found.js";
import { readCheckpoint } from "../engine/index.js";
import { endpointWords, isSwarm } from "../model/endpoint.js";
import type { Kind } from "../model/kinds.js";
import { seatPrefix, type Target } from "../model/naming.js";
import { containerIn } from "./edit-state.js";
import { changeBegun } from "./journal.js";
import { endOf, expiryInForce } from "./lifetime.js";
import { refuseForeign } from "./reconcile.js";
import type { ReplaceableMachine } from "./replace-machine.js";
import { driversOf } from "./seat-drivers.js";
import { machineOf, type SeatMachine, type SeatRecord, targetsOf } from "./seat-record.js";
import { refuseOnSwarm } from "./swarm.js";

/** Whether a machine can be replaced in place. A rented one can't: its disk is at AWS. A Swarm makes its containers itself. */
export const isReplaceable = (machine: SeatMachine): machine is ReplaceableMachine =>
  machine.endpoint.kind !== "ec2" && !isSwarm(machine.endpoint);

/**
 * The machines of these targets; without targets, all of the seat's that can be replaced in place.
 *
 * @param what What is to happen to them.
 * @throws UserError: exit 6 when the seat does not have one of them, exit 2 when it is rented, or a Swarm's service.
 */
export function replaceableMachines(
  record: SeatRecord,
  targets?: readonly Target[],
  what: "reset" | "snapshot" = "reset",
): ReplaceableMachine[] {
  const machines = (targets ?? targetsOf(record)).flatMap((target) => {
    const machine = machineOf(record, target);
    if (machine === undefined) throw noTarget(record, target);
    if (isReplaceable(machine)) return [machine];
    if (targets === undefined) return [];
    refuseOnSwarm(record, [target], what);
    throw rented(record);
  });
  if (machines.length > 0) return machines;
  refuseOnSwarm(record, targetsOf(record), what);
  throw rented(record);
}

const noTarget = (record: SeatRecord, target: Target): UserError =>
  new UserError(`seat "${record.seat}" has no ${target}`, {
    why: `it has: ${targetsOf(record).join(", ")}`,
    fix: `add it: trilab up ${record.lab} --seat ${record.seat} --on ${target}`,
    exitCode: ExitCode.notFound,
  });

const rented = (record: SeatRecord): UserError =>
  new UserError(`the vps of seat "${record.seat}" is rented, and its disk is at AWS`, {
    why: "trilab replaces only disks of Docker and libvirt in place",
    fix: `rent another: trilab down ${record.lab} --seat ${record.seat}, then trilab up ${record.lab} --seat ${record.seat} --on vps`,
    exitCode: ExitCode.usage,
  });

/** Parts that a machine needs besides its disk, which is made anew. */
const PARTS: Readonly<Record<"docker" | "libvirt", readonly Kind[]>> = {
  docker: ["container", "container network", "container volume"],
  libvirt: ["domain", "guest network"],
};

/**
 * Checks that the machines' daemons answer and that what they have of the seat is ours.
 *
 * @returns what they have.
 * @throws UserError: exit 3 when a daemon does not answer; exit 2 when something of it is somebody else's.
 */
export async function requireReachable(
  record: SeatRecord,
  machines: readonly ReplaceableMachine[],
): Promise<Found[]> {
  const drivers = driversOf({ machines: [...machines] });
  await Promise.all(endpointsOf(drivers).map((endpoint) => connect(endpoint).preflight()));
  const inventory = await seatInventory(record, drivers);
  refuseForeign(record, inventory);
  return inventory;
}

/**
 * Checks that machines can be replaced in place, before anything is lost, and starts their networks.
 *
 * @throws UserError as {@link requireReachable}; exit 1 when the seat's time is up, a part of a machine is missing, or Pulumi's
 *   state does not know it.
 */
export async function requireReplaceable(
  record: SeatRecord,
  machines: readonly ReplaceableMachine[],
): Promise<void> {
  requireTimeLeft(record);
  const inventory = await requireReachable(record, machines);
  // An interrupted change has removed some of them.
  for (const machine of machines)
    if (!(await changeBegun(record, machine.target))) requireParts(record, machine, inventory);
  await requireKnownContainer(record, machines);
  const down = inventory.filter(({ kind, state }) => kind === "guest network" && state === "down");
  const names = machines.map(({ name }) => name);
  for (const network of down)
    if (names.includes(network.name)) await startFound(network, driversOf({ machines: [...machines] }));
}

function requireTimeLeft(record: SeatRecord): void {
  if (endOf(expiryInForce(record)) > Date.now()) return;
  throw new UserError(`the time of seat "${record.seat}" is up`, {
    why: "its machines would end themselves after a minute; nothing was changed",
    fix: `give it more time first: trilab up ${record.lab} --seat ${record.seat}`,
  });
}

function requireParts(
  record: SeatRecord,
  { endpoint, name, target }: ReplaceableMachine,
  inventory: readonly Found[],
): void {
  const there = inventory.filter((found) => found.name === name || found.name === `${name}-home`);
  const missing = PARTS[endpoint.kind].filter((kind) => !there.some((found) => found.kind === kind));
  if (missing.length === 0) return;
  throw new UserError(`the ${target} of seat "${record.seat}" is incomplete`, {
    why: `${endpointWords(endpoint)} has no ${missing.join(" and no ")} ${name}; nothing was changed`,
    fix: `trilab up ${record.lab} --seat ${record.seat} makes what is missing`,
  });
}

/** A container gets another id, so the state that holds it must be ours to edit. */
async function requireKnownContainer(
  record: SeatRecord,
  machines: readonly ReplaceableMachine[],
): Promise<void> {
  const container = machines.find(({ endpoint }) => endpoint.kind === "docker");
  if (container === undefined) return;
  const checkpoint = await readCheckpoint({ stack: seatPrefix(record) });
  if (containerIn(checkpoint?.resources ?? [], container.name) !== undefined) return;
  throw new UserError(`trilab's state does not know the container of seat "${record.seat}"`, {
    why: "plain `pulumi up` keeps its state elsewhere, and a container that is made anew has another id; nothing was changed",
    fix: "replace it with Pulumi: pulumi up --replace URN (pulumi stack --show-urns lists it)",
  });
}
