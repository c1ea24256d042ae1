import { fillIn, type Values } from "../labs/variables.js";
import { type Score, type TaskScore, verdictOf } from "../tasks/score.js";
import { columns, type Style } from "./context.js";

const SIGNS: Readonly<Record<TaskScore["standing"], string>> = {
  met: "✓",
  "not-met": "✗",
  "could-not-look": "?",
  pending: "…",
  open: "·",
  waiting: "·",
};

/** What a learner sees of a score: a line for each task, and what to do next. */
export function scoreLines(score: Score, values: Values, style: Style): string[] {
  const rows = score.tasks.map((task) => {
    const colour =
      task.standing === "met" ? style.good : task.standing === "not-met" ? style.bad : (t: string) => t;
    const given = task.standing === "could-not-look" || task.standing === "open" ? "–" : String(task.points);
    return [
      colour(`${SIGNS[task.standing]} ${task.id}`),
      `${given}/${task.max}`,
      fillIn(wordsFor(task), values),
    ];
  });
  return [...columns(rows), "", summary(score)];
}

function wordsFor(task: TaskScore): string {
  const { id, needs, question, standing, title, why } = task;
  if (standing === "met") return why || title;
  if (standing === "not-met") return question ? `${title}: ${why}` : why || title;
  if (standing === "could-not-look") return `could not look: ${why}`;
  if (standing === "pending") return `answered; ${why || "a person marks it"}`;
  if (standing === "waiting") return `first: ${needs.join(", ")}`;
  return question ? `${title}  → trilab answer ${id} …` : title;
}

function summary(score: Score): string {
  const count = (standing: TaskScore["standing"]): number =>
    score.tasks.filter((t) => t.standing === standing).length;
  const [blind, pending] = [count("could-not-look"), count("pending")];
  const parts = [
    `${score.points} of ${score.max} points`,
    ...(blind > 0 ? [`${blind} could not be looked at`] : []),
    ...(pending > 0 ? [`${pending} to be marked by a person`] : []),
  ];
  const stuck = score.tasks.find(({ question, standing }) => standing === "not-met" && !question);
  const next = verdictOf(score) === "met" ? "" : stuck ? ` · trilab hint ${stuck.id}` : "";
  return parts.join("; ") + next;
}
