import { DescribeNetworkInterfacesCommand, type EC2Client } from "@aws-sdk/client-ec2";
import { UserError } from "../../base/errors.js";
import { poll } from "../../base/poll.js";
import { awsError, codeOf, isGone } from "./errors.js";

/** Pauses between two queries, in milliseconds: the first, and the longest. */
const PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5_000;

/** How long AWS may take until a new object is visible everywhere, in seconds. */
const CONSISTENCY_S = 60;

/** How long to wait until nothing uses an object any more, in seconds. */
const DEPENDENTS_S = 300;

/**
 * Repeats `look` until there is an answer. (The SDK's own waiters read every error as "not yet", even a missing permission,
 * and would keep the user waiting.)
 *
 * @throws UserError after that many seconds; errors of `look` at once; the signal's reason on cancel.
 */
export async function until<T>(
  what: string,
  seconds: number,
  signal: AbortSignal,
  look: () => Promise<T | undefined>,
): Promise<T> {
  const pauses = { everyMs: PAUSE_MS, longestMs: LONGEST_PAUSE_MS };
  const answer = await poll(look, { limitMs: seconds * 1000, ...pauses, signal });
  if (answer !== undefined) return answer;
  throw new UserError(what, {
    why: `it took more than ${seconds} s`,
    fix: "look at it in the AWS console, then run it again",
  });
}

/** A call about something that was just made: "no such thing" means "not yet". */
export function soon<T>(what: string, signal: AbortSignal, call: () => Promise<T>): Promise<T> {
  return until(what, CONSISTENCY_S, signal, () =>
    call().catch((error: unknown) => {
      if (!isGone(error)) throw awsError(what, error);
      return undefined;
    }),
  );
}

/** How to remove something, and how to find what still uses it. */
export interface Removal {
  /** `security group sg-1 could not be removed`. */
  what: string;
  /** Succeeds if it is already gone. */
  call: () => Promise<unknown>;
  /** A filter of DescribeNetworkInterfaces that finds those that use it. */
  users?: { name: string; id: string };
}

/**
 * Removes an object after waiting until nothing uses it: AWS releases a terminated instance's interface only after a
 * while.
 *
 * @throws UserError after `seconds`, naming the interfaces that still use it.
 */
export async function remove(
  client: EC2Client,
  signal: AbortSignal,
  { what, call, users }: Removal,
  seconds = DEPENDENTS_S,
): Promise<void> {
  let last: unknown;
  const attempt = async (): Promise<true | undefined> => {
    try {
      await call();
      return true;
    } catch (error) {
      if (isGone(error)) return true;
      if (codeOf(error) !== "DependencyViolation") throw awsError(what, error);
      last = error;
      return undefined;
    }
  };
  try {
    await until(what, seconds, signal, attempt);
  } catch (error) {
    if (last === undefined || signal.aborted || codeOf(error) !== undefined) throw error;
    const holders = users ? await interfacesOf(client, users) : [];
    throw new UserError(`${what}: something still uses it`, {
      why:
        holders.length > 0 ? `network interfaces: ${holders.join(", ")}` : (awsError(what, last).why ?? ""),
      fix: "remove what uses it, then run it again",
      cause: last,
    });
  }
}

/** `eni-1 (of i-1)`, `eni-2 (an AWS service's)`; empty when that can't be queried. */
async function interfacesOf(client: EC2Client, users: { name: string; id: string }): Promise<string[]> {
  const Filters = [{ Name: users.name, Values: [users.id] }];
  const found = await client
    .send(new DescribeNetworkInterfacesCommand({ Filters }))
    .catch(() => ({ NetworkInterfaces: [] }));
  return (found.NetworkInterfaces ?? []).map(
    (item) =>
      `${item.NetworkInterfaceId} (${item.Attachment?.InstanceId ? `of ${item.Attachment.InstanceId}` : item.Description || "on its own"})`,
  );
}
