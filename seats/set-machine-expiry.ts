import { UserError } from "../base/errors.js";
import { connect } from "../drivers/drivers.js";
import type { Environment } from "../drivers/environment.js";
import { expiresInMachine, LIFETIME_PROGRAM } from "../model/lifetime.js";
import type { Target } from "../model/naming.js";
import { requireAccount } from "./account.js";
import { openEnvironment } from "./open-target.js";
import { rentedAt, type SeatRecord } from "./seat-record.js";

/** How a machine that may still be starting is waited for. */
export interface Waiting {
  /** How long it may take to answer, in milliseconds. Default 0: it must at once. */
  waitMs?: number;
  /** Aborting it ends the waiting. */
  signal?: AbortSignal | undefined;
}

/**
 * Moves the expiry of one target: in the machine, and, if it is rented, in the tags of everything that belongs to it.
 *
 * @param expires ISO 8601 or `never`.
 * @throws UserError when it can't be reached or does not take it, or AWS does not.
 */
export async function moveExpiry(
  record: SeatRecord,
  target: Target,
  expires: string,
  waiting: Waiting = {},
): Promise<void> {
  const region = target === "vps" ? rentedAt(record)?.region : undefined;
  if (region !== undefined) await requireAccount(record, region);
  await setExpiry(await openEnvironment(record, target), expires, waiting);
  if (region === undefined) return;
  await connect({ kind: "ec2", region }).moveExpiry(record, expires);
}

/**
 * Sets a running target's expiry.
 *
 * @param expires ISO 8601 or `never`.
 * @throws UserError when it can't be reached or does not take it.
 */
export async function setExpiry(
  environment: Pick<Environment, "name" | "firstAnswer">,
  expires: string,
  waiting: Waiting = {},
): Promise<void> {
  const command = [LIFETIME_PROGRAM, "set", expiresInMachine(expires)];
  const { result } = await environment.firstAnswer(
    command,
    { root: true, ...(waiting.signal ? { signal: waiting.signal } : {}) },
    waiting.waitMs ?? 0,
  );
  if (result.exitCode === 0) return;
  throw new UserError(`${environment.name} did not take its new expiry`, {
    why: result.stderr.trim() || `${LIFETIME_PROGRAM} ended with ${result.exitCode}`,
    fix: "look at it with `trilab ssh`; a machine of an older trilab lacks the program: trilab down, then trilab up",
  });
}
