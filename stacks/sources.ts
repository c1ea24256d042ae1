import { z } from "zod";
import { UserError } from "../base/errors.js";
import { type SeatId, seatPrefix, type Target } from "../components/helpers/naming.js";
import { readCheckpoint } from "../engine/index.js";
import { awsCredentials, awsRegion } from "../hosts/aws-account.js";
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
 * Whom to ask about a seat that is to go: each daemon that is here, and AWS where the seat is known to rent from it. Who
 * the seat is known to use must answer, or the receipt would lie.
 *
 * @param options.lost Nothing may be known of it any more: then AWS is asked too where there are credentials and a region.
 * @throws UserError (exit 3) when a daemon the seat uses does not answer.
 */
export async function sourcesToAsk(id: SeatId, options: { lost?: boolean } = {}): Promise<Sources> {
  const record = await readRecord(id).catch(() => undefined);
  const resources = (await readCheckpoint({ stack: seatPrefix(id) }).catch(() => undefined))?.resources ?? [];
  const known = sourcesOf(record?.targets ?? [], record?.vps);
  const inState = (prefix: string): boolean => resources.some(({ type }) => type.startsWith(prefix));
  const provider = resources.find(({ type }) => type === "pulumi:providers:aws");
  const region = z.string().safeParse(provider?.inputs.region).data;
  const [docker, libvirt] = await Promise.all([
    answers(() => requireDocker(), known.docker || inState("docker:"), "docker"),
    answers(() => virsh("version"), known.libvirt || inState("libvirt:"), "virsh"),
  ]);
  const aws =
    known.aws ??
    (region === undefined ? undefined : [region]) ??
    (options.lost && !record ? await awsHere(id) : undefined);
  return { docker, libvirt, ...(aws ? { aws } : {}) };
}

/** The region of the environment or the profile, where there are credentials that AWS takes. */
async function awsHere(id: SeatId): Promise<string[] | undefined> {
  if ((await awsCredentials()) === undefined) return undefined;
  try {
    const regions = [await awsRegion(undefined)];
    await seatInventory(id, { docker: false, libvirt: false, aws: regions });
    return regions;
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
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
  return (await seatInventory(id, await sourcesToAsk(id, { lost: true }))).length > 0;
}
