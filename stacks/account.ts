import { z } from "zod";
import { ExitCode, UserError } from "../base/errors.js";
import { type SeatId, seatPrefix } from "../components/helpers/naming.js";
import { type CheckpointResource, readCheckpoint } from "../engine/index.js";
import { awsCredentials } from "../hosts/aws-account.js";
import { readRecord, type SeatRecord } from "./seat-record.js";

/** The AWS account that a seat rents in: by its record, or, where that is older than this, by its state. Pure. */
export function accountOf(
  record: Pick<SeatRecord, "vps"> | undefined,
  resources: readonly Pick<CheckpointResource, "type" | "outputs">[],
): string | undefined {
  if (record?.vps?.account !== undefined) return record.vps.account;
  const owners = resources
    .filter(({ type }) => type.startsWith("aws:ec2/"))
    .map(({ outputs }) => z.string().safeParse(outputs.ownerId).data);
  return owners.find(Boolean);
}

/**
 * Asks AWS whether the credentials in use are of the account that a seat rents in. Another one's would find nothing of it
 * there, and take it for gone.
 *
 * @param options.lost The user says that it is to go whatever is known of it: then they need only not be another's.
 * @throws UserError (exit 3) naming both accounts; with AWS's reason where it does not answer.
 */
export async function requireAccount(
  id: SeatId,
  region: string,
  options: { lost?: boolean } = {},
): Promise<void> {
  const record = await readRecord(id).catch(() => undefined);
  const checkpoint = await readCheckpoint({ stack: seatPrefix(id) }).catch(() => undefined);
  const account = accountOf(record, checkpoint?.resources ?? []);
  const { callerAccount } = await import("../hosts/aws-caller.js");
  const caller = await callerAccount(region).catch((error: unknown) => {
    throw error instanceof UserError ? unanswered(id, error) : error;
  });
  if (account === undefined || caller === account || (caller === undefined && options.lost)) return;
  const from = (await awsCredentials()) ?? "this machine's role";
  throw new UserError(`seat "${id.seat}" of lab "${id.lab}" is rented in the AWS account ${account}`, {
    why: `the credentials in use (${from}) are of ${caller === undefined ? `an account that has no network in ${region}, and so does not tell its number` : `account ${caller}`}; nothing was touched`,
    fix: `use those of account ${account}: AWS_PROFILE=… with the profile it was rented with, or its AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY${caller === undefined ? `; if they are, and all of it was removed by hand: trilab down ${id.lab} --seat ${id.seat} --by-label` : ""}`,
    exitCode: ExitCode.hostNotReady,
  });
}

const unanswered = (
  id: SeatId,
  { message, why, fix = "run it again", exitCode, cause }: UserError,
): UserError =>
  new UserError(`AWS can't be asked about seat "${id.seat}" of lab "${id.lab}"; nothing of it was touched`, {
    why: [message, why].filter(Boolean).join(": "),
    fix,
    exitCode,
    cause,
  });
