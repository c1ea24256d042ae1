import type { Capacity } from "../hosts/capacity.js";
import type { Lab } from "../labs/load-lab.js";
import type { Endpoints } from "../model/endpoint.js";

/** What this host has. If Docker or libvirt don't answer, the operating system's figures are used: an estimate needs no daemon. */
export async function capacityHere(lab: Pick<Lab, "targets">, chosen: Endpoints): Promise<Capacity> {
  const { hostCapacity } = await import("../hosts/capacity.js");
  const { driversAt, endpointOf } = await import("../seats/seat-drivers.js");
  const here = driversAt(lab.targets.map((target) => endpointOf(target, undefined, chosen, undefined)));
  return hostCapacity(here).catch(() => hostCapacity({}));
}
