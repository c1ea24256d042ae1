import { AsyncLocalStorage } from "node:async_hooks";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { z } from "zod";
import { ExitCode, hasCode, messageAndWhy, UserError } from "../base/errors.js";
import { namesIn } from "../base/files.js";
import { type LockOptions, withLock } from "../base/lock.js";
import { inStateDir, stateDir } from "../base/paths.js";
import { sideBySide } from "../base/side-by-side.js";
import type { Bucket } from "./bucket.js";
import { BEAT_MS, type RemoteLock, takeLock } from "./remote-lock.js";
import type { Seal } from "./seal.js";
import { type Content, digestOf, parseContent, readUnit, type Unit, unitSchema, writeUnit } from "./unit.js";

/** What this machine remembers of a unit's last exchange with the bucket. */
const exchangeSchema = z.object({
  unit: unitSchema,
  /** The object's ETag; absent: there is no object. */
  etag: z.string().optional(),
  /** Of the files then; absent: there were none. */
  digest: z.string().optional(),
  /** Digests of what was written since, while the answer was lost; {@link NO_FILES}: the object was removed. The bucket may have any of them. */
  attempts: z.array(z.string()).default([]),
  /** A command here takes the unit's lock in the bucket, and has changed nothing yet; or it was killed then. */
  locking: z.boolean().default(false),
  /** A command here changes the unit; or it was killed, or could not write to the bucket. */
  changing: z.boolean(),
});
type Exchange = z.output<typeof exchangeSchema>;

/** The attempt to write a unit that has no files. */
const NO_FILES = "none";
const attemptOf = (files: Content["files"]): string => digestOf(files) ?? NO_FILES;

/** A unit that this process changes. */
interface Held {
  lock: RemoteLock;
  /** Somebody has taken the lock from us. */
  isLost: boolean;
  /** A write has been asked for, and not begun yet. */
  isWaiting: boolean;
  /** Ends after all writes to the bucket that were begun. */
  saving: Promise<void>;
}

const objectKey = (unit: string): string => `units/${unit}`;

/** At most this many units are fetched at once. */
const WORKERS = 16;

/**
 * State that several instructors share: a bucket, and this machine's copy of it, which is a state directory. Each unit is
 * one encrypted object. Its changes happen in the copy, under a lock in the bucket, and are written back to the object.
 */
export class SharedState {
  private readonly held = new Map<string, Held>();

  /**
   * @param copy Identifies this machine's copy.
   * @param endInterrupted Ends what a killed command left at work on a unit in this copy. Its state directory is the copy.
   */
  constructor(
    readonly place: string,
    readonly dir: string,
    readonly copy: string,
    readonly bucket: Bucket,
    private readonly seal: Seal,
    private readonly endInterrupted: (unit: Unit) => Promise<void> = async () => {},
  ) {}

  /** Runs `body` with the copy as the state directory. */
  run<T>(body: () => Promise<T>): Promise<T> {
    return inStateDir(this.dir, () => current.run(this, body));
  }

  /**
   * Fetches what others have changed, and writes back what a killed command of this machine had changed.
   *
   * @returns sentences for people: what could not be fetched, and what a killed command had changed in vain.
   */
  async refresh(): Promise<string[]> {
    const remote = await this.bucket.list(objectKey(""));
    const known = new Map((await this.exchanges()).map((each) => [each.unit.name, each]));
    const there = [...remote.keys()].map((key) => key.slice(objectKey("").length));
    const news = [...new Set([...there, ...known.keys()])].filter((name) => {
      const { changing, etag, locking } = known.get(name) ?? {};
      return changing || locking || etag !== remote.get(objectKey(name));
    });
    const ends = await sideBySide(news, (name) => this.refreshUnit(name, known.get(name)), {
      workers: WORKERS,
    });
    return ends.flatMap((end) => {
      if (end.state === "failed") throw end.error;
      return end.state === "done" && end.result !== undefined ? [end.result] : [];
    });
  }

