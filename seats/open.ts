import { UserError } from "../base/errors.js";
import { ContainerEnvironment } from "../drivers/docker/container.js";
import { ContainerMachine } from "../drivers/docker/container-machine.js";
import { RentedMachine } from "../drivers/ec2/rented-machine.js";
import type { Environment } from "../drivers/environment.js";
import { type GuestAccess, GuestEnvironment } from "../drivers/libvirt/guest.js";
import { GuestMachine } from "../drivers/libvirt/guest-machine.js";
import type { Machine } from "../drivers/machine.js";
import { subnetOf } from "../model/cidr.js";
import { consoleLogName, type DomainTarget, machineName, type Target } from "../model/naming.js";
import { type SeatRecord, seatKeys, vpsAddress } from "./seat-record.js";

/** The environment of one of a seat's targets. Nothing is asked of it yet. */
export async function openEnvironment(record: SeatRecord, target: Target): Promise<Environment> {
  if (target === "container") return new ContainerEnvironment(machineName(record, target), record.user);
  return new GuestEnvironment(await sshAccess(record, target));
}

/** The same target from its host's side. */
export async function openMachine(record: SeatRecord, target: Target): Promise<Machine> {
  if (target === "container") return new ContainerMachine(machineName(record, target), record.user);
  const access = await sshAccess(record, target);
  return isRented(record, target) ? new RentedMachine(access.name, access.address) : new GuestMachine(access);
}

/** Whether the target runs on somebody else's host. */
export const isRented = (record: SeatRecord, target: Target): boolean =>
  target === "vps" && record.vps?.cloud === "aws";

async function sshAccess(record: SeatRecord, target: DomainTarget): Promise<GuestAccess> {
  const { identityFile, knownHostsFile } = await seatKeys(record);
  const address = target === "guest" ? subnetOf(record.slot, target).address : vpsAddress(record);
  if (address === undefined) {
    throw new UserError(`the address of ${machineName(record, target)} is not known yet`, {
      why: "AWS gives it one when it is rented",
      fix: `bring the seat up: trilab up ${record.lab} --seat ${record.seat}`,
    });
  }
  return {
    target,
    name: machineName(record, target),
    address,
    user: record.user,
    identityFile,
    knownHostsFile,
    ...(isRented(record, target) ? {} : { consoleLog: consoleLogName(record, target) }),
  };
}
