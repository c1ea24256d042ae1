import { UserError } from "../base/errors.js";
import { labDigest } from "../labs/lab-scripts.js";
import type { Lab } from "../labs/load-lab.js";
import { startOf } from "../labs/run-script.js";
import type { Task } from "../labs/task-schema.js";
import type { Values } from "../labs/variables.js";
import { reporting, type StepEvent, type Steps, settled } from "../model/events.js";
import type { Target } from "../model/naming.js";
import { type SeatRecord, targetsOf } from "../seats/seat-record.js";
import { type Attempt, addAttempt, type Entry, readAttempts } from "./attempts.js";
import { runTaskScript } from "./run-script-in-target.js";
import { type Score, scoreOf } from "./score.js";
import { limitIn, targetOf, valuesOf } from "./script-options.js";
import { hasSetup, setUpLab } from "./set-up.js";

export interface Checked {
  score: Score;
  /** Lines of the record that were edited or damaged. */
  broken: number[];
  /** What each check printed, task → text; for people who write labs. */
  outputs: Record<string, string>;
  /** Targets that were made anew since the lab was set up, and are set up now. */
  setUp: Target[];
}

/**
 * Looks at the tasks of a seat, in the lab's order, and adds what was found to the seat's attempts. A task that needs
 * another waits for it; a task that was met is not looked at again; one in a target that the seat does not have is no attempt.
 * A target that was made anew is set up first.
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
    const setUp: Target[] = [];
    const tried = new Set<Target>();
    const untried: Attempt[] = [];
    for (const task of lab.tasks) {
      if (task.title === undefined || (only && !only.includes(task.id))) continue;
      const isMet = (id: string): boolean =>
        entries.some((entry) => entry.task === id && entry.outcome === "met");
      if (isMet(task.id) || !task.needs.every(isMet)) continue;
      const about = { step: "check", title: task.id, seat: { lab: record.lab, seat: record.seat } };
      const options = { values, entries, signal };
      const lookAtIt = () => steps.run(about, () => look(record, lab, task, options));
      let looked = await lookAtIt();
      const target = targetOf(task, lab);
      if (looked.boot !== "" && !looked.isSetUp && !tried.has(target) && (await hasSetup(lab, target))) {
        tried.add(target);
        setUp.push(...(await setUpAnew(record, lab, target, steps, signal)));
        looked = await lookAtIt();
      }
      const { isSetUp: _, output, ...found } = looked;
      outputs[task.id] = output;
      const attempt: Attempt = { kind: "check", task: task.id, ...found };
      if (targetsOf(record).includes(target)) entries.push(await addAttempt(record, digest, attempt));
      else untried.push(attempt);
    }
    const now = await readAttempts(record);
    const score = scoreOf(lab.tasks, [...now.entries, ...untried]);
    return { score, broken: now.broken, outputs, setUp };
  });

/** Sets a target up. If that fails, says so: the checks then say what they miss. */
async function setUpAnew(
  record: SeatRecord,
  lab: Lab,
  target: Target,
  steps: Steps,
  signal: AbortSignal | undefined,
): Promise<Target[]> {
  try {
    return await settled(setUpLab(record, lab, { signal, targets: [target] }), steps.pass);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    steps.note(error.message, { lab: record.lab, seat: record.seat });
    return [];
  }
}

type Look = Pick<Entry, "outcome" | "why" | "evidence" | "boot"> & { output: string; isSetUp: boolean };

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
  const { boot, evidence, isSetUp, outcome, output, why } = await runTaskScript(
    record,
    lab,
    task,
    "check",
    target,
    options,
  );
  const found = { evidence, boot, output, isSetUp };
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

/** Whether the task's check has passed under another boot. Pure. */
export const heldBefore = (task: Task, boot: string, entries: readonly Entry[]): boolean =>
  entries.some(
    (entry) =>
      entry.task === task.id &&
      entry.evidence?.[HOLDS] === "yes" &&
      startOf(entry.boot ?? "") !== startOf(boot),
  );
