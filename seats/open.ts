import { UserError } from "../base/errors.js";
import { connect } from "../drivers/drivers.js";
import { RentedMachine } from "../drivers/ec2/rented-machine.js";
import type { Environment } from "../drivers/environment.js";
import { type GuestAccess, GuestEnvironment } from "../drivers/libvirt/guest.js";
import type { Machine } from "../drivers/machine.js";
import { consoleLogName, type Target } from "../model/naming.js";
import { machineOf, rentedAt, type SeatMachine, type SeatRecord, seatKeys } from "./seat-record.js";

/** The environment of one of a seat's targets. Does not connect yet. */
export async function openEnvironment(record: SeatRecord, target: Target): Promise<Environment> {
  const { endpoint, name } = machineNamed(record, target);
  if (endpoint.kind === "docker") return connect(endpoint).environment(name, record.user);
  const access = await sshAccess(record, target);
  return endpoint.kind === "libvirt" ? connect(endpoint).environment(access) : new GuestEnvironment(access);
}

/** The same target from its host's side. */
export async function openMachine(record: SeatRecord, target: Target): Promise<Machine> {
  const { endpoint, name } = machineNamed(record, target);
  if (endpoint.kind === "docker") return connect(endpoint).machine(name, record.user);
  const access = await sshAccess(record, target);
  return endpoint.kind === "libvirt"
    ? connect(endpoint).machine(access)
    : new RentedMachine(access.name, access.address);
}

/** Whether the target is rented. */
export const isRented = (record: SeatRecord, target: Target): boolean =>
  target === "vps" && rentedAt(record) !== undefined;

function machineNamed(record: SeatRecord, target: Target): SeatMachine {
  const machine = machineOf(record, target);
  if (machine === undefined) throw new Error(`seat ${record.seat} has no ${target}`);
  return machine;
}

async function sshAccess(record: SeatRecord, target: Target): Promise<GuestAccess> {
  const { identityFile, knownHostsFile } = await seatKeys(record);
  const { address, endpoint, name } = machineNamed(record, target);
  if (target === "container") throw new Error("a container is not reached by ssh");
  if (address === undefined) {
    throw new UserError(`the address of ${name} is not known yet`, {
      why: "AWS assigns it when the machine is rented",
      fix: `start the seat: trilab up ${record.lab} --seat ${record.seat}`,
    });
  }
  const console = endpoint.kind === "libvirt" ? { consoleLog: consoleLogName(record, target) } : {};
  return { target, name, address, user: record.user, identityFile, knownHostsFile, ...console };
}
