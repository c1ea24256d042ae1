import { type LabScript, labScript } from "../labs/lab-scripts.js";
import type { Lab } from "../labs/load-lab.js";
import { runScript, type ScriptOptions, type ScriptResult } from "../labs/run-script.js";
import type { Task } from "../labs/task-schema.js";
import type { Target } from "../model/naming.js";
import { openEnvironment } from "../seats/open-target.js";
import { type SeatRecord, targetsOf } from "../seats/seat-record.js";

/** What a run of a script needs besides its seat. */
export type RunOptions = Omit<ScriptOptions, "seat">;

/** Runs a script of a lab in a target of its seat. @throws as `openEnvironment`, and the signal's reason. */
export const runInTarget = async (
  seat: SeatRecord,
  target: Target,
  script: LabScript,
  options: RunOptions,
): Promise<ScriptResult> => runScript(await openEnvironment(seat, target), script, { ...options, seat });

/** Runs a task's script in a target; it failed if the seat has no such target, or the lab no such script. */
export async function runTaskScript(
  seat: SeatRecord,
  { dir }: Lab,
  { id }: Task,
  kind: "check" | "answer",
  target: Target,
  options: RunOptions,
): Promise<ScriptResult> {
  const failed = (why: string): ScriptResult => ({
    outcome: "failed",
    why,
    evidence: {},
    boot: "",
    isSetUp: false,
    output: "",
  });
  if (!targetsOf(seat).includes(target)) return failed(`the seat has no ${target}: trilab up --on ${target}`);
  const script = await labScript(dir, `tasks/${id}`, kind, target);
  if (script === undefined) return failed(`the lab has no tasks/${id}/${kind}.sh`);
  return runInTarget(seat, target, script, options);
}
