import type { RunDocument } from "../probes/run-document.js";
import { duelLoser, fitOf, headlineOf, probeOf, type Suffering, sufferings, worstOfEach } from "./figures.js";
import { formatFactor, formatLoss, formatNumber, shortCertainty } from "./quantity.js";
import { isConclusive } from "./statistics.js";
import { emulationCaveat } from "./summary.js";

/** A guess beside the measured figure. */
export interface GuessRow {
  question: string;
  guess: string;
  measured: string;
  /** How good the guess was, or why that is not decided. */
  verdict: string;
}

/** The learner's guesses, each with the measured figure and a verdict. */
export function guessRows(run: RunDocument): GuessRow[] {
  const guess = run.prediction;
  if (guess === undefined) return [];
  return [
    ratioRow(run, "start", "How many times as long does the guest take to start?", guess.startRatio),
    ratioRow(run, "memory", "How many times the memory does the guest cost?", guess.memoryRatio),
    duelRow(run, guess.duelLoser),
    fitRow(run, guess.guestsThatFit),
  ];
}

function ratioRow(run: RunDocument, id: string, question: string, guessed: number): GuessRow {
  const found = headlineOf(run, id);
  const guess = formatFactor(guessed);
  if (found === undefined) return { question, guess, measured: "–", verdict: notMeasured(run, id) };
  const notes = [found.above, found.below].filter((s) => !s.representative).map((s) => s.note);
  return {
    question,
    guess,
    measured: [formatFactor(found.ratio.value), shortCertainty(found.ratio)].filter(Boolean).join("; "),
    verdict: found.representative
      ? withCaveat(distance(guessed, found.ratio.value), emulationCaveat(run, id))
      : undecided(notes),
  };
}

function duelRow(run: RunDocument, guess: string): GuessRow {
  const question = "Who suffers more in the duel?";
  const worst = worstOfEach(sufferings(run).filter((s) => s.victim !== "vps"));
  if (worst.length === 0) return { question, guess, measured: "–", verdict: notMeasured(run, "duel") };
  return {
    question,
    guess,
    measured: worst.map((s) => `${s.victim} lost ${formatLoss(s.ratio.value)}`).join(", "),
    verdict: duelVerdict(guess, worst),
  };
}

function duelVerdict(guess: string, worst: readonly Suffering[]): string {
  const loser = duelLoser(worst);
  if (loser !== undefined) {
    if (loser === guess) return "as guessed";
    return loser === "neither" ? "neither was hurt" : `the ${loser} suffered more`;
  }
  const notes = worst.flatMap((s) => [s.series, s.alone].filter((x) => !x.representative).map((x) => x.note));
  if (notes.length > 0) return undecided(notes);
  if (worst.length < 2) return "not decided: only one target has figures";
  if (!worst.every((s) => isConclusive(s.ratio))) return "not decided: too few runs";
  return "not decided: the intervals overlap";
}

function fitRow(run: RunDocument, guessed: number): GuessRow {
  const question = "How many more guests fit on this host?";
  const guess = formatNumber(guessed);
  const fit = fitOf(run, "guest");
  if (fit === undefined) return { question, guess, measured: "–", verdict: notMeasured(run, "density") };
  const notes = probeOf(run, "density")?.series.filter((s) => s.metric === "fit" && s.target === "guest");
  return {
    question,
    guess,
    measured: `${formatNumber(fit.median)}${fit.limit ? `, limited by ${fit.limit}` : ""}; extrapolated`,
    verdict: fit.representative
      ? withCaveat(distance(guessed, fit.median), emulationCaveat(run, "density"))
      : undecided(notes?.map((s) => s.note) ?? []),
  };
}

/** A figure that is not representative decides about no guess. */
const undecided = (notes: readonly string[]): string =>
  `not decided: ${[...new Set(notes.filter(Boolean))].join("; ") || "not representative"}`;

const withCaveat = (said: string, caveat: string | undefined): string =>
  caveat ? `${said} (${caveat})` : said;

/** Why there is no figure. */
function notMeasured(run: RunDocument, id: string): string {
  const probe = probeOf(run, id);
  if (probe === undefined) return "not measured: this run does not have the probe";
  return `not measured: ${probe.note || "it has no figure in both targets"}`;
}

/** How wrong a guess was, as a factor: 10 instead of 20 is as wrong as 100 instead of 200. */
function distance(guess: number, measured: number): string {
  const factor = measured / guess;
  if (!Number.isFinite(factor) || factor <= 0) return "no factor: one of them is zero";
  if (factor > 1 / 1.25 && factor < 1.25) return "close";
  return factor > 1
    ? `${formatFactor(factor)} more than guessed`
    : `${formatFactor(1 / factor)} less than guessed`;
}