  /** @returns a sentence for people, if there is something to say. */
  private async refreshUnit(name: string, before: Exchange | undefined): Promise<string | undefined> {
    try {
      const unit = before?.unit ?? (await this.fetch(name))?.content.unit;
      if (unit === undefined || this.held.has(name)) return undefined;
      const isGone = async (): Promise<boolean> => digestOf(await readUnit(this.dir, unit)) === undefined;
      return await withLock(join(this.dir, unit.lock), { what: name, isGone }, async () => {
        const now = await this.exchange(name);
        // Another command on this machine may have done it meanwhile.
        const isSame = (["etag", "changing", "locking"] as const).every(
          (key) => now?.[key] === before?.[key],
        );
        if (!isSame) return undefined;
        if (now?.changing) return await this.finish(unit, now);
        // Holding it once also releases the lock that a killed command has left.
        if (now?.locking) await this.releaseLeft(unit);
        await this.pull(unit);
        return undefined;
      });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      // It is being changed, here or elsewhere.
      if (error.exitCode === ExitCode.locked) return undefined;
      // One object that can't be read hides no other. Who changes that unit gets the error.
      if (error.exitCode === ExitCode.failed) return messageAndWhy(error);
      throw error;
    }
  }

  /** Writes back what a killed command had changed, unless another instructor has changed the unit since. */
  private async finish(unit: Unit, { etag }: Exchange): Promise<string | undefined> {
    const content = async (): Promise<string | undefined> => digestOf(await readUnit(this.dir, unit));
    // It would write into the files that are exchanged now.
    await this.run(() => this.endInterrupted(unit));
    const ours = await content();
    return this.holding(unit, { what: unit.name }, async () =>
      (await this.exchange(unit.name))?.etag === etag || (await content()) === ours
        ? undefined
        : `${unit.name}: another instructor has changed it since a command on this machine was interrupted; theirs is used, and what that command had noted is not`,
    );
  }

  /**
   * Runs a change of a unit: under its lock in the bucket, from its newest content, and written back at the end, also if the
   * change failed. The caller holds the unit's lock file.
   *
   * @throws UserError: exit 7 when another instructor changes it; exit 3 when the bucket does not answer.
   */
  async holding<T>(
    unit: Unit,
    options: Pick<LockOptions, "what" | "waitMs" | "signal">,
    body: () => Promise<T>,
  ): Promise<T> {
    const { signal, what, waitMs } = options;
    const before = await this.exchange(unit.name);
    // The next command of this copy releases the lock if this one is killed as soon as it has it.
    await this.remember({ changing: false, ...before, unit: before?.unit ?? unit, locking: true });
    const lock = await takeLock(this.bucket, unit.name, { copy: this.copy, what, waitMs, signal }).catch(
      async (error: unknown) => {
        // Where the answer was lost, the lock may be ours.
        if (error instanceof UserError && error.exitCode === ExitCode.locked) await this.forgetLocking(unit);
        throw error;
      },
    );
    let isSaved = true;
    try {
      // What a killed command changed here is not saved before this one's end.
      isSaved = (await this.exchange(unit.name))?.changing !== true;
      await this.pull(unit);
      await this.remember({ ...(await this.exchange(unit.name)), unit, changing: true, locking: false });
      const held: Held = { lock, isLost: false, isWaiting: false, saving: Promise.resolve() };
      this.held.set(unit.name, held);
      isSaved = false;
      const beat = setInterval(() => void this.beat(unit, held), BEAT_MS);
      beat.unref();
      const [end] = await Promise.allSettled([body()]);
      clearInterval(beat);
      const [saved] = await Promise.allSettled([this.save(unit)]);
      this.held.delete(unit.name);
      isSaved = saved.status === "fulfilled";
      if (end.status === "rejected") throw end.reason;
      if (saved.status === "rejected") throw saved.reason;
      return end.value;
    } finally {
      // While our changes are not in the bucket, nobody else should work from the older content.
      if (isSaved) {
        await this.remember({ ...(await this.exchange(unit.name)), unit, changing: false, locking: true });
        const isReleased = await lock.release().then(
          () => true,
          () => false, // The next command of this copy releases it.
        );
        if (isReleased) await this.forgetLocking(unit);
      }
    }
  }

