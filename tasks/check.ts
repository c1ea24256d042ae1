import type { Lab } from "../labs/define-lab.js";
import { labDigest } from "../labs/lab-files.js";
import type { Task } from "../labs/tasks.js";
import { drawValues, type Values } from "../labs/variables.js";
import { reporting, type StepEvent } from "../model/events.js";
import type { Target } from "../model/naming.js";
import type { SeatRecord } from "../seats/seat-record.js";
import { type Attempt, addAttempt, type Entry, readAttempts, seatKey } from "./attempts.js";
import { runTaskScript } from "./run-lab-script.js";
import { type Score, scoreOf } from "./score.js";

/** How many times as long a script may take in an emulated target. */
const EMULATED = 3;

/** A seat's values of its lab's variables. */
export const valuesOf = async (lab: Pick<Lab, "name" | "vars">, seat: string): Promise<Values> =>
  drawValues(lab.vars, lab.name, await seatKey({ lab: lab.name, seat }));

/** Where a task is checked. */
export const targetOf = ({ on }: Pick<Task, "on">, { targets }: Pick<Lab, "targets">): Target =>
  on ?? targets[0] ?? "container";

export interface Checked {
  score: Score;
  /** Lines of the record that were edited or damaged. */
  broken: number[];
  /** What each check printed, task → text; for people who write labs. */
  outputs: Record<string, string>;
}

/**
 * Looks at the tasks of a seat, in the lab's order, and adds what was found to the seat's attempts. A task that needs
 * another waits for it; a task that was met is not looked at again.
 *
 * @param only Look at these tasks. Default: all.
 */
export const checkSeat = (
  record: SeatRecord,
  lab: Lab,
  { only, signal }: { only?: readonly string[]; signal?: AbortSignal } = {},
): AsyncGenerator<StepEvent, Checked> =>
  reporting(async (steps) => {
    const { entries } = await readAttempts(record);
    const [values, digest] = [await valuesOf(lab, record.seat), await labDigest(lab.dir)];
    const outputs: Record<string, string> = {};
    for (const task of lab.tasks) {
      if (task.title === undefined || (only && !only.includes(task.id))) continue;
      const isMet = (id: string): boolean =>
        entries.some((entry) => entry.task === id && entry.outcome === "met");
      if (isMet(task.id) || !task.needs.every(isMet)) continue;
      const about = { step: "check", title: task.id, seat: { lab: record.lab, seat: record.seat } };
      const { output, ...found } = await steps.run(about, () =>
        look(record, lab, task, { values, entries, signal }),
      );
      outputs[task.id] = output;
      const attempt: Attempt = { kind: "check", task: task.id, ...found };
      entries.push(await addAttempt(record, digest, attempt));
    }
    const now = await readAttempts(record);
    return { score: scoreOf(lab.tasks, now.entries), broken: now.broken, outputs };
  });

type Look = Pick<Entry, "outcome" | "why" | "evidence" | "boot"> & { output: string };

/** Looks at one task, without a record of it. */
export async function look(
  record: SeatRecord,
  lab: Lab,
  task: Task,
  {
    entries,
    signal,
    values,
  }: { values: Values; entries: readonly Entry[]; signal?: AbortSignal | undefined },
): Promise<Look> {
  const target = targetOf(task, lab);
  const options = { values, timeout: limitIn(record, target, task.timeout), signal };
  const { boot, evidence, outcome, output, why } = await runTaskScript(
    record,
    lab,
    task,
    "check",
    target,
    options,
  );
  const found = { evidence, boot, output };
  if (outcome === "failed") return { ...found, outcome: "could-not-look", why };
  if (outcome === "no") return { ...found, outcome: "not-met", why };
  if (!task.reboot || heldBefore(task, boot, entries)) return { ...found, outcome: "met", why };
  return {
    ...found,
    evidence: { ...evidence, [HOLDS]: "yes" },
    outcome: "not-met",
    why: `it holds now; restart the ${target}, then check again`,
  };
}

/** The evidence of a check that passed, of a task that must pass again after a restart. */
const HOLDS = "holds";

/** Whether the task's check has passed under another boot. */
const heldBefore = (task: Task, boot: string, entries: readonly Entry[]): boolean =>
  entries.some((entry) => entry.task === task.id && entry.evidence?.[HOLDS] === "yes" && entry.boot !== boot);

/** How long a script may take in a target: longer if that is emulated. In seconds. */
export const limitIn = ({ accelerator }: SeatRecord, target: Target, seconds: number): number =>
  target !== "container" && accelerator === "tcg" ? seconds * EMULATED : seconds;
