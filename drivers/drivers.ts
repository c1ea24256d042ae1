import {
  type DockerEndpoint,
  type Ec2Endpoint,
  type Endpoint,
  endpointWords,
  isSwarm,
  type LibvirtEndpoint,
} from "../model/endpoint.js";
import { type SourceKind, sourceOf } from "../model/kinds.js";
import type { SeatId } from "../model/naming.js";
import { DockerDriver } from "./docker/driver.js";
import { SwarmDriver } from "./docker/swarm/driver.js";
import { Ec2Driver } from "./ec2/driver.js";
import { type Found, type Inventory, isSameSeat, type Labelled, labelledSeat } from "./found.js";
import { LibvirtDriver } from "./libvirt/driver.js";
import type { Ending, StopOptions } from "./stop-options.js";

/** The drivers for a seat or a host. Absent: that kind is not queried. */
export interface Drivers {
  docker?: DockerDriver | undefined;
  libvirt?: LibvirtDriver | undefined;
  /** One for each region; never empty. */
  ec2?: readonly Ec2Driver[] | undefined;
}

/** What every kind of driver can do with a seat's things. */
export type Driver = DockerDriver | LibvirtDriver | Ec2Driver;

/** The driver of one endpoint. Does not connect yet. @throws UserError when its address is invalid. */
export function connect(endpoint: DockerEndpoint): DockerDriver;
export function connect(endpoint: LibvirtEndpoint): LibvirtDriver;
export function connect(endpoint: Ec2Endpoint): Ec2Driver;
export function connect(endpoint: Endpoint): Driver;
export function connect(endpoint: Endpoint): Driver {
  if (endpoint.kind === "docker")
    return isSwarm(endpoint) ? new SwarmDriver(endpoint) : new DockerDriver(endpoint);
  return endpoint.kind === "libvirt" ? new LibvirtDriver(endpoint) : new Ec2Driver(endpoint);
}

const allDrivers = ({ docker, libvirt, ec2 = [] }: Drivers): Driver[] =>
  [docker, libvirt, ...ec2].filter((driver) => driver !== undefined);

export const endpointsOf = (drivers: Drivers): Endpoint[] =>
  allDrivers(drivers).map((driver) => driver.endpoint);

/** The endpoints in words: `Docker and libvirt`; empty for none. */
export function driverWords(drivers: Drivers): string {
  const { docker, libvirt, ec2 } = drivers;
  const regions = ec2 && `AWS (${ec2.map(({ region }) => region).join(", ")})`;
  return [docker && endpointWords(docker.endpoint), libvirt && endpointWords(libvirt.endpoint), regions]
    .filter(Boolean)
    .join(" and ");
}

/** Whether there is a driver for things of this kind. */
export const asksAbout = (drivers: Drivers, source: SourceKind): boolean => drivers[source] !== undefined;

/** Everything of one seat, as Docker, libvirt and AWS report it: by label and by name, never from our state. */
export async function seatInventory(id: SeatId, drivers: Drivers): Promise<Found[]> {
  const found = await Promise.all(allDrivers(drivers).map((driver) => driver.inventory(id)));
  return found.flatMap(({ labelled, named }) => [...labelled.map((item) => withSeat(item, id)), ...named]);
}

function withSeat(item: Labelled, id: SeatId): Found {
  const ofSeat = labelledSeat(item);
  return ofSeat === undefined || isSameSeat(ofSeat, id) ? item.found : { ...item.found, ofSeat };
}

/** Every seat's things at these endpoints. The number of queries does not grow with the number of seats. */
export async function inventory(drivers: readonly Driver[]): Promise<Inventory> {
  const found = await Promise.all(
    drivers.map(async (driver) => {
      const at = driver.endpoint;
      const { labelled, named } = await driver.inventory();
      return {
        labelled: labelled.map((item) => ({ ...item, found: { ...item.found, at } })),
        named: named.map((item) => ({ ...item, at })),
      };
    }),
  );
  return {
    labelled: found.flatMap(({ labelled }) => labelled),
    named: found.flatMap(({ named }) => named),
  };
}

/** The driver of the daemon or region that has this thing. @throws Error when there is none. */
function driverOf({ kind, region }: Found, drivers: Drivers): Driver {
  const source = sourceOf(kind);
  const driver = source === "ec2" ? drivers.ec2?.find((each) => each.region === region) : drivers[source];
  if (driver === undefined)
    throw new Error(`there is no driver for a ${kind}${region ? ` in ${region}` : ""}`);
  return driver;
}

/** Removes one thing, running or not. What is already gone is success. */
export const removeFound = (found: Found, drivers: Drivers): Promise<void> =>
  driverOf(found, drivers).remove(found);

/** Stops a machine, and waits until it is off. Its disk stays. */
export const stopFound = (found: Found, drivers: Drivers, options: StopOptions): Promise<Ending> =>
  driverOf(found, drivers).stop(found, options);

/** Starts a machine or network that is stopped or paused. */
export const startFound = (found: Found, drivers: Drivers): Promise<void> =>
  driverOf(found, drivers).start(found);
