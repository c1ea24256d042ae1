import { ExitCode, UserError } from "../base/errors.js";
import type { SeatId } from "../model/naming.js";
import type { Prediction } from "../probes/run-document.js";
import type { Context } from "./context.js";
import { type Args, text } from "./define-command.js";

/** One guess: its flag, how it is asked, and what an answer may be. */
interface Question<T> {
  flag: string;
  ask: string;
  /** `undefined` for what is no answer. */
  parse(answer: string): T | undefined;
  /** What an answer looks like. */
  wanted: string;
}

const number =
  (least: number) =>
  (answer: string): number | undefined => {
    const value = Number(answer.replace(/[x×]$/, "").trim());
    return answer.trim() !== "" && Number.isFinite(value) && value >= least && value <= 1e9
      ? value
      : undefined;
  };
/** A ratio of zero has no distance to any other. */
const ratio = (answer: string): number | undefined => {
  const value = number(0)(answer);
  return value === 0 ? undefined : value;
};
/** The answers that a run document can hold. */
const LOSERS: readonly Prediction["duelLoser"][] = ["container", "guest", "neither"];
const loser = (answer: string): Prediction["duelLoser"] | undefined =>
  LOSERS.find((t) => answer.length > 0 && t.startsWith(answer.toLowerCase()));

// No example answers: a number that is named draws the guess to itself.
const FACTOR = "a factor above 0, where 1 is the same for both";

const START: Question<number> = {
  flag: "start-ratio",
  ask: "How many times as long as the container does the guest take to start?",
  parse: ratio,
  wanted: FACTOR,
};
const MEMORY: Question<number> = {
  flag: "memory-ratio",
  ask: "How many times the container's memory does the guest cost the host?",
  parse: ratio,
  wanted: FACTOR,
};
const DUEL: Question<Prediction["duelLoser"]> = {
  flag: "duel-loser",
  ask: "A hog in one of them: who suffers more from its neighbour, container, guest or neither?",
  parse: loser,
  wanted: "container, guest or neither",
};
const FIT: Question<number> = {
  flag: "fit",
  ask: "How many more such guests fit on this host, beside what runs on it now?",
  parse: number(0),
  wanted: "a number of guests, 0 or more",
};

/** The command line that asks nothing. */
export const ALL_FLAGS = `trilab predict --start-ratio FACTOR --memory-ratio FACTOR --duel-loser ${LOSERS.join("|")} --fit NUMBER`;

/** What asking takes of the context. */
type Talk = Pick<Context, "ask" | "confirm" | "tell">;

/** The options that give the guesses without being asked. */
export const guessOptions = Object.fromEntries(
  [START, MEMORY, DUEL, FIT].map(({ flag, ask, wanted }) => [
    flag,
    { type: "string", describe: `${ask} ${wanted}` } as const,
  ]),
);

/**
 * A learner's guesses: from their flags, and what those leave open by asking.
 *
 * @throws UserError (exit 2) for a flag that is no answer, and where something is open and there is nobody to ask.
 */
export async function askGuesses(args: Args, ctx: Talk): Promise<Prediction> {
  // What was given wrongly is said before anything is asked.
  for (const question of [START, MEMORY, FIT]) given(question, args);
  given(DUEL, args);
  return {
    startRatio: await answer(START, args, ctx),
    memoryRatio: await answer(MEMORY, args, ctx),
    duelLoser: await answer(DUEL, args, ctx),
    guestsThatFit: await answer(FIT, args, ctx),
    at: new Date().toISOString(),
  };
}

/**
 * Guesses come before figures: who has made none is asked, once, and may decline unless the lab requires them.
 *
 * @param declined Not to be asked: by flag, or because only data is wanted.
 * @throws UserError (exit 2) where they are required and can't be had.
 */
export async function guessFirst(
  id: SeatId,
  { required, declined }: { required: boolean; declined: boolean },
  ctx: Talk,
): Promise<void> {
  const { readPrediction, savePrediction } = await import("../report/prediction.js");
  if ((await readPrediction(id)) !== undefined) return;
  if (declined && required) {
    throw new UserError(`lab "${id.lab}" wants your guesses before it measures`, {
      why: "its lab.yaml says predict: required, and this seat has made none",
      fix: `guess first: trilab predict --lab ${id.lab} --seat ${id.seat}`,
      exitCode: ExitCode.usage,
    });
  }
  if (declined) return;
  if (!required && (await ctx.confirm("Guess first what it will show? Four questions.")) !== true) return;
  await savePrediction(id, await askGuesses({}, ctx));
}

/** What a flag says. @throws UserError (exit 2) when that is no answer. */
function given<T>(question: Question<T>, args: Args): T | undefined {
  const word = text(args, question.flag);
  if (word === undefined) return undefined;
  const value = question.parse(word.trim());
  if (value !== undefined) return value;
  throw new UserError(`--${question.flag} can't be "${word}"`, {
    why: question.ask,
    fix: `give ${question.wanted}`,
    exitCode: ExitCode.usage,
  });
}

/** From the flag, else asked until it is an answer. @throws UserError (exit 2) where there is nobody to ask. */
async function answer<T>(question: Question<T>, args: Args, ctx: Talk): Promise<T> {
  const known = given(question, args);
  if (known !== undefined) return known;
  for (;;) {
    const line = await ctx.ask(`${question.ask} (${question.wanted})`);
    if (line === undefined) {
      throw new UserError(`--${question.flag} is missing`, {
        why: "there is no terminal to ask on",
        fix: `give all four: ${ALL_FLAGS}`,
        exitCode: ExitCode.usage,
      });
    }
    const value = question.parse(line);
    if (value !== undefined) return value;
    ctx.tell(`That is no answer: give ${question.wanted}.`);
  }
}
