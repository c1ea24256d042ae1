import { ExitCode, UserError } from "../base/errors.js";
import type { Lab } from "../labs/load-lab.js";
import { type Answer, ratioTargets, type Task } from "../labs/task-schema.js";
import type { RunDocument } from "../probes/run-document.js";
import { figureOf, probeOf, seriesOf } from "../report/figures.js";
import { formatNumber } from "../report/quantity.js";
import { listRuns } from "../report/run-store.js";
import { type Interval, ratioOfMedians } from "../report/statistics.js";
import type { SeatRecord } from "../seats/seat-record.js";
import { type Entry, readAttempts } from "./attempts.js";
import { readNumber } from "./number.js";
import { runTaskScript } from "./run-script-in-target.js";
import { scoreOf } from "./score.js";
import { limitIn, valuesOf } from "./script-options.js";

/** Seconds that answer.sh may take. */
const READ_LIMIT = 30;
/** The longest answer in words. */
const MOST_WORDS = 4000;

/** A judged answer, as it is recorded. */
export type Judged = Pick<Entry, "outcome" | "why" | "run" | "boot"> & { answer: string };

/**
 * Judges an answer.
 *
 * @throws UserError (exit 2) when it is not of the kind that the question asks for; (exit 4) while a task that the question
 * needs is not met.
 */
export async function judge(record: SeatRecord, lab: Lab, task: Task, text: string): Promise<Judged> {
  const { answer } = task;
  if (answer === undefined) {
    throw new UserError(`task "${task.id}" is not a question`, {
      why: "it is verified in the machine",
      fix: `look at it: trilab check ${task.id}`,
      exitCode: ExitCode.usage,
    });
  }
  const [score] = scoreOf([task], (await readAttempts(record)).entries).tasks;
  const needs = score?.needs ?? [];
  if (needs.length > 0) {
    throw new UserError(`the question "${task.id}" comes after: ${needs.join(", ")}`, {
      why: needs.length === 1 ? "this task is not met yet" : "these tasks are not met yet",
      fix: "see how each task stands: trilab check",
      exitCode: ExitCode.checksNotPassed,
    });
  }
  const said = text.trim();
  if (said === "" || said.length > MOST_WORDS)
    throw wrongKind(task, `an answer has 1 to ${MOST_WORDS} characters, this one has ${said.length}`);
  if (answer.choice) return judgeChoice(task, answer.choice, said);
  if (answer.text !== undefined) return { outcome: "pending", why: "a person marks it", answer: said };
  if (answer.read) return judgeRead(record, lab, task, answer, said);
  return judgeMeasured(task, answer, said, await newestRun(record));
}

/** Judges a choice. @throws UserError (exit 2) for a word that is not in it. Pure. */
export function judgeChoice(task: Task, choice: Readonly<Record<string, string>>, said: string): Judged {
  const word = Object.keys(choice).find((key) => key.toLowerCase() === said.toLowerCase());
  if (word === undefined) throw wrongKind(task, `"${said}" is not one of: ${Object.keys(choice).join(", ")}`);
  const why = choice[word] ?? "";
  return why === "right" ? { outcome: "met", answer: word } : { outcome: "not-met", why, answer: word };
}

/** Judges against what the lab's script reads in a target. */
async function judgeRead(
  record: SeatRecord,
  lab: Lab,
  task: Task,
  answer: Answer,
  said: string,
): Promise<Judged> {
  const target = answer.read ?? "container";
  const options = { values: await valuesOf(lab, record.seat), timeout: limitIn(record, target, READ_LIMIT) };
  const { boot, evidence, outcome, why } = await runTaskScript(record, lab, task, "answer", target, options);
  if (outcome === "no") return { outcome: "not-met", why, answer: said, boot };
  if (outcome === "failed") return { outcome: "could-not-look", why, answer: said };
  return { ...judgeNoted(task, answer, said, evidence.answer), boot };
}

