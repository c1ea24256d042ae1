import { UserError } from "../base/errors.js";
import { printable } from "../base/printable.js";
import type { Lab } from "../labs/load-lab.js";
import type { Task } from "../labs/task-schema.js";
import type { RunDocument } from "../probes/run-document.js";
import { type Entry, parseAttempts } from "./attempts.js";
import { judgeChoice, judgeMeasured } from "./judge-answer.js";
import { type Score, scoreOf } from "./score.js";

/** What a grade is made from: a submission, or a seat of this state directory. */
export interface Work {
  lab: string;
  seat: string;
  labDigest: string;
  /** The record of attempts, as it is on disk. */
  attempts: string;
  runs: readonly RunDocument[];
}

/** A learner's grade in one lab. */
export interface Grade {
  lab: string;
  seat: string;
  score: Score;
  /** What a person should look at before the grade counts. */
  flags: string[];
}

/**
 * Grades a learner's work: answers are judged again, against the runs in it and the lab as it is here. What only a machine
 * can say is taken from the record. Pure.
 *
 * @param lab The lab as it is here, with the digest of its files.
 * @param grader `user@host`: looks by others are flagged.
 */
export function gradeOf(work: Work, lab: Lab & { digest: string }, grader: string): Grade {
  const { broken, entries } = parseAttempts(work.attempts);
  const judged = entries.map((entry) => judgedAgain(entry, lab.tasks, work.runs));
  const changed = judged.filter((entry, i) => entry.outcome !== entries[i]?.outcome);
  const others = new Set(judged.filter((entry) => isLook(entry, lab.tasks)).map(({ by }) => nameOf(by)));
  others.delete(nameOf(grader));
  const versions = new Set([work.labDigest, ...entries.map((entry) => entry.lab)]);
  versions.delete(lab.digest);
  return {
    lab: work.lab,
    seat: work.seat,
    score: scoreOf(lab.tasks, judged),
    flags: [
      ...(broken.length > 0 ? [`the record was edited or damaged (line ${broken.join(", ")})`] : []),
      ...(changed.length > 0
        ? [`judged differently here: ${[...new Set(changed.map(({ task }) => task))].join(", ")}`]
        : []),
      ...(versions.size > 0 ? ["another version of the lab"] : []),
      ...(others.size > 0 ? [`checked by ${[...others].join(", ")}`] : []),
    ],
  };
}

/** Who wrote an entry, in one line, because the file may say anything. */
const nameOf = (by: string): string => printable(by).replace(/\s+/g, " ").slice(0, 100);

/** Whether an entry says what only a machine can say, so that it counts as recorded. */
function isLook({ kind, outcome, task: id }: Entry, tasks: readonly Task[]): boolean {
  const task = tasks.find((each) => each.id === id);
  return outcome !== undefined && (kind === "check" || task?.answer?.read !== undefined);
}

/**
 * An entry's outcome, judged again where that needs no machine. An entry that does not fit its task has none: a check of a
 * question, an answer to what is checked, a hint with an outcome.
 */
function judgedAgain(entry: Entry, tasks: readonly Task[], runs: readonly RunDocument[]): Entry {
  const task = tasks.find(({ id }) => id === entry.task);
  if (task === undefined || entry.outcome === undefined) return entry;
  const { answer } = task;
  const { outcome: _, ...without } = entry;
  if (entry.kind !== (answer === undefined ? "check" : "answer")) return without;
  if (answer === undefined) return entry;
  if (entry.answer === undefined) return { ...entry, outcome: "not-met", why: "there is no answer" };
  try {
    if (answer.choice) return { ...entry, ...judgeChoice(task, answer.choice, entry.answer) };
    if (answer.text !== undefined) return { ...entry, outcome: "pending" };
    if (!answer.probe || entry.outcome === "could-not-look") return entry;
    const run = runs.find(({ id }) => id === entry.run);
    return { ...entry, ...judgeMeasured(task, answer, entry.answer, run) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { ...entry, outcome: "not-met", why: error.why ?? error.message };
  }
}

/** Adds a flag to each grade that shares what only one seat can have seen: the same check in the same boot of a machine. Pure. */
export function flagShared(grades: readonly Grade[], works: readonly Work[]): Grade[] {
  const seen = new Map<string, Set<number>>();
  for (const [i, { attempts }] of works.entries())
    for (const { boot, kind, task } of parseAttempts(attempts).entries)
      if (kind === "check" && boot) {
        const key = `${works[i]?.lab} ${task} ${boot}`;
        seen.set(key, (seen.get(key) ?? new Set()).add(i));
      }
  return grades.map((grade, i) => {
    const sharing = [...seen.values()]
      .filter((seats) => seats.size > 1 && seats.has(i))
      .flatMap((seats) => [...seats]);
    const names = [...new Set(sharing.filter((j) => j !== i).map((j) => works[j]?.seat ?? ""))].sort();
    return names.length === 0
      ? grade
      : { ...grade, flags: [...grade.flags, `shares evidence with ${names.join(", ")}`] };
  });
}
