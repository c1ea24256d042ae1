import { hintsOf, type Task, wordsOf } from "../labs/task-schema.js";
import type { Attempt } from "./attempts.js";

/**
 * How a task stands. `open`: nobody looked, or no answer was given. `waiting`: a task that it needs is not met.
 */
export type Standing = "met" | "not-met" | "could-not-look" | "pending" | "open" | "waiting";

export interface TaskScore {
  id: string;
  title: string;
  question: boolean;
  standing: Standing;
  /** Points that it gives now, and at most. A hint's cost is taken from both what it gives and can give. */
  points: number;
  max: number;
  /** The last look's sentence; when it is met, what the check noted, in words. */
  why: string;
  /** For `waiting`: the tasks that come first. */
  needs: string[];
  /** How often somebody looked, and how many hints were taken. */
  attempts: number;
  hints: number;
}

export interface Score {
  tasks: TaskScore[];
  points: number;
  max: number;
}

/** The score of a lab from its seat's attempts. A task that was met once stays met. Pure. */
export function scoreOf(tasks: readonly Task[], entries: readonly Attempt[]): Score {
  const met = new Set(entries.filter(({ outcome }) => outcome === "met").map(({ task }) => task));
  const scores = tasks.map((task) => taskScore(task, entries, met));
  const sum = (key: "points" | "max"): number => scores.reduce((total, score) => total + score[key], 0);
  return { tasks: scores, points: sum("points"), max: sum("max") };
}

function taskScore(task: Task, entries: readonly Attempt[], met: ReadonlySet<string>): TaskScore {
  const own = entries.filter((entry) => entry.task === task.id);
  const looks = own.filter((entry) => entry.outcome !== undefined);
  const first = looks.findIndex(({ outcome }) => outcome === "met");
  const best = looks[first] ?? looks.at(-1);
  const needs = task.needs.filter((need) => !met.has(need));
  const standing: Standing = first >= 0 ? "met" : needs.length > 0 ? "waiting" : (best?.outcome ?? "open");
  // A hint that was taken after the task was met costs nothing.
  const until = first >= 0 ? own.indexOf(looks[first] as Attempt) : own.length;
  const cost = costOfHints(own.slice(0, until));
  return {
    id: task.id,
    title: wordsOf(task),
    question: task.ask !== undefined,
    standing,
    points: standing === "met" ? Math.max(0, task.points - cost) : 0,
    max: task.points,
    why: best ? (standing === "met" ? evidenceWords(best) : (best.why ?? "")) : "",
    needs,
    attempts: looks.length,
    hints: new Set(own.filter(({ kind }) => kind === "hint").map(({ hint }) => hint)).size,
  };
}

/** The points that hints cost. Two commands at once may both have recorded the same hint, which costs once. */
function costOfHints(entries: readonly Attempt[]): number {
  const costs = new Map<number, number>();
  for (const { cost = 0, hint = 0, kind } of entries)
    if (kind === "hint") costs.set(hint, Math.max(cost, costs.get(hint) ?? 0));
  return [...costs.values()].reduce((sum, cost) => sum + cost, 0);
}

const evidenceWords = ({ answer, evidence = {} }: Attempt): string =>
  answer ??
  Object.entries(evidence)
    .map(([key, value]) => `${key}: ${value}`)
    .join(", ");

/** The next hint of a task: its number from 1; `undefined` when all were taken. Pure. */
export function nextHint(
  task: Task,
  entries: readonly Attempt[],
): { number: number; text: string; cost: number } | undefined {
  const taken = entries.filter(({ kind, task: id }) => kind === "hint" && id === task.id);
  const number = Math.max(0, ...taken.map(({ hint }) => hint ?? 0)) + 1;
  const hint = hintsOf(task)[number - 1];
  return hint && { number, ...hint };
}

/** Whether all that can be met is met, or only looks that failed are left. Pure. */
export function verdictOf({ tasks }: Score): "met" | "not-met" | "could-not-look" {
  const left = tasks.filter(({ standing }) => standing !== "met" && standing !== "pending");
  if (left.length === 0) return "met";
  const waitsOnly = left.filter(({ standing }) => standing !== "could-not-look");
  // A task that waits for one that nobody could look at is not the learner's.
  const blocked = new Set(left.filter(({ standing }) => standing === "could-not-look").map(({ id }) => id));
  const onlyBlocked = waitsOnly.every(
    ({ needs, standing }) => standing === "waiting" && needs.every((need) => blocked.has(need)),
  );
  return onlyBlocked ? "could-not-look" : "not-met";
}
