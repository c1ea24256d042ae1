import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { z } from "zod";
import { ExitCode, messageOf, UserError } from "../base/errors.js";
import { namesIn, readOwnFile } from "../base/files.js";
import { privateDir, stateDir } from "../base/paths.js";
import { quoted } from "../base/shell-words.js";
import type { SeatId } from "../model/naming.js";
import { refreshShared, saveUnit, withUnitLock } from "../shared/shared-state.js";
import type { Unit } from "../shared/unit.js";

const memberSchema = z.object({
  seat: z.string(),
  name: z.string(),
  email: z.string(),
  id: z.string(),
  /** The learner's own SSH key, in authorized_keys form; absent: the seat's opens the entry. */
  publicKey: z.string().optional(),
  /** Why the last `up` of the seat failed; absent: it did not. */
  problem: z.string().optional(),
});

const recordSchema = z.object({
  schema: z.literal(1),
  name: z.string(),
  /** The lab's name, and its folder. */
  lab: z.string(),
  labDir: z.string(),
  /** ISO 8601. */
  created: z.string(),
  /** When its last seat was removed, ISO 8601; absent: it is up. Kept for the grades. */
  ended: z.string().optional(),
  /** Every learner who may have a seat, also those who left the roster. */
  members: z.array(memberSchema),
});

/** A learner with a seat in a class. */
export type Member = z.infer<typeof memberSchema>;

/** What is remembered of a class, from before its first seat is made. */
export type ClassRecord = z.infer<typeof recordSchema>;

const CLASSES = "classes";
export const classesDir = (): string => join(stateDir(), CLASSES);

/** Files of the classes' folder that instructors share as one. */
export const unitIn = (name: string, files: readonly string[]): Unit => ({
  name: `${CLASSES}/${name}`,
  lock: `${CLASSES}/${name}.lock`,
  paths: files.map((file) => `${CLASSES}/${file}`),
});
const unitOf = (name: string): Unit => unitIn(name, [`${name}.json`]);
const fileOf = (name: string): string => join(classesDir(), `${name}.json`);

export const seatOf = ({ lab }: Pick<ClassRecord, "lab">, { seat }: Pick<Member, "seat">): SeatId => ({
  lab,
  seat,
});

/** @returns `undefined` when there is no such class. @throws UserError when its record is damaged, or may not be read. */
export async function readClass(name: string): Promise<ClassRecord | undefined> {
  const file = fileOf(name);
  const text = await readOwnFile(file);
  if (text === undefined) return undefined;
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new UserError(`the record of class "${name}" can't be read`, {
      why: `${file} is damaged: ${messageOf(error).split("\n")[0]}`,
      fix: `move it aside (mv ${quoted([file, `${file}.damaged`])}), then run trilab class up: it writes the record again, from the roster and from the seats that this class has made`,
    });
  }
}

export async function writeClass(record: ClassRecord): Promise<void> {
  await privateDir(classesDir());
  await writeFileAtomic(fileOf(record.name), `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  await saveUnit(unitOf(record.name));
}

/** The classes on record, sorted. @throws UserError when their folder can't be read. */
export async function classNames(): Promise<string[]> {
  return (await namesIn(classesDir()))
    .filter((file) => file.endsWith(".json"))
    .map((file) => file.slice(0, -".json".length))
    .sort();
}

/** Only one command at a time works on a class. @throws UserError (exit 7) when another one does. */
export async function withClassLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  await privateDir(classesDir());
  return withUnitLock(unitOf(name), { what: `class "${name}"`, waitMs: 0 }, async () => {
    await refreshShared(); // Its seats, as the last command on the class left them.
    return work();
  });
}

/**
 * The named class; without a name, the only one that is up, else the one that ended last.
 *
 * @throws UserError: exit 6 when there is none, exit 2 when several are up.
 */
export async function requireClass(name: string | undefined): Promise<ClassRecord> {
  const names = await classNames();
  const records = await Promise.all((name === undefined ? names : [name]).map(readClass));
  const known = records.filter((record) => record !== undefined);
  const up = known.filter(({ ended }) => ended === undefined);
  if (up.length > 1) {
    throw new UserError("several classes are up", {
      why: `they are: ${up.map((record) => record.name).join(", ")}`,
      fix: "name one: trilab class status NAME",
      exitCode: ExitCode.usage,
    });
  }
  const [only] = [...up, ...known.sort((a, b) => ((a.ended ?? "") < (b.ended ?? "") ? 1 : -1))];
  if (only) return only;
  throw new UserError(name === undefined ? "there is no class" : `there is no class "${name}"`, {
    why: names.length === 0 ? "no class is up here" : `the classes here are: ${names.join(", ")}`,
    fix: "start one: trilab class up --roster roster.csv",
    exitCode: ExitCode.notFound,
  });
}
