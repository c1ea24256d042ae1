import { UserError } from "../base/errors.js";
import { type SeatId, seatPrefix, type Target } from "../components/helpers/naming.js";
import { readCheckpoint } from "../engine/index.js";
import { requireDocker } from "../hosts/docker.js";
import { type Sources, seatInventory } from "../hosts/inventory.js";
import { virsh } from "../hosts/libvirt.js";
import { which } from "../hosts/privilege.js";
import { type Rented, readRecord } from "./seat-record.js";

/** Who rents a seat's VPS out, and where. */
export type Renting = Pick<Rented, "cloud" | "region">;

/** Whom a seat with these targets needs. A rented VPS needs none of the daemons here, a rehearsed one the hypervisor. */
export function sourcesOf(targets: readonly Target[], vps?: Renting): Sources {
  const rented = targets.includes("vps") && vps?.cloud === "aws";
  return {
    docker: targets.includes("container"),
    libvirt: targets.includes("guest") || (targets.includes("vps") && !rented),
    ...(rented && vps.region !== undefined ? { aws: [vps.region] } : {}),
  };
}

/**
 * Which daemons to ask about a seat that is to go: each that is here. One that the seat is known to use must answer, or
 * the receipt would lie.
 *
 * @throws UserError (exit 3) when a daemon the seat uses does not answer.
 */
export async function sourcesToAsk(id: SeatId): Promise<Sources> {
  const record = await readRecord(id).catch(() => undefined);
  const types =
    (await readCheckpoint({ stack: seatPrefix(id) }).catch(() => undefined))?.resources.map((r) => r.type) ??
    [];
  const known = sourcesOf(record?.targets ?? [], record?.vps);
  const inState = (prefix: string): boolean => types.some((type) => type.startsWith(prefix));
  const [docker, libvirt] = await Promise.all([
    answers(() => requireDocker(), known.docker || inState("docker:"), "docker"),
    answers(() => virsh("version"), known.libvirt || inState("libvirt:"), "virsh"),
  ]);
  return { docker, libvirt };
}

async function answers(ask: () => Promise<unknown>, needed: boolean, command: string): Promise<boolean> {
  if (!needed && which(command) === undefined) return false;
  try {
    await ask();
    return true;
  } catch (error) {
    if (needed || !(error instanceof UserError)) throw error;
    return false;
  }
}

/** Whether anything of the seat is there, whoever made it. */
export async function leftovers(id: SeatId): Promise<boolean> {
  return (await seatInventory(id, await sourcesToAsk(id))).length > 0;
}
