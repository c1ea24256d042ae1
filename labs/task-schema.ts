import { z } from "zod";
import { TARGETS, type Target } from "../model/naming.js";
import { parseDuration } from "../model/units.js";
import { parsedText } from "./parsed-text.js";
import { PROBE_IDS } from "./probe-needs.js";
import { unknownNames, type Variables } from "./variables.js";

const seconds = parsedText((text) => {
  const parsed = parseDuration(text);
  return parsed !== undefined && parsed <= 600 ? parsed : undefined;
}, 'a time limit: write "30s" or "2m", at most "10m"');

/** `15%` as 0.15. */
const percent = parsedText((text) => {
  const match = /^(\d+(?:\.\d+)?)\s*%$/.exec(text);
  return match ? Number(match[1]) / 100 : undefined;
}, 'a percentage: write "15%"');

const hintSchema = z.union(
  [
    z.string().min(1),
    z.strictObject({
      text: z.string().min(1),
      cost: z.int().min(0).default(0).describe("points that the task is then worth less"),
    }),
  ],
  { error: "must be a text, or { text, cost }" },
);

/** How an answer is judged. Exactly one of `probe`, `read`, `choice` and `text`. */
const answerSchema = z
  .strictObject({
    probe: z
      .string()
      .regex(/^[a-z-]+\.[a-z0-9-]+$/, "must be PROBE.METRIC, as in start.total")
      .optional()
      .describe("judged against the seat's own run of trilab compare: PROBE.METRIC"),
    ratio: z
      .string()
      .regex(/^(container|guest|vps)\/(container|guest|vps)$/, "must be TARGET/TARGET, as in guest/container")
      .optional()
      .describe("the ratio of two targets' medians"),
    of: z.enum(TARGETS).optional().describe("the median of this target, in the probe's unit"),
    read: z.enum(TARGETS).optional().describe("judged against what tasks/ID/answer.sh prints in this target"),
    choice: z
      .record(z.string().regex(/^[\w.-]+$/, "must be one word"), z.string().min(1))
      .optional()
      .describe("one of these words: `right`, or a sentence that says why the word is wrong"),
    text: z.string().min(1).optional().describe("what a good answer contains; a person marks it"),
    within: percent.optional().describe("how far a number may be off; default: 0%"),
  })
  .superRefine((answer, ctx) => {
    const kinds = (["probe", "read", "choice", "text"] as const).filter((kind) => answer[kind] !== undefined);
    if (kinds.length !== 1) ctx.addIssue("needs exactly one of probe, read, choice and text");
    if ((answer.probe !== undefined) !== ((answer.ratio ?? answer.of) !== undefined))
      ctx.addIssue("probe needs ratio: TARGET/TARGET or of: TARGET, and these two need probe");
    if (answer.ratio !== undefined && answer.of !== undefined) ctx.addIssue("needs ratio or of, not both");
    if (answer.choice && Object.values(answer.choice).filter((why) => why === "right").length !== 1)
      ctx.addIssue("choice: exactly one word must be right");
    const probe = answer.probe?.split(".")[0];
    if (probe !== undefined && !PROBE_IDS.some((id) => id === probe))
      ctx.addIssue(`probe: there is no probe "${probe}"; the probes are ${PROBE_IDS.join(", ")}`);
  });

const taskSchema = z
  .strictObject({
    id: z
      .string()
      .regex(
        /^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/,
        "may contain only lower-case letters, digits and hyphens",
      ),
    title: z.string().min(1).optional().describe("what is true when the task is done"),
    ask: z.string().min(1).optional().describe("a question, for trilab answer"),
    answer: answerSchema.optional(),
    points: z.int().min(0).max(100).default(1),
    on: z.enum(TARGETS).optional().describe("where it is checked; default: the lab's first target"),
    needs: z.array(z.string()).default([]).describe("the tasks that come first"),
    timeout: seconds
      .prefault("30s")
      .describe("how long its check may take; three times as long in an emulated target"),
    reboot: z.boolean().default(false).describe("it must still hold after a restart of its target"),
    hints: z.array(hintSchema).default([]),
  })
  .superRefine((task, ctx) => {
    if ((task.title === undefined) === (task.ask === undefined))
      ctx.addIssue("needs either title (it is checked) or ask (it is answered)");
    if ((task.ask === undefined) !== (task.answer === undefined))
      ctx.addIssue("ask and answer need each other");
    if (task.ask !== undefined && (task.on !== undefined || task.reboot))
      ctx.addIssue("a question has no target and no reboot");
  });

/** lab.yaml's `tasks`: what a learner does, and how it is verified. */
export const tasksSchema = z.array(taskSchema);

export type Task = z.output<typeof taskSchema>;
export type Answer = z.output<typeof answerSchema>;

/** A hint and what it costs, in points. */
export const hintsOf = ({ hints }: Task): { text: string; cost: number }[] =>
  hints.map((hint) => (typeof hint === "string" ? { text: hint, cost: 0 } : hint));

/** What a task says to a learner: its title or its question. */
export const wordsOf = ({ ask, title }: Task): string => title ?? ask ?? "";

/** The targets in a task's `ratio`, above and below. */
export function ratioTargets(ratio: string): [Target, Target] {
  const [above, below] = ratio.split("/") as [Target, Target];
  return [above, below];
}

/** A problem of a lab's tasks: where in lab.yaml, and what. */
export interface TaskProblem {
  path: (string | number)[];
  message: string;
}

/** What is wrong with the tasks as a whole: names, order, targets, variables. Pure. */
export function taskProblems(
  tasks: readonly Task[],
  { targets, vars }: { targets: readonly Target[]; vars: Variables },
): TaskProblem[] {
  const ids = tasks.map(({ id }) => id);
  return tasks.flatMap((task, i) => {
    const problem = (key: string, message: string): TaskProblem => ({ path: ["tasks", i, key], message });
    const texts = [wordsOf(task), ...hintsOf(task).map(({ text }) => text)];
    const used = [task.on, task.answer?.read, task.answer?.of, ...(task.answer?.ratio?.split("/") ?? [])];
    return [
      ...(ids.indexOf(task.id) < i ? [problem("id", `"${task.id}" is there twice`)] : []),
      ...task.needs
        .filter((need) => !ids.slice(0, i).includes(need))
        .map((need) => problem("needs", `there is no task "${need}" before this one`)),
      ...used
        .filter((target) => target !== undefined && !targets.some((known) => known === target))
        .map((target) => problem(task.on === target ? "on" : "answer", `the lab has no target "${target}"`)),
      ...texts
        .flatMap((text) => unknownNames(text, vars))
        .map((name) => problem(task.title === undefined ? "ask" : "title", `there is no variable "${name}"`)),
    ];
  });
}