  /** Releases a lock that a killed command may have left. Another instructor's stays. */
  private async releaseLeft(unit: Unit): Promise<void> {
    await this.holding(unit, { what: unit.name }, async () => {}).catch((error: unknown) => {
      if (!(error instanceof UserError && error.exitCode === ExitCode.locked)) throw error;
    });
  }

  /** The unit's lock in the bucket is not this copy's. */
  private async forgetLocking({ name }: Unit): Promise<void> {
    const now = await this.exchange(name);
    if (now?.changing || now?.etag !== undefined) await this.remember({ ...now, locking: false });
    else await rm(this.fileOf(name), { force: true });
  }

  /** Writes a unit to the bucket, if this process holds it and its files have changed. @throws UserError as {@link holding} does. */
  async save(unit: Unit): Promise<void> {
    const held = this.held.get(unit.name);
    if (held === undefined) return;
    const saving = held.saving.then(() => this.push(unit, held));
    held.saving = saving.catch(() => {});
    await saving;
  }

  /** As {@link save}, but the caller does not wait, and a failure is not reported: a later write contains the same. */
  saveSoon(unit: Unit): void {
    const held = this.held.get(unit.name);
    if (held === undefined || held.isWaiting) return;
    held.isWaiting = true;
    held.saving = held.saving
      .then(() => {
        held.isWaiting = false;
        return this.push(unit, held);
      })
      .catch(() => {});
  }

  /** So others see that we live, and if this machine is lost, the bucket's content is not much older. What fails now is tried again. */
  private async beat(unit: Unit, held: Held): Promise<void> {
    held.saving = held.saving
      .then(async () => {
        held.isLost = !(await held.lock.beat());
        await this.push(unit, held);
      })
      .catch(() => {});
    await held.saving;
  }

  private async push(unit: Unit, { isLost }: Held): Promise<void> {
    if (isLost) throw takenOver(unit.name);
    const files = await readUnit(this.dir, unit);
    const [digest, former] = [digestOf(files), await this.exchange(unit.name)];
    const before = former?.attempts ?? [];
    if (digest === former?.digest && before.length === 0) return;
    const attempts = [...new Set([...before, attemptOf(files)])];
    await this.remember({ ...former, unit, attempts, changing: true });
    let written = await this.write(unit, files, former?.etag);
    if (written === undefined) {
      const there = await this.fetch(unit.name);
      // It may be what we wrote, and only its answer was lost.
      if (attempts.includes(attemptOf(there?.content.files ?? {})))
        written = await this.write(unit, files, there?.etag);
    }
    if (written === undefined) throw takenOver(unit.name);
    await this.remember({ unit, ...written, digest, changing: true });
  }

  /**
   * Writes a unit's object, or removes it if there are no files.
   *
   * @param before The ETag that it had; `undefined`: there was none.
   * @returns its new ETag, if it has one; `undefined` when another one is there.
   */
  private async write(
    unit: Unit,
    files: Content["files"],
    before: string | undefined,
  ): Promise<{ etag?: string } | undefined> {
    const key = objectKey(unit.name);
    if (digestOf(files) === undefined) {
      const isGone = before ? await this.bucket.remove(key, before) : !(await this.bucket.get(key));
      return isGone ? {} : undefined;
    }
    const content: Content = { schema: 1, unit: unitSchema.parse(unit), files };
    const etag = await this.bucket.put(key, this.seal.seal(key, JSON.stringify(content)), before);
    return etag === undefined ? undefined : { etag };
  }

