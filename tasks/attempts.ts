import { createHash, randomBytes } from "node:crypto";
import { appendFile, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { z } from "zod";
import { hasCode } from "../base/errors.js";
import { privateDir, stateDir } from "../base/paths.js";
import type { SeatId } from "../model/naming.js";
import { owner } from "../seats/seat-record.js";
import { withUnitLock } from "../shared/shared-state.js";
import type { Unit } from "../shared/unit.js";

/** What a look at a task found. `could-not-look` is never a grade. `pending`: a person has to mark the answer. */
export const OUTCOMES = ["met", "not-met", "could-not-look", "pending"] as const;
export type Outcome = (typeof OUTCOMES)[number];

const entrySchema = z.object({
  /** ISO 8601. */
  at: z.string(),
  kind: z.enum(["check", "answer", "hint"]),
  task: z.string(),
  /** Absent: a hint. */
  outcome: z.enum(OUTCOMES).optional(),
  /** The sentence for the learner. */
  why: z.string().optional(),
  /** What the check noted. */
  evidence: z.record(z.string(), z.string()).optional(),
  /** What the learner answered. */
  answer: z.string().optional(),
  /** The run of compare that a measured answer was judged against. */
  run: z.string().optional(),
  /** The number of a hint, from 1, and its cost in points. */
  hint: z.int().optional(),
  cost: z.int().min(0).optional(),
  /** Changes when the target starts anew, and differs between machines: labs/run-script.ts. */
  boot: z.string().optional(),
  /** The lab's files: labs/lab-scripts.ts. */
  lab: z.string(),
  /** Who looked: `user@host`. */
  by: z.string(),
});

/** One line of the record: an attempt at a task, or a hint that was taken. */
export type Entry = z.infer<typeof entrySchema>;

const lineSchema = entrySchema.extend({ prev: z.string() });

/** What somebody attempted; {@link addAttempt} says when, by whom, and with which version of the lab. */
export type Attempt = Omit<Entry, "at" | "lab" | "by">;

/** A seat's attempts, oldest first. */
export interface Attempts {
  entries: Entry[];
  /** Lines (from 1) that are damaged, or do not follow from the line before: the file was edited. */
  broken: number[];
}

/** Attempts outlive their seat, because nothing that a learner did may be lost. */
export const attemptsDir = (id: SeatId): string => join(stateDir(), unitOf(id).name);
const unitOf = ({ lab, seat }: SeatId): Unit => {
  const name = `attempts/${lab}/${seat}`;
  return { name, lock: `${name}/lock`, paths: [name] };
};
const fileOf = (id: SeatId): string => join(attemptsDir(id), "attempts.jsonl");

/** The digest that the next line names. The first line names the empty text's. */
const digestOf = (line: string): string => createHash("sha256").update(line).digest("hex");

/** Reads attempts from their file's text. A damaged line hides no other. Pure. */
export function parseAttempts(text: string): Attempts {
  const lines = text.split("\n").filter((line) => line !== "");
  const attempts: Attempts = { entries: [], broken: [] };
  for (const [i, line] of lines.entries()) {
    const parsed = lineSchema.safeParse(parseJson(line));
    if (!parsed.success || parsed.data.prev !== digestOf(lines[i - 1] ?? "")) attempts.broken.push(i + 1);
    if (!parsed.success) continue;
    const { prev: _, ...entry } = parsed.data;
    attempts.entries.push(entry);
  }
  return attempts;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The text of a seat's record; empty when nothing was attempted. */
export async function attemptsText(id: SeatId): Promise<string> {
  try {
    return await readFile(fileOf(id), "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return "";
    throw error;
  }
}

export const readAttempts = async (id: SeatId): Promise<Attempts> => parseAttempts(await attemptsText(id));

/** Adds an attempt of now to the record. @param lab The digest of the lab's files. */
export async function addAttempt(id: SeatId, lab: string, attempt: Attempt): Promise<Entry> {
  const entry = { at: new Date().toISOString(), ...attempt, lab, by: owner() };
  await addAttempts(id, [entry]);
  return entry;
}

/** Adds entries to the record. Each line names the digest of the one before, so that a later edit is seen. */
export async function addAttempts(id: SeatId, entries: readonly Entry[]): Promise<void> {
  if (entries.length === 0) return;
  await privateDir(attemptsDir(id));
  const what = `the attempts of seat "${id.seat}" of lab "${id.lab}"`;
  await withUnitLock(unitOf(id), { what, waitMs: 30_000 }, async () => {
    const text = await attemptsText(id);
    // A line that was cut off by a crash stays, as a line of its own.
    let added = text === "" || text.endsWith("\n") ? "" : "\n";
    let last =
      text
        .split("\n")
        .filter((line) => line !== "")
        .at(-1) ?? "";
    for (const entry of entries) {
      last = JSON.stringify({ ...entry, prev: digestOf(last) });
      added += `${last}\n`;
    }
    await appendFile(fileOf(id), added, { mode: 0o600 });
  });
}

/** The key from which a seat's values are drawn. Made at the first question; it stays when the seat is taken down. */
export async function seatKey(id: SeatId): Promise<string> {
  const dir = await privateDir(attemptsDir(id));
  const file = join(dir, "key");
  const known = async (): Promise<string | undefined> => {
    const text = await readFile(file, "utf8").catch((error: unknown) => {
      if (hasCode(error, "ENOENT")) return "";
      throw error;
    });
    return text.trim() || undefined;
  };
  return (
    (await known()) ??
    (await withUnitLock(unitOf(id), { what: "the seat's key", waitMs: 30_000 }, async () => {
      const there = await known();
      if (there !== undefined) return there;
      const key = randomBytes(32).toString("hex");
      await writeFileAtomic(file, `${key}\n`, { mode: 0o600 });
      return key;
    }))
  );
}

/** Removes a seat's attempts and key: only for seats that were made to test a lab. */
export const forgetAttempts = (id: SeatId): Promise<void> =>
  rm(attemptsDir(id), { recursive: true, force: true });
