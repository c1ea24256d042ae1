import { z } from "zod";
import { ExitCode, UserError } from "../base/errors.js";
import type { Caller } from "../drivers/ec2/caller.js";
import { awsCredentials } from "../drivers/ec2/credentials.js";
import { type CheckpointResource, readCheckpoint } from "../engine/index.js";
import { type SeatId, seatPrefix } from "../model/naming.js";
import { formatDuration } from "../model/units.js";
import { readRecord, rentedAt, type SeatRecord } from "./seat-record.js";

/** The AWS account in which a seat rents: from its record, or from its state if the record is too old to have it. Pure. */
export function accountOf(
  record: Pick<SeatRecord, "machines"> | undefined,
  resources: readonly Pick<CheckpointResource, "type" | "outputs">[],
): string | undefined {
  const account = record && rentedAt(record)?.account;
  if (account !== undefined) return account;
  const owners = resources
    .filter(({ type }) => type.startsWith("aws:ec2/"))
    .map(({ outputs }) => z.string().safeParse(outputs.ownerId).data);
  return owners.find(Boolean);
}

/** Who the credentials belong to. Loads AWS's SDK only if something is rented. @throws UserError with AWS's reason. */
export const askCaller = async (region: string): Promise<Caller> =>
  (await import("../drivers/ec2/caller.js")).caller(region);

/** How much the clocks may differ, in seconds. */
const MAX_SKEW_S = 120;

/** @throws UserError (exit 3) if this machine's clock differs from AWS's: the expiry of what is rented depends on it. */
export function requireClock(clockAhead: number): void {
  if (Math.abs(clockAhead) <= MAX_SKEW_S) return;
  const way = clockAhead > 0 ? "ahead of" : "behind";
  throw new UserError(`this machine's clock is ${formatDuration(Math.abs(clockAhead))} ${way} AWS's`, {
    why: `rented machines would end too ${clockAhead > 0 ? "early" : "late"}; nothing was touched`,
    fix: "set the clock (timedatectl set-ntp true), then run it again",
    exitCode: ExitCode.hostNotReady,
  });
}

/**
 * Checks with AWS that the credentials belong to the account in which a seat rents. Those of another account would find
 * nothing, and the seat would look removed.
 *
 * @param options.lost The user wants the seat removed without its record: then the account may be unknown, but not different.
 * @param options.clock The operation depends on this machine's clock, so it is checked, too.
 * @throws UserError (exit 3) naming both accounts, or the clock's error, or AWS's reason for not answering.
 */
export async function requireAccount(
  id: SeatId,
  region: string,
  options: { lost?: boolean; clock?: boolean } = {},
): Promise<void> {
  const record = await readRecord(id).catch(() => undefined);
  const checkpoint = await readCheckpoint({ stack: seatPrefix(id) }).catch(() => undefined);
  const account = accountOf(record, checkpoint?.resources ?? []);
  const { account: caller, clockAhead } = await askCaller(region).catch((error: unknown) => {
    throw error instanceof UserError ? unanswered(id, error) : error;
  });
  if (options.clock) requireClock(clockAhead);
  if (account === undefined || caller === account || (caller === undefined && options.lost)) return;
  const from = (await awsCredentials()) ?? "this machine's role";
  throw new UserError(`seat "${id.seat}" of lab "${id.lab}" is rented in the AWS account ${account}`, {
    why: `the credentials in use (${from}) belong to ${caller === undefined ? `an account without a network in ${region}, so its number is unknown` : `account ${caller}`}; nothing was touched`,
    fix: `use those of account ${account}: AWS_PROFILE=… with the profile it was rented with, or its AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY${caller === undefined ? `; if they are, and all of it was removed by hand: trilab down ${id.lab} --seat ${id.seat} --by-label` : ""}`,
    exitCode: ExitCode.hostNotReady,
  });
}

const unanswered = (
  id: SeatId,
  { message, why, fix = "run it again", exitCode, cause }: UserError,
): UserError =>
  new UserError(
    `AWS can't be queried about seat "${id.seat}" of lab "${id.lab}"; nothing of it was touched`,
    {
      why: [message, why].filter(Boolean).join(": "),
      fix,
      exitCode,
      cause,
    },
  );