  /** Makes the unit's files here those of the bucket, if they are not. The caller holds the unit's lock file. */
  private async pull(unit: Unit): Promise<void> {
    const [there, former] = [await this.fetch(unit.name), await this.exchange(unit.name)];
    const files = there?.content.files ?? {};
    if (there?.etag !== former?.etag && former?.attempts.includes(attemptOf(files))) {
      // We wrote it, and only the answer was lost. The files here are as new, or newer.
      await this.remember({ ...former, etag: there?.etag, digest: digestOf(files), attempts: [] });
      return;
    }
    if (there === undefined) {
      if (former?.etag !== undefined) await writeUnit(this.dir, former.unit, {});
      if (former?.locking) await this.remember({ unit, changing: false, locking: true });
      else await rm(this.fileOf(unit.name), { force: true });
      return;
    }
    const { content, etag } = there;
    if (former?.etag === etag) return;
    await writeUnit(this.dir, content.unit, files);
    const { locking } = former ?? {};
    await this.remember({ unit: content.unit, etag, digest: digestOf(files), changing: false, locking });
  }

  private async fetch(name: string): Promise<{ content: Content; etag: string } | undefined> {
    const key = objectKey(name);
    const object = await this.bucket.get(key);
    if (object === undefined) return undefined;
    const text = this.seal.open(key, object.body);
    const content = text === undefined ? undefined : parseContent(text);
    if (content !== undefined) return { content, etag: object.etag };
    throw new UserError(`${name} in the shared state ${this.place} can't be read`, {
      why:
        text === undefined
          ? "it was changed by other means than trilab, or the shared state was made anew with another key"
          : "a newer trilab wrote it",
      fix:
        text === undefined
          ? `if the shared state was made anew, remove this machine's copy: ${this.dir}`
          : "use the same version as the other instructors",
    });
  }

  private fileOf = (name: string): string => join(this.dir, "exchanges", `${encodeURIComponent(name)}.json`);

  private async exchange(name: string): Promise<Exchange | undefined> {
    const text = await readFile(this.fileOf(name), "utf8").catch((error: unknown) => {
      if (hasCode(error, "ENOENT")) return undefined;
      throw error;
    });
    return text === undefined ? undefined : exchangeSchema.parse(JSON.parse(text));
  }

  private async exchanges(): Promise<Exchange[]> {
    const files = await namesIn(join(this.dir, "exchanges"));
    const names = files
      .filter((file) => file.endsWith(".json"))
      .map((file) => decodeURIComponent(file.slice(0, -5)));
    return (await Promise.all(names.map((name) => this.exchange(name)))).filter((each) => each !== undefined);
  }

  private async remember(exchange: z.input<typeof exchangeSchema>): Promise<void> {
    await mkdir(join(this.dir, "exchanges"), { recursive: true, mode: 0o700 });
    const text = `${JSON.stringify(exchangeSchema.parse(exchange))}\n`;
    await writeFileAtomic(this.fileOf(exchange.unit.name), text, { mode: 0o600, fsync: false });
  }
}

const takenOver = (unit: string): UserError =>
  new UserError(`another instructor has changed ${unit} meanwhile`, {
    why: "its lock was taken from this command, which had not shown for a while that it lives",
    fix: "look at what there is now, then run the command again: trilab class status",
    exitCode: ExitCode.locked,
  });

const current = new AsyncLocalStorage<SharedState>();

/** The shared state that the command works in; `undefined`: this user's own state directory. */
export const sharedNow = (): SharedState | undefined => current.getStore();

/** Holds a unit's lock while `body` works on it: its lock file, and in a shared state its lock in the bucket. @throws UserError (exit 7) naming the holder. */
export const withUnitLock = <T>(unit: Unit, options: LockOptions, body: () => Promise<T>): Promise<T> =>
  withLock(join(stateDir(), unit.lock), options, async () => {
    const state = sharedNow();
    return state ? state.holding(unit, options, body) : body();
  });

/** In a shared state, writes a unit that this process holds to the bucket now: what follows must not be lost with this machine. */
export const saveUnit = async (unit: Unit): Promise<void> => sharedNow()?.save(unit);

/** As {@link saveUnit}, without waiting for it. */
export const saveUnitSoon = (unit: Unit): void => sharedNow()?.saveSoon(unit);

/** In a shared state, fetches what others have changed. */
export const refreshShared = async (): Promise<void> => void (await sharedNow()?.refresh());
