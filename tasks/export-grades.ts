import { stringify } from "csv-stringify/sync";
import type { Grade } from "./grade.js";
import type { Score, TaskScore } from "./score.js";

/** Seat → e-mail address. */
export type Emails = ReadonlyMap<string, string>;

/** Whether a task's points are final: not while nobody could look, while a person has to mark it, or while it waits for such tasks only. */
function isFinal({ needs, standing }: TaskScore, score: Score): boolean {
  if (standing === "could-not-look" || standing === "pending") return false;
  if (standing !== "waiting") return true;
  return score.tasks.some((task) => needs.includes(task.id) && isFinal(task, score));
}

/**
 * Grades as CSV with a header: a row for each learner; for each lab a column with its points, and one for each of its
 * tasks. A task whose points are not final has an empty cell, which is not a zero, and so has its lab. Moodle and Canvas
 * import it. Pure.
 */
export function gradesCsv(grades: readonly Grade[], emails: Emails): string {
  const labs = [...new Set(grades.map(({ lab }) => lab))].sort();
  const tasksOf = (lab: string): string[] => [
    ...new Set(
      grades.filter((grade) => grade.lab === lab).flatMap(({ score }) => score.tasks.map(({ id }) => id)),
    ),
  ];
  const seats = [...new Set(grades.map(({ seat }) => seat))].sort();
  const header = [
    "Username",
    "Email address",
    ...labs.flatMap((lab) => [lab, ...tasksOf(lab).map((task) => `${lab}: ${task}`)]),
    "Remarks",
  ];
  const rows = seats.map((seat) => {
    const own = grades.filter((grade) => grade.seat === seat);
    const cells = labs.flatMap((lab) => {
      const score = own.find((grade) => grade.lab === lab)?.score;
      const points = tasksOf(lab).map((id) => {
        const task = score?.tasks.find((each) => each.id === id);
        return score && task && isFinal(task, score) ? task.points : "";
      });
      return [score?.tasks.every((task) => isFinal(task, score)) ? score.points : "", ...points];
    });
    const remarks = own.flatMap(({ flags, lab }) =>
      flags.map((flag) => (labs.length > 1 ? `${lab}: ${flag}` : flag)),
    );
    return [seat, emails.get(seat) ?? "", ...cells, remarks.join("; ")];
  });
  return stringify([header, ...rows], { record_delimiter: "windows", escape_formulas: true });
}

/** Grades with the names of LTI's Assignment and Grade Services (1EdTech LTI-AGS 2.0, Score). Pure. */
export const gradesLti = (grades: readonly Grade[], emails: Emails, timestamp: string): object[] =>
  grades.map(({ flags, lab, score, seat }) => ({
    userId: emails.get(seat) || seat,
    resourceId: lab,
    scoreGiven: score.points,
    scoreMaximum: score.max,
    activityProgress: score.tasks.every(({ standing }) => standing === "met" || standing === "pending")
      ? "Completed"
      : score.tasks.some(({ attempts }) => attempts > 0)
        ? "InProgress"
        : "Initialized",
    gradingProgress: score.tasks.some(({ standing }) => standing === "pending")
      ? "PendingManual"
      : score.tasks.every((task) => isFinal(task, score))
        ? "FullyGraded"
        : "Pending",
    timestamp,
    ...(flags.length > 0 ? { comment: flags.join("; ") } : {}),
    tasks: score.tasks.map(({ attempts, hints, id, max, points, standing }) => ({
      id,
      standing,
      points,
      max,
      attempts,
      hints,
    })),
  }));
