import { randomBytes, randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { z } from "zod";
import { ExitCode, hasCode, UserError } from "../base/errors.js";
import { folderNames } from "../base/files.js";
import { withLock } from "../base/lock.js";
import { ownStateDir, privateDir } from "../base/paths.js";
import { type Bucket, openBucket } from "./bucket.js";
import { KEY_BYTES, keyOf, sealWith } from "./seal.js";
import { SharedState } from "./shared-state.js";
import { copyName, parseStateUrl } from "./state-url.js";
import type { Unit } from "./unit.js";

/** The object that makes a prefix of a bucket a shared state. Only the passphrase opens its key, which opens all other objects. */
const STATE_OBJECT = "trilab-state.json";
const stateSchema = z.object({
  schema: z.literal(1),
  /** Base64: the salt of the passphrase, and the key, sealed with what the passphrase gives. */
  salt: z.string(),
  key: z.string(),
});

/** What this machine's copy of a shared state remembers. */
const copySchema = z.object({ url: z.string(), copy: z.string(), key: z.string() });
type Copy = z.output<typeof copySchema>;

const MIN_PASSPHRASE = 12;

const copiesDir = (): string => join(ownStateDir(), "shared");

/**
 * Opens a shared state, and fetches what others have changed.
 *
 * @returns also sentences for people, as refresh() does.
 * @param create Makes it if the bucket has none there. Default: that is an error.
 * @param endInterrupted As the constructor of {@link SharedState} has it.
 * @throws UserError: exit 2 when the URL, the passphrase or the environment is wrong; exit 3 when the bucket does not answer;
 *   exit 6 when there is no shared state.
 */
export async function openState(
  url: string,
  {
    bucket: given,
    create = false,
    endInterrupted,
  }: { create?: boolean; endInterrupted?: (unit: Unit) => Promise<void>; bucket?: Bucket } = {},
): Promise<{ state: SharedState; notes: string[] }> {
  const place = parseStateUrl(url);
  requireOwnSettings();
  const dir = await privateDir(join(await privateDir(copiesDir()), copyName(place)));
  const bucket = given ?? (await openBucket(place));
  // Two first commands at once make one copy.
  const { copy, key } = await withLock(
    join(dir, "copy.lock"),
    { what: "this machine's copy of the shared state", waitMs: 60_000 },
    async () => (await readCopy(dir)) ?? (await makeCopy(dir, url, bucket, create)),
  );
  const seal = sealWith(Buffer.from(key, "base64"));
  const state = new SharedState(url, dir, copy, bucket, seal, endInterrupted);
  return { state, notes: await state.refresh() };
}

/** The shared states of which this machine has a copy: their URLs and folders. */
export async function knownStates(): Promise<{ url: string; dir: string }[]> {
  const dirs = (await folderNames(copiesDir())).map((name) => join(copiesDir(), name));
  const copies = await Promise.all(dirs.map(async (dir) => ({ dir, copy: await readCopy(dir) })));
  return copies.flatMap(({ copy, dir }) => (copy ? [{ url: copy.url, dir }] : []));
}

async function readCopy(dir: string): Promise<Copy | undefined> {
  const text = await readFile(join(dir, "copy.json"), "utf8").catch((error: unknown) => {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  });
  return text === undefined ? undefined : copySchema.parse(JSON.parse(text));
}

async function makeCopy(dir: string, url: string, bucket: Bucket, create: boolean): Promise<Copy> {
  const passphrase = await readPassphrase();
  const key = await sharedKey(bucket, url, passphrase, create);
  // Pulumi's secrets, too, must open for every instructor: engine/backend.ts reads this file.
  const derived = sealWith(key).derive("pulumi");
  await writeFileAtomic(join(dir, "passphrase"), `${derived}\n`, { mode: 0o600 });
  const made = { url, copy: randomUUID(), key: key.toString("base64") };
  await writeFileAtomic(join(dir, "copy.json"), `${JSON.stringify(made)}\n`, { mode: 0o600 });
  return made;
}

/** The key of a shared state, which is made with it. */
async function sharedKey(bucket: Bucket, url: string, passphrase: string, create: boolean): Promise<Buffer> {
  const there = await bucket.get(STATE_OBJECT);
  if (there === undefined) {
    if (!create) throw noState(url);
    const [salt, key] = [randomBytes(16), randomBytes(KEY_BYTES)];
    const sealed = sealWith(await keyOf(passphrase, salt)).seal(STATE_OBJECT, key.toString("base64"));
    const state = { schema: 1, salt: salt.toString("base64"), key: sealed.toString("base64") };
    const made = await bucket.put(STATE_OBJECT, Buffer.from(`${JSON.stringify(state)}\n`), undefined);
    if (made === undefined) return sharedKey(bucket, url, passphrase, false); // Another instructor was faster.
    await requireConditions(bucket, url, made);
    return key;
  }
  const { key, salt } = parseState(there.body, url);
  const outer = sealWith(await keyOf(passphrase, Buffer.from(salt, "base64")));
  const opened = outer.open(STATE_OBJECT, Buffer.from(key, "base64"));
  if (opened !== undefined) return Buffer.from(opened, "base64");
  throw new UserError("the passphrase does not open the shared state", {
    why: `${url} was made with another passphrase`,
    fix: "ask the instructor who made it, and set TRILAB_STATE_PASSPHRASE_FILE to a file with that passphrase",
    exitCode: ExitCode.usage,
  });
}

function parseState(body: Buffer, url: string): z.output<typeof stateSchema> {
  try {
    return stateSchema.parse(JSON.parse(body.toString("utf8")));
  } catch (cause) {
    throw new UserError(`the shared state ${url} can't be read`, {
      why: `its ${STATE_OBJECT} is damaged, or a newer trilab wrote it`,
      fix: "use the same version as the other instructors",
      cause,
    });
  }
}

/** Some servers with S3's API ignore the conditions of a write; on them, two could hold one lock. */
async function requireConditions(bucket: Bucket, url: string, etag: string): Promise<void> {
  const probe = "trilab-probe";
  const first = await bucket.put(probe, Buffer.from("1"), undefined);
  const second = await bucket.put(probe, Buffer.from("2"), undefined);
  const last = second ?? first;
  if (last !== undefined) await bucket.remove(probe, last);
  if (second === undefined) return;
  await bucket.remove(STATE_OBJECT, etag);
  throw new UserError(`${url} can't hold a shared state`, {
    why: "this server ignores the conditions If-None-Match and If-Match of a write, so it can't keep two instructors apart",
    fix: "use AWS, or a newer version of the server",
    exitCode: ExitCode.hostNotReady,
  });
}

/** @throws UserError (exit 2) when none is set, or it is too short. */
async function readPassphrase(): Promise<string> {
  const file = process.env.TRILAB_STATE_PASSPHRASE_FILE;
  const text =
    process.env.TRILAB_STATE_PASSPHRASE ||
    (file ? await readFile(file, "utf8").catch((error: Error) => noPassphrase(error.message)) : undefined);
  const passphrase =
    text?.trim() ?? noPassphrase("neither TRILAB_STATE_PASSPHRASE_FILE nor TRILAB_STATE_PASSPHRASE is set");
  return passphrase.length >= MIN_PASSPHRASE
    ? passphrase
    : noPassphrase(`it has fewer than ${MIN_PASSPHRASE} characters`);
}

function noPassphrase(why: string): never {
  throw new UserError("there is no passphrase for the shared state", {
    why,
    fix: "all instructors of the class use the same one: write it to a file that only you can read, and set TRILAB_STATE_PASSPHRASE_FILE to its path; it is needed once on each machine",
    exitCode: ExitCode.usage,
  });
}

const noState = (url: string): UserError =>
  new UserError(`there is no shared state at ${url}`, {
    why: "no class was started there",
    fix: "check the URL; or start the class: trilab class up",
    exitCode: ExitCode.notFound,
  });

/** The engine's own settings for state and passphrase. */
const ENGINE_SETTINGS = ["PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"];

/** @throws UserError (exit 2) when the environment gives the engine another state or passphrase. */
function requireOwnSettings(): void {
  const set = ENGINE_SETTINGS.filter((name) => process.env[name]);
  if (set.length === 0) return;
  throw new UserError(`a shared state can't be used with ${set.join(" and ")}`, {
    why: "it holds the engine's state itself, under a passphrase that all its instructors have",
    fix: `unset ${set.join(" ")}`,
    exitCode: ExitCode.usage,
  });
}