/** A number as scripts print it. Anything else is text, also the digits of a digest such as 123e45678901. */
const PLAIN_NUMBER = /^[+-]?\d+(?:\.\d+)?$/;

/**
 * Judges against what answer.sh noted: the same text is right, and a number within the tolerance.
 *
 * @throws UserError (exit 2) when a number is asked for and the answer is none. Pure.
 */
export function judgeNoted(task: Task, answer: Answer, said: string, noted = ""): Judged {
  // An empty note is the output of a command that failed: bash goes on after an error inside an argument.
  if (noted === "") return { outcome: "could-not-look", why: "answer.sh noted no answer", answer: said };
  const right: Judged = { outcome: "met", answer: said };
  const wrong: Judged = {
    outcome: "not-met",
    why: `the ${answer.read ?? "target"} says something else`,
    answer: said,
  };
  if (noted.toLowerCase() === said.toLowerCase()) return right;
  if (!PLAIN_NUMBER.test(noted)) return wrong;
  const number = readNumber(said, "");
  if (typeof number === "string") throw wrongKind(task, number);
  const expected = Number(noted);
  return Math.abs(number - expected) <= (answer.within ?? 0) * Math.abs(expected) ? right : wrong;
}

/** What a run says of a measured question. */
export interface Measured {
  value: number;
  interval: Interval;
  unit: string;
}

/** The measured value that a question asks for; `undefined` where the run does not have it. Pure. */
export function measuredIn(run: RunDocument, answer: Answer): Measured | undefined {
  const [id = "", metric = ""] = (answer.probe ?? "").split(".");
  const probe = probeOf(run, id);
  if (probe === undefined) return undefined;
  if (answer.of) {
    const series = seriesOf(probe, metric, answer.of);
    const figure = series && figureOf(run, id, series);
    return figure && { value: figure.median, interval: figure.interval, unit: series.unit };
  }
  const [above, below] = ratioTargets(answer.ratio ?? "").map((target) => seriesOf(probe, metric, target));
  const ratio =
    above &&
    below &&
    ratioOfMedians(above.samples, below.samples, `${run.id} ${answer.probe} ${answer.ratio}`);
  return ratio && { value: ratio.value, interval: ratio.interval, unit: "" };
}

/** Judges against a run of compare. The tolerance is the larger of `within` and the run's own interval. Pure. */
export function judgeMeasured(
  task: Task,
  answer: Answer,
  said: string,
  run: RunDocument | undefined,
): Judged {
  if (run === undefined)
    return {
      outcome: "could-not-look",
      why: "this seat has no finished run: trilab compare --quick",
      answer: said,
    };
  const measured = measuredIn(run, answer);
  const seen = { answer: said, run: run.id };
  if (measured === undefined)
    return {
      ...seen,
      outcome: "could-not-look",
      why: `the run ${run.id} did not measure it: trilab compare`,
    };
  const number = readNumber(said, measured.unit);
  if (typeof number === "string") throw wrongKind(task, number);
  const { interval, unit, value } = measured;
  const margin = (answer.within ?? 0) * value;
  const [low, high] = [Math.min(interval.low, value - margin), Math.max(interval.high, value + margin)];
  if (number >= low && number <= high) return { ...seen, outcome: "met" };
  const more = number > value ? "less" : "more";
  return {
    ...seen,
    outcome: "not-met",
    why: `your run measured ${more} than ${formatNumber(number)}${unit && ` ${unit}`}`,
  };
}

/** The seat's newest run that was not broken off. */
const newestRun = async (record: SeatRecord): Promise<RunDocument | undefined> =>
  (await listRuns(record.lab, record.seat)).map(({ run }) => run).find((run) => run && !run.partial);

const wrongKind = (task: Task, why: string): UserError =>
  new UserError(`this is no answer to "${task.id}"`, {
    why,
    fix: `the question is: ${task.ask}`,
    exitCode: ExitCode.usage,
  });
