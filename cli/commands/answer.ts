import { ExitCode } from "../../base/errors.js";
import { type Context, report } from "../context.js";
import { type Args, defineCommand, labAndSeatOptions, text } from "../define-command.js";
import { labSession, taskNamed } from "../lab-session.js";

export const answer = defineCommand({
  usage: "answer <task> <value>",
  description: "answer a question of the lab",
  positionals: {
    task: { type: "string", describe: "the question's task", demandOption: true },
    value: {
      type: "string",
      describe: "your answer: a number, a word, or a text in quotes",
      demandOption: true,
    },
  },
  options: labAndSeatOptions,
  examples: [
    ["trilab answer start-ratio 12", "a number"],
    ["trilab answer why 'The host was not told.'", "a text"],
  ],
  handler: giveAnswer,
});

async function giveAnswer(args: Args, ctx: Context): Promise<number> {
  const session = await labSession(args);
  const task = await taskNamed(session, text(args, "task") ?? "");
  const { judge } = await import("../../tasks/judge-answer.js");
  const { addAttempt, readAttempts } = await import("../../tasks/attempts.js");
  const { scoreOf } = await import("../../tasks/score.js");
  const { valuesOf } = await import("../../tasks/script-options.js");
  const { labDigest } = await import("../../labs/lab-scripts.js");
  const { scoreLines } = await import("../score-lines.js");
  const { lab, record } = session;
  const judged = await judge(record, lab, task, text(args, "value") ?? "");
  await addAttempt(record, await labDigest(lab.dir), { kind: "answer", task: task.id, ...judged });
  const score = scoreOf([task], (await readAttempts(record)).entries);
  const values = await valuesOf(lab, record.seat);
  report(ctx, "answer", { lab: record.lab, seat: record.seat, ...judged, task: score.tasks[0] }, () =>
    scoreLines(score, values, ctx.style).slice(0, 1),
  );
  if (judged.outcome === "could-not-look") return ExitCode.couldNotLook;
  return judged.outcome === "not-met" ? ExitCode.checksNotPassed : ExitCode.done;
}
