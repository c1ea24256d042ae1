import { ExitCode, UserError } from "../base/errors.js";
import type { SeatId } from "../model/naming.js";
import type { Prediction } from "../probes/run-document.js";
import type { Context } from "./context.js";
import { type Args, text } from "./define-command.js";

/** One guess: its flag, how it is asked, and what an answer may be. */
interface Question<T> {
  flag: string;
  ask: string;
  /** `undefined` for an invalid answer. */
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

// No examples: a number in the question would influence the guess.
const FACTOR = "a factor above 0, where 1 is the same for both";

const START: Question<number> = {
  flag: "start-ratio",
  ask: "How many times as long as the container does the guest take to start?",
  parse: ratio,
  wanted: FACTOR,
};
const MEMORY: Question<number> = {
  flag: "memory-ratio",
  ask: "How many times as much memory of the host does the guest take as the container?",
  parse: ratio,
  wanted: FACTOR,
};
const DUEL: Question<Prediction["duelLoser"]> = {
  flag: "duel-loser",
  ask: "Each works while the other uses all it can get: which slows down more, container, guest or neither?",
  parse: loser,
  wanted: "container, guest or neither",
};
const FIT: Question<number> = {
  flag: "fit",
  ask: "How many more such guests fit on this host, in addition to what runs on it now?",
  parse: number(0),
  wanted: "a number of guests, 0 or more",
};

/** The command line with all answers, which asks nothing. */
export const ALL_FLAGS = `trilab predict --start-ratio FACTOR --memory-ratio FACTOR --duel-loser ${LOSERS.join("|")} --fit NUMBER`;

/** The part of the context that asking needs. */
type Talk = Pick<Context, "ask" | "confirm" | "tell">;

/** The options with which a learner gives the guesses on the command line. */
export const guessOptions = Object.fromEntries(
  [START, MEMORY, DUEL, FIT].map(({ flag, ask, wanted }) => [
    flag,
    { type: "string", describe: `${ask} ${wanted}` } as const,
  ]),
);

/**
 * A learner's guesses: from the flags, and by asking for the rest.
 *
 * @throws UserError (exit 2) for a flag with an invalid answer, or if a guess is missing and there is no terminal.
 */
export async function askGuesses(args: Args, ctx: Talk): Promise<Prediction> {
  // Wrong flags are reported before the first question.
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
 * Asks for guesses before measuring, once, if the seat has none. The learner may decline unless the lab requires them.
 *
 * @param declined Don't ask: by flag, or because the output is data.
 * @throws UserError (exit 2) if they are required and can't be asked for.
 */
export async function guessFirst(
  id: SeatId,
  { required, declined }: { required: boolean; declined: boolean },
  ctx: Talk,
): Promise<void> {
  const { readPrediction, savePrediction } = await import("../report/prediction-file.js");
  if ((await readPrediction(id)) !== undefined) return;
  if (declined && required) {
    throw new UserError(`lab "${id.lab}" requires your guesses before it measures`, {
      why: "its lab.yaml says predict: required, and this seat has made none",
      fix: `guess first: trilab predict --lab ${id.lab} --seat ${id.seat}`,
      exitCode: ExitCode.usage,
    });
  }
  if (declined) return;
  if (!required && (await ctx.confirm("Guess first what it will show? Four questions.")) !== true) return;
  await savePrediction(id, await askGuesses({}, ctx));
}

/** The answer in a flag. @throws UserError (exit 2) when it is not valid. */
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

/** From the flag, else asks until the answer is valid. @throws UserError (exit 2) if there is no terminal. */
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
    ctx.tell(`That is not a valid answer: give ${question.wanted}.`);
  }
}
