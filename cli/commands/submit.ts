import { resolve } from "node:path";
import { ExitCode, UserError } from "../../base/errors.js";
import { kindOfPath } from "../../base/files.js";
import { type Context, report } from "../context.js";
import { type Args, defineCommand, labAndSeatOptions, text } from "../define-command.js";
import { labSession } from "../lab-session.js";

export const submit = defineCommand({
  usage: "submit",
  description:
    "write one file with your attempts, answers and the runs that they were judged against, to hand in",
  options: {
    ...labAndSeatOptions,
    output: { alias: "o", type: "string", describe: "the file; default: LAB-SEAT.submission.json here" },
  },
  examples: [["trilab submit", "then give the file to your instructor"]],
  handler: writeSubmission,
});

async function writeSubmission(args: Args, ctx: Context): Promise<undefined> {
  const { lab, record } = await labSession(args);
  const { readSubmission, submissionOf } = await import("../../tasks/submission.js");
  const { default: writeFileAtomic } = await import("write-file-atomic");
  const file = resolve(text(args, "output") ?? `${record.lab}-${record.seat}.submission.json`);
  // An older submission may be written over; everything else is the user's.
  if ((await kindOfPath(file)) !== undefined) {
    await readSubmission(file).catch((error: unknown) => {
      if (!(error instanceof UserError)) throw error;
      throw new UserError(`${file} exists and is not a submission`, {
        why: "only an older submission may be overwritten",
        fix: "give -o another file name, or move that file away",
        exitCode: ExitCode.usage,
      });
    });
  }
  const submission = await submissionOf(record, lab);
  await writeFileAtomic(file, `${JSON.stringify(submission)}\n`, { mode: 0o600 });
  const { parseAttempts } = await import("../../tasks/attempts.js");
  const { scoreOf } = await import("../../tasks/score.js");
  const { max, points } = scoreOf(lab.tasks, parseAttempts(submission.attempts).entries);
  report(
    ctx,
    "submit",
    { file, lab: record.lab, seat: record.seat, points, max, runs: submission.runs.length },
    () => [`${ctx.style.bold(file)} ${ctx.style.dim(`(${points} of ${max} points)`)}`],
  );
  return undefined;
}
