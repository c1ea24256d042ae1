import { z } from "zod";
import { ExitCode, messageOf, UserError } from "../base/errors.js";
import { readUserFile } from "../base/files.js";
import { labDigest } from "../labs/lab-scripts.js";
import type { Lab } from "../labs/load-lab.js";
import { labelProblem, MAX_LAB_LENGTH, MAX_SEAT_LENGTH } from "../model/naming.js";
import { type RunDocument, runDocumentSchema } from "../probes/run-document.js";
import { listRuns } from "../report/run-store.js";
import { owner, type SeatRecord } from "../seats/seat-record.js";
import { attemptsText, parseAttempts, seatKey } from "./attempts.js";

/** What a learner hands in: one file that says everything without the seat. Raised when its form changes. */
export const SUBMISSION_SCHEMA = 1;

/** A name of at most `max` characters: it becomes a folder's name, and is printed. */
const label = (max: number) =>
  z.string().superRefine((name, ctx) => {
    const problem = labelProblem(name, max);
    if (problem) ctx.addIssue(problem);
  });

const submissionSchema = z.object({
  schema: z.literal(SUBMISSION_SCHEMA),
  kind: z.literal("submission"),
  lab: label(MAX_LAB_LENGTH),
  seat: label(MAX_SEAT_LENGTH),
  /** ISO 8601. */
  at: z.string(),
  /** Who handed it in: `user@host`. */
  by: z.string(),
  /** The lab's files: labs/lab-scripts.ts. */
  labDigest: z.string(),
  /** The key of the seat's values. */
  key: z.string(),
  /** The record of attempts, as it is on disk. */
  attempts: z.string(),
  /** The runs that answers were judged against. */
  runs: z.array(runDocumentSchema),
});

export type Submission = z.infer<typeof submissionSchema>;

/** A seat's submission, now. */
export async function submissionOf(record: SeatRecord, lab: Lab): Promise<Submission> {
  const attempts = await attemptsText(record);
  const used = new Set(parseAttempts(attempts).entries.map(({ run }) => run));
  const runs = (await listRuns(record.lab, record.seat)).flatMap(({ run }): RunDocument[] =>
    run && used.has(run.id) ? [run] : [],
  );
  return {
    schema: SUBMISSION_SCHEMA,
    kind: "submission",
    lab: record.lab,
    seat: record.seat,
    at: new Date().toISOString(),
    by: owner(),
    labDigest: await labDigest(lab.dir),
    key: await seatKey(record),
    attempts,
    runs,
  };
}

/** Reads a submission. @throws UserError (exit 6) when there is no such file; (exit 2) when it is something else. */
export async function readSubmission(path: string): Promise<Submission> {
  const text = await readUserFile(path, "the submission");
  if (text === undefined) {
    throw new UserError(`there is no file ${path}`, {
      fix: "give the file that trilab submit wrote",
      exitCode: ExitCode.notFound,
    });
  }
  const wrong = (why: string): UserError =>
    new UserError(`${path} is not a submission`, {
      why,
      fix: "ask for the file that trilab submit wrote, unchanged",
      exitCode: ExitCode.usage,
    });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw wrong(`it is not JSON: ${messageOf(error)}`);
  }
  const parsed = submissionSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw wrong(`${issue?.path.join(".") ?? ""}: ${issue?.message ?? "unknown form"}`);
}
