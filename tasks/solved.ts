import { UserError } from "../base/errors.js";
import { loadLab } from "../labs/load-lab.js";
import { fillIn } from "../labs/variables.js";
import type { RunDocument } from "../probes/run-document.js";
import { listRuns } from "../report/run-store.js";
import type { Solved } from "../report/shown-runs.js";
import { readRecord } from "../seats/seat-record.js";
import { readAttempts } from "./attempts.js";
import { scoreOf } from "./score.js";
import { valuesOf } from "./script-options.js";

/**
 * What was solved by now in the seat of a run, with the run's id. Nothing if nothing was tried, if the run is not stored here, because
 * it may be another learner's, or if its lab is not here any more.
 */
export async function solvedIn(run: RunDocument): Promise<[string, Solved][]> {
  const { entries } = await readAttempts(run);
  const stored = await listRuns(run.lab, run.seat);
  if (entries.length === 0 || !stored.some(({ id }) => id === run.id)) return [];
  const record = await readRecord(run).catch(() => undefined);
  const lab = await loadLab(record?.labDir ?? run.lab).catch((error: unknown) => {
    if (error instanceof UserError) return undefined;
    throw error;
  });
  if (lab === undefined) return [];
  const { max, points, tasks } = scoreOf(lab.tasks, entries);
  const values = await valuesOf(lab, run.seat);
  return [
    [run.id, { max, points, tasks: tasks.map((task) => ({ ...task, title: fillIn(task.title, values) })) }],
  ];
}
