import type { Lab } from "../labs/define-lab.js";
import { labDigest, labScript } from "../labs/lab-files.js";
import { runScript } from "../labs/run-script.js";
import type { Task } from "../labs/tasks.js";
import { drawValues, type Values } from "../labs/variables.js";
import { reporting, type StepEvent } from "../model/events.js";
import type { Target } from "../model/naming.js";
import { openEnvironment } from "../seats/open.js";
import { owner, type SeatRecord, targetsOf } from "../seats/seat-record.js";
import { addAttempts, type Entry, readAttempts, seatKey } from "./attempts.js";
import { type Score, scoreOf } from "./score.js";

/** How many times as long a check may take in an emulated target. */
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
    const { entries: before } = await readAttempts(record);
    const [values, digest] = [await valuesOf(lab, record.seat), await labDigest(lab.dir)];
    const outputs: Record<string, string> = {};
    const all = [...before];
    for (const task of lab.tasks) {
      if (task.title === undefined || (only && !only.includes(task.id))) continue;
      const { standing } = scoreOf([task], all).tasks[0] ?? {};
      const waits = task.needs.some((need) => !isMet(need, all));
      if (standing === "met" || waits) continue;
      const about = { step: "check", title: task.id, seat: { lab: record.lab, seat: record.seat } };
      const entry = await steps.run(about, async () => {
        const { output, ...found } = await look(record, lab, task, {
          values,
          entries: all,
          ...(signal ? { signal } : {}),
        });
        outputs[task.id] = output;
        return {
          at: new Date().toISOString(),
          kind: "check" as const,
          task: task.id,
          ...found,
          lab: digest,
          by: owner(),
        };
      });
      await addAttempts(record, [entry]);
      all.push(entry);
    }
    const { broken, entries } = await readAttempts(record);
    return { score: scoreOf(lab.tasks, entries), broken, outputs };
  });

const isMet = (id: string, entries: readonly Entry[]): boolean =>
  entries.some(({ outcome, task }) => task === id && outcome === "met");

type Look = Pick<Entry, "outcome" | "why" | "evidence" | "boot"> & { output: string };

/** Looks at one task, without a record of it. */
export async function look(
  record: SeatRecord,
  lab: Lab,
  task: Task,
  { entries, signal, values }: { values: Values; entries: readonly Entry[]; signal?: AbortSignal },
): Promise<Look> {
  const target = targetOf(task, lab);
  const nothing = (why: string): Look => ({ outcome: "could-not-look", why, output: "" });
  if (!targetsOf(record).includes(target))
    return nothing(`the seat has no ${target}: trilab up --on ${target}`);
  const script = await labScript(lab.dir, `tasks/${task.id}`, "check", target);
  if (script === undefined) return nothing(`the lab has no tasks/${task.id}/check.sh`);
  const { boot, evidence, outcome, output, why } = await runScript(
    await openEnvironment(record, target),
    script,
    {
      values,
      lab: record.lab,
      seat: record.seat,
      user: record.user,
      timeout: task.timeout * (isEmulated(record, target) ? EMULATED : 1),
      ...(signal ? { signal } : {}),
    },
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

const isEmulated = ({ accelerator }: SeatRecord, target: Target): boolean =>
  target !== "container" && accelerator === "tcg";
