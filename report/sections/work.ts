import type { Claim } from "../../labs/claims.js";
import { type Html, html } from "../html.js";
import { countVerdicts, type JudgedClaim } from "../judge-claims.js";
import { guessRows } from "../judge-guesses.js";
import type { ShownRun, Solved } from "../shown-runs.js";
import { headlineSentence } from "../summary.js";
import { claimsOf } from "./claims.js";

const STANDINGS: Readonly<Record<string, string>> = {
  met: "solved",
  "not-met": "not solved",
  "could-not-look": "could not be looked at",
  pending: "answered; a person marks it",
  open: "not tried",
  waiting: "waits for another task",
};

/** Whether there is anything of a learner in the run. */
export const hasWork = ({ run, solved }: ShownRun): boolean =>
  run.prediction !== undefined || solved !== undefined;

/** One learner's work on a page, to hand in: what was guessed, measured and solved, and which claims held. */
export function work(runs: readonly ShownRun[], all: readonly Claim[]): Html {
  const some = runs.filter(hasWork);
  if (some.length === 0) return html``;
  return html`<section aria-labelledby="work"><h2 id="work">The learner's work</h2>
${some.map((shown) => one(shown, all))}</section>`;
}

function one(shown: ShownRun, all: readonly Claim[]): Html {
  const { guessedLate, run, solved } = shown;
  const judged = claimsOf(shown, all);
  const counts = countVerdicts(judged);
  return html`<dl class="method">
<dt>seat</dt><dd>${run.seat}, lab ${run.lab}</dd>
<dt>guessed${guessedLate && " late"}</dt><dd>${list(guessRows(run).map(({ guess, measured, question, verdict }) => `${question} ${guess}; measured ${measured}: ${verdict}`))}</dd>
<dt>measured</dt><dd>${headlineSentence(run) || "nothing that allows a conclusion"} (<code>${run.id}</code>)</dd>
<dt>held</dt><dd>${list(claimsWith(judged, "holds"))}</dd>
<dt>did not hold</dt><dd>${list(claimsWith(judged, "does-not-hold"))}</dd>
<dt>depended</dt><dd>${list(claimsWith(judged, "depends"))}</dd>
<dt>not measured</dt><dd>${counts["not-measured"]} of ${judged.length} <a href="#claims">claims</a></dd>
${solved && html`<dt>solved</dt><dd>${solved.points} of ${solved.max} points${list(solved.tasks.map(taskWords))}</dd>`}</dl>`;
}

const claimsWith = (judged: readonly JudgedClaim[], verdict: JudgedClaim["verdict"]): string[] =>
  judged.filter((claim) => claim.verdict === verdict).map(({ claim }) => claim);

const taskWords = ({ id, max, points, standing, title }: Solved["tasks"][number]): string =>
  `${id}, ${points}/${max}: ${STANDINGS[standing] ?? standing}. ${title}`;

const list = (items: readonly string[]): Html =>
  items.length === 0 ? html`nothing` : html`<ul>${items.map((text) => html`<li>${text}</li>`)}</ul>`;
