import { subnetOf } from "../components/helpers/cidr.js";
import { consoleLogName, machineName, type Target } from "../components/helpers/naming.js";
import { type SeatRecord, seatKeys } from "../stacks/seat-record.js";
import { ContainerEnvironment } from "./container.js";
import { ContainerMachine } from "./container-machine.js";
import type { Environment } from "./environment.js";
import { type GuestAccess, GuestEnvironment } from "./guest.js";
import { GuestMachine } from "./guest-machine.js";
import type { Machine } from "./machine.js";

/** The environment of one of a seat's targets. Nothing is asked of it yet. */
export async function openEnvironment(record: SeatRecord, target: Target): Promise<Environment> {
  if (target === "guest") return new GuestEnvironment(await guestAccess(record));
  return new ContainerEnvironment(machineName(record, target), record.user);
}

/** The same target from its host's side. */
export async function openMachine(record: SeatRecord, target: Target): Promise<Machine> {
  if (target === "guest") return new GuestMachine(await guestAccess(record));
  return new ContainerMachine(machineName(record, target), record.user);
}

async function guestAccess(record: SeatRecord): Promise<GuestAccess> {
  const { identityFile, knownHostsFile } = await seatKeys(record, record.slot);
  return {
    name: machineName(record, "guest"),
    address: subnetOf(record.slot, "guest").address,
    user: record.user,
    identityFile,
    knownHostsFile,
    consoleLog: consoleLogName(record),
  };
}
