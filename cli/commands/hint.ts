import { type Context, report } from "../context.js";
import { type Args, defineCommand, labAndSeatOptions, text } from "../define-command.js";
import { labSession, taskNamed } from "../lab-session.js";

export const hint = defineCommand({
  usage: "hint <task>",
  description: "show the next hint for a task; it asks first if that costs points",
  positionals: { task: { type: "string", describe: "the task", demandOption: true } },
  options: {
    ...labAndSeatOptions,
    yes: { alias: "y", type: "boolean", describe: "don't ask before a hint costs points" },
  },
  examples: [["trilab hint pushed", "the next hint for this task"]],
  handler: showHint,
});

async function showHint(args: Args, ctx: Context): Promise<undefined> {
  const session = await labSession(args);
  const task = await taskNamed(session, text(args, "task") ?? "");
  const { addAttempt, readAttempts } = await import("../../tasks/attempts.js");
  const { nextHint, scoreOf } = await import("../../tasks/score.js");
  const { valuesOf } = await import("../../tasks/script-options.js");
  const { fillIn } = await import("../../labs/variables.js");
  const { hintsOf } = await import("../../labs/task-schema.js");
  const { labDigest } = await import("../../labs/lab-scripts.js");
  const { lab, record } = session;
  const { entries } = await readAttempts(record);
  const values = await valuesOf(lab, record.seat);
  const next = nextHint(task, entries);
  const isMet = scoreOf([task], entries).tasks[0]?.standing === "met";
  const taken = hintsOf(task).slice(0, next ? next.number - 1 : undefined);
  const old = taken.map((each, i) => `${i + 1}. ${fillIn(each.text, values)}`);
  if (next === undefined) {
    report(ctx, "hint", { task: task.id, hint: null, hints: old }, () => [
      ...old,
      old.length === 0 ? `There is no hint for ${task.id}.` : "These are all the hints.",
    ]);
    return undefined;
  }
  const cost = isMet ? 0 : next.cost;
  if (cost > 0 && args.yes !== true) {
    const agreed = await ctx.confirm(
      `Hint ${next.number} costs ${cost} of the ${task.points} points of ${task.id}. Show it?`,
    );
    if (agreed !== true) {
      report(ctx, "hint", { task: task.id, hint: null, hints: old, cost }, () => [
        ...old,
        ...(agreed === undefined ? [`The next hint costs ${cost}: trilab hint ${task.id} --yes`] : []),
      ]);
      return undefined;
    }
  }
  await addAttempt(record, await labDigest(lab.dir), {
    kind: "hint",
    task: task.id,
    hint: next.number,
    cost,
  });
  const shown = fillIn(next.text, values);
  report(ctx, "hint", { task: task.id, hint: shown, hints: [...old, shown], cost }, () => [
    ...old,
    `${next.number}. ${shown}`,
  ]);
  return undefined;
}
