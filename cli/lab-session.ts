import { ExitCode, UserError } from "../base/errors.js";
import type { Lab } from "../labs/load-lab.js";
import type { Task } from "../labs/task-schema.js";
import type { SeatRecord } from "../seats/seat-record.js";
import { type Args, text } from "./define-command.js";
import { labOf, resolveSeat } from "./seat-meant.js";

/** The seat that a learner works in, and its lab. */
export interface LabSession {
  record: SeatRecord;
  lab: Lab;
}

/** @throws UserError (exit 6) when there is no such seat; (exit 2) when its lab has no tasks, unless `anyLab`. */
export async function labSession(args: Args, { anyLab = false } = {}): Promise<LabSession> {
  const { loadLab } = await import("../labs/load-lab.js");
  const record = await resolveSeat(text(args, "lab"), text(args, "seat"));
  const lab = await loadLab(await labOf(record));
  if (lab.tasks.length > 0 || anyLab) return { record, lab };
  throw new UserError(`lab "${lab.name}" has no tasks`, {
    why: "its lab.yaml has no key tasks",
    fix: "read its guide: trilab guide",
    exitCode: ExitCode.usage,
  });
}

/** The task of that name. @throws UserError (exit 6) when the lab has none. */
export async function taskNamed({ lab }: LabSession, id: string): Promise<Task> {
  const task = lab.tasks.find((each) => each.id === id);
  if (task) return task;
  const { closest } = await import("fastest-levenshtein");
  const ids = lab.tasks.map((each) => each.id);
  throw new UserError(`lab "${lab.name}" has no task "${id}"`, {
    why: `its tasks are: ${ids.join(", ")}`,
    fix: `did you mean "${closest(id, ids)}"?`,
    exitCode: ExitCode.notFound,
  });
}
