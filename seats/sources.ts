import { z } from "zod";
import { UserError } from "../base/errors.js";
import { which } from "../base/privilege.js";
import { requireDocker } from "../drivers/docker/client.js";
import { awsCredentials, awsRegion } from "../drivers/ec2/credentials.js";
import { type Sources, seatInventory } from "../drivers/inventory.js";
import { virsh } from "../drivers/libvirt/virsh.js";
import { readCheckpoint } from "../engine/index.js";
import { type SeatId, seatPrefix, type Target } from "../model/naming.js";
import type { Rented } from "../model/rented.js";
import { requireAccount } from "./account.js";
import { readRecord } from "./seat-record.js";

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
 * @param options.local AWS is not to be asked.
 * @param options.clock It is to go because its time is up: where AWS is asked, the clock must be right.
 * @param options.regions AWS's regions that have something of it, as somebody has seen.
 * @throws UserError (exit 3) when a daemon the seat uses does not answer, or AWS's credentials are another account's.
 */
export async function sourcesToAsk(
  id: SeatId,
  options: { lost?: boolean; local?: boolean; clock?: boolean; regions?: readonly string[] } = {},
): Promise<Sources> {
  const record = await readRecord(id).catch(() => undefined);
  const resources = (await readCheckpoint({ stack: seatPrefix(id) }).catch(() => undefined))?.resources ?? [];
  const known = sourcesOf(record?.targets ?? [], record?.vps);
  const inState = (prefix: string): boolean => resources.some(({ type }) => type.startsWith(prefix));
  const provider = resources.find(({ type }) => type === "pulumi:providers:aws");
  const region = z.string().safeParse(provider?.inputs.region).data;
  const [docker, libvirt] = await Promise.all([
    daemonAnswers(() => requireDocker(), known.docker || inState("docker:"), "docker"),
    daemonAnswers(() => virsh("version"), known.libvirt || inState("libvirt:"), "virsh"),
  ]);
  const rented = new Set([
    ...(known.aws ?? (region === undefined ? [] : [region])),
    ...(options.regions ?? []),
  ]);
  if (options.local) return { docker, libvirt };
  for (const where of rented) await requireAccount(id, where, options);
  if (rented.size === 0 && options.lost && !record) {
    const here = await regionHere();
    if (here !== undefined && (await answers(() => requireAws(here), false))) rented.add(here);
  }
  return { docker, libvirt, ...(rented.size > 0 ? { aws: [...rented] } : {}) };
}

/** The region of the environment or the profile, where there are credentials; whether AWS takes them is not asked. */
export async function regionHere(): Promise<string | undefined> {
  if ((await awsCredentials()) === undefined) return undefined;
  return awsRegion(undefined).catch((error: unknown) => {
    if (error instanceof UserError) return undefined;
    throw error;
  });
}

/** @throws UserError when the region does not answer us. */
export async function requireAws(region: string): Promise<void> {
  return (await import("../drivers/ec2/inventory.js")).requireAws(region);
}

/** As `answers`, of a daemon of this host: one whose command is not here is not waited for. */
const daemonAnswers = async (ask: () => Promise<unknown>, needed: boolean, command: string) =>
  (needed || which(command) !== undefined) && answers(ask, needed);

/** Whether it answers. @throws UserError where it is needed and does not. */
async function answers(ask: () => Promise<unknown>, needed: boolean): Promise<boolean> {
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
