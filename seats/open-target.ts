import { UserError } from "../base/errors.js";
import { connect } from "../drivers/drivers.js";
import { RentedMachine } from "../drivers/ec2/rented-machine.js";
import type { Environment } from "../drivers/environment.js";
import { type GuestAccess, GuestEnvironment } from "../drivers/libvirt/guest-environment.js";
import type { Machine } from "../drivers/machine.js";
import { consoleLogName, type Target } from "../model/naming.js";
import { seatKeys } from "./seat-keys.js";
import { machineOf, rentedAt, type SeatMachine, type SeatRecord } from "./seat-record.js";

/** A target, from inside and from its host's side. */
export interface OpenTarget {
  environment: Environment;
  machine: Machine;
}

/**
 * Both sides of one of a seat's targets, which share what is known of it. Does not connect yet, but for a Swarm's container, whose node
 * must be found.
 */
export async function openTarget(record: SeatRecord, target: Target): Promise<OpenTarget> {
  const { endpoint, name } = machineNamed(record, target);
  if (endpoint.kind === "docker") {
    return connect(endpoint).open(name, record.user);
  }
  const access = await sshAccess(record, target);
  if (endpoint.kind === "libvirt") {
    const driver = connect(endpoint);
    return { environment: driver.environment(access), machine: driver.machine(access) };
  }
  const machine = new RentedMachine(access.name, access.address);
  return { environment: new GuestEnvironment(access), machine };
}

/** The environment of one of a seat's targets. Does not connect yet. */
export const openEnvironment = async (record: SeatRecord, target: Target): Promise<Environment> =>
  (await openTarget(record, target)).environment;

/** The same target from its host's side. */
export const openMachine = async (record: SeatRecord, target: Target): Promise<Machine> =>
  (await openTarget(record, target)).machine;

/** Whether the target is rented. */
export const isRented = (record: SeatRecord, target: Target): boolean =>
  target === "vps" && rentedAt(record) !== undefined;

function machineNamed(record: SeatRecord, target: Target): SeatMachine {
  const machine = machineOf(record, target);
  if (machine === undefined) throw new Error(`seat ${record.seat} has no ${target}`);
  return machine;
}

async function sshAccess(record: SeatRecord, target: Target): Promise<GuestAccess> {
  const { address, endpoint, name } = machineNamed(record, target);
  if (target === "container") throw new Error("a container is not reached by ssh");
  if (address === undefined) {
    throw new UserError(`the address of ${name} is not known yet`, {
      why: "AWS assigns it when the machine is rented",
      fix: `start the seat: trilab up ${record.lab} --seat ${record.seat}`,
    });
  }
  const { identityFile, knownHostsFile } = await seatKeys(record);
  const domain =
    endpoint.kind === "libvirt"
      ? { consoleLog: consoleLogName(record, target), emulated: record.accelerator === "tcg" }
      : {};
  return { target, name, address, user: record.user, identityFile, knownHostsFile, ...domain };
}
