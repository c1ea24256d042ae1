import { randomUUID } from "node:crypto";
import { hostname, userInfo } from "node:os";
import { z } from "zod";
import { ExitCode, UserError } from "../base/errors.js";
import { localTime } from "../base/local-time.js";
import { poll } from "../base/poll.js";
import type { Bucket } from "./bucket.js";

/** How often a lock's holder shows that it lives, in milliseconds. */
export const BEAT_MS = 10_000;

const holderSchema = z.object({
  /** The copy of the shared state whose command holds the lock. */
  copy: z.string(),
  /** `user@host`. */
  who: z.string(),
  command: z.string(),
  /** ISO 8601, by the holder's clock. */
  since: z.string(),
  /** Changes with every beat, and so does the object's ETag. */
  beat: z.string(),
});
export type LockHolder = z.infer<typeof holderSchema>;

export const lockKey = (unit: string): string => `locks/${unit}`;

/** The holder that a lock object names; `undefined`: a damaged object. */
export function holderOf(body: Buffer): LockHolder | undefined {
  try {
    return holderSchema.parse(JSON.parse(body.toString("utf8")));
  } catch {
    return undefined;
  }
}

export const holderWords = (holder: LockHolder | undefined): string =>
  holder
    ? `${holder.who} (${holder.command}) has held it since ${localTime(holder.since)}`
    : "its holder is unknown";

/** A lock that we hold in the bucket. */
export interface RemoteLock {
  /** Shows that we live. @returns whether the lock is still ours. */
  beat(): Promise<boolean>;
  release(): Promise<void>;
}

/**
 * Takes a unit's lock in the bucket: an object that only one can create.
 *
 * @param copy Our copy of the shared state. The caller holds the unit's lock file in it, so a lock of this copy belongs to a
 *   command that has ended, and is taken over.
 * @throws UserError (exit 7) naming the holder when the lock stays taken past `waitMs`; the signal's reason when it is aborted.
 */
export async function takeLock(
  bucket: Bucket,
  unit: string,
  {
    copy,
    signal,
    waitMs = 0,
    what,
  }: { copy: string; waitMs?: number | undefined; what: string; signal?: AbortSignal | undefined },
): Promise<RemoteLock> {
  const key = lockKey(unit);
  const me = {
    copy,
    who: `${userInfo().username}@${hostname()}`,
    command: ["trilab", ...process.argv.slice(2)].join(" "),
    since: new Date().toISOString(),
  };
  // Distinguishes this command from a later one of the same copy, which takes its lock over.
  const ours = randomUUID();
  const body = (): Buffer => Buffer.from(`${JSON.stringify({ ...me, beat: `${ours} ${randomUUID()}` })}\n`);
  let other: LockHolder | undefined;
  const take = async (): Promise<string | undefined> => {
    for (let tries = 0; tries < 5; tries += 1) {
      const made = await bucket.put(key, body(), undefined);
      if (made !== undefined) return made;
      const there = await bucket.get(key);
      if (there === undefined) continue; // It has just been released.
      other = holderOf(there.body);
      return other?.copy === copy ? bucket.put(key, body(), there.etag) : undefined;
    }
    return undefined;
  };
  let etag = await poll(take, { limitMs: waitMs, everyMs: 500, longestMs: 3_000, signal });
  if (etag === undefined) {
    throw new UserError(`${what} is in use by another instructor`, {
      why: holderWords(other),
      fix: "wait until it has finished; if that command was killed: trilab class unlock",
      exitCode: ExitCode.locked,
    });
  }
  /** The lock's ETag, if it is still ours: the answer to our last write may have been lost. */
  const etagNow = async (): Promise<string | undefined> => {
    const there = await bucket.get(key);
    return there && holderOf(there.body)?.beat.startsWith(ours) ? there.etag : undefined;
  };
  return {
    async beat() {
      if (etag === undefined) return false;
      const beaten = await bucket.put(key, body(), etag);
      etag = beaten ?? (await etagNow());
      return etag !== undefined;
    },
    async release() {
      if (etag === undefined || (await bucket.remove(key, etag))) return;
      const last = await etagNow();
      if (last !== undefined) await bucket.remove(key, last);
    },
  };
}

/** A lock in the bucket. */
export interface LockSeen {
  unit: string;
  holder: LockHolder | undefined;
  /** Its holder lives; it is removed, because its holder does not; its holder has released it meanwhile. */
  state: "alive" | "removed" | "released";
}

/**
 * Removes the locks whose holders have ended. It watches for three beats; which clocks are right does not matter.
 *
 * @returns every lock that was there.
 */
export async function removeDeadLocks(
  bucket: Bucket,
  { signal, watchMs = 3 * BEAT_MS }: { signal?: AbortSignal; watchMs?: number } = {},
): Promise<LockSeen[]> {
  const before = await bucket.list(lockKey(""));
  if (before.size === 0) return [];
  const stopped = await poll(
    async () => {
      const now = await bucket.list(lockKey(""));
      // If every holder lives, or has finished, there is nothing to wait for.
      return [...before].every(([key, etag]) => now.get(key) !== etag) || undefined;
    },
    { limitMs: watchMs, everyMs: watchMs / 10, signal },
  );
  const now = stopped ? undefined : await bucket.list(lockKey(""));
  return Promise.all(
    [...before].map(async ([key, etag]): Promise<LockSeen> => {
      const unit = key.slice(lockKey("").length);
      const there = await bucket.get(key);
      if (there === undefined) return { unit, holder: undefined, state: "released" };
      const dead = now?.get(key) === etag && (await bucket.remove(key, etag));
      return { unit, holder: holderOf(there.body), state: dead ? "removed" : "alive" };
    }),
  );
}
