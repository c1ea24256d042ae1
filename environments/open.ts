import { subnetOf } from "../components/helpers/cidr.js";
import { consoleLogName, machineName, type Target } from "../components/helpers/naming.js";
import { type SeatRecord, seatKeys } from "../stacks/seat-record.js";
import { ContainerEnvironment } from "./container.js";
import type { Environment } from "./environment.js";
import { GuestEnvironment } from "./guest.js";

/** The environment of one of a seat's targets. Nothing is asked of it yet. */
export async function openEnvironment(record: SeatRecord, target: Target): Promise<Environment> {
  const name = machineName(record, target);
  if (target === "container") return new ContainerEnvironment(name, record.user);
  const { identityFile, knownHostsFile } = await seatKeys(record, record.slot);
  return new GuestEnvironment({
    name,
    address: subnetOf(record.slot, "guest").address,
    user: record.user,
    identityFile,
    knownHostsFile,
    consoleLog: consoleLogName(record),
  });
}
