import { rentedWords } from "../../model/clouds.js";
import { formatDuration, formatSize } from "../../model/units.js";
import { busyNote } from "../../probes/host-load.js";
import type { RunDocument } from "../../probes/run-document.js";
import { duelLoser, fitOf, headlineOf, sufferings, worstOfEach } from "../figures.js";
import { type Html, html } from "../html.js";
import { certainty, formatFactor, formatNumber } from "../quantity.js";
import type { ShownRun } from "../runs.js";
import { emulationCaveat, summarizeRun } from "../summary.js";

/** What a reader must know about a run before its figures. */
function marks(run: RunDocument): Html[] {
  const busy = busyNote(run.host);
  const said = [
    run.emulated && "guest emulated, no KVM",
    run.vps !== undefined && `vps: ${rentedWords(run.vps)}`,
    run.quick && "quick run: a demonstration",
    run.partial && "partial: ended early",
    busy !== undefined && busy,
    !run.parity.inTolerance && "out of parity",
  ];
  return said.filter((mark) => mark !== false).map((mark) => html`<li>${mark}</li>`);
}

/** `2026-11-21 03:45 UTC`. A text in another form is returned unchanged. */
export const printDate = (iso: string): string =>
  iso.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d).*$/, "$1 $2 UTC");

export function header(runs: readonly ShownRun[]): Html {
  const several = runs.length > 1;
  return html`<header>
<p class="kicker">trilab · measured side by side</p>
<h1>The same machine as a <span class="container">container</span> and as a <span class="guest">guest</span>${runs.some(({ run }) => run.vps) && html`, and as a <span class="vps">VPS</span>`}</h1>
${runs.map(
  ({ letter, run }) => html`<div class="run">
<p>${several && html`<b class="letter">${letter}</b> `}Lab <b>${run.lab}</b>, seat <b>${run.seat}</b>, ${printDate(run.startedAt)}, on ${run.host.cpuModel} (${run.host.cpus} CPUs, ${formatSize(run.host.memory)} of memory). Run <code>${run.id}</code></p>
<ul class="marks">${marks(run)}</ul></div>`,
)}
</header>`;
}

export function summary(runs: readonly ShownRun[]): Html {
  const [first, ...others] = runs.map(({ letter, run }) => ({
    letter,
    words: words(run),
  }));
  return html`<section class="summary" aria-labelledby="short"><h2 id="short">In short</h2>
${runs.length > 1 && html`<p class="muted">Of run ${first?.letter}; the others below.</p>`}
${first?.words}
${others.map((o) => html`<details><summary>Run ${o.letter} in short</summary>${o.words}</details>`)}
</section>`;
}

function words(run: RunDocument): Html {
  const { statements, leftOut } = summarizeRun(run);
  return html`${
    statements.length === 0 &&
    html`<p>This run allows no conclusion: no figure is representative in both targets.</p>`
  }
${run.quick && html`<p class="muted">A quick run has too few samples for conclusions: each figure is true for this run only.</p>`}
<ul class="statements">${statements.map(
    ({ figure, text, trace }) =>
      html`<li><span class="figure">${figure}</span><p>${text} <code class="trace">${trace.probe}/${trace.metric} · n\u00a0=\u00a0${trace.n}</code></p></li>`,
  )}</ul>
${
  leftOut.length > 0 &&
  html`<div class="left-out"><h3>Not used for conclusions</h3><ul>${leftOut.map(
    ({ why, probes }) => html`<li><b>${why}${why.endsWith("…") ? "" : "."}</b> ${probes.join("; ")}.</li>`,
  )}</ul></div>`
}`;
}

/** The learner's guesses and the measured figures; nothing if there are no guesses. */
export function predictions(runs: readonly ShownRun[]): Html {
  const some = runs.filter(({ run }) => run.prediction !== undefined);
  if (some.length === 0) return html``;
  return html`<section aria-labelledby="guess"><h2 id="guess">Guessed, then measured</h2>
${some.map(
  ({
    letter,
    run,
    guessedLate,
  }) => html`${guessedLate && html`<p class="note">${runs.length > 1 ? `Run ${letter}: guessed` : "Guessed"} after a run could be seen.</p>`}
<div class="scroll"><table class="guesses"><thead><tr><th>${runs.length > 1 && `Run ${letter}`}</th><th>guess</th><th>measured</th><th></th></tr></thead>
<tbody>${guessRows(run).map(
    (row) =>
      html`<tr><th>${row.question}</th><td class="guess">${row.guess}</td><td>${row.measured}</td><td class="muted">${row.verdict}</td></tr>`,
  )}</tbody></table></div>`,
)}</section>`;
}

interface GuessRow {
  question: string;
  guess: string;
  measured: string;
  verdict: string;
}

function guessRows(run: RunDocument): GuessRow[] {
  const guess = run.prediction;
  if (guess === undefined) return [];
  const ratio = (id: string, question: string, guessed: number): GuessRow => {
    const found = headlineOf(run, id);
    return {
      question,
      guess: formatFactor(guessed),
      measured: found
        ? `${formatFactor(found.ratio.value)} (${certainty(found.ratio)}${doubted(found)})`
        : "not measured",
      verdict: found ? verdict(guessed, found.ratio.value, found, emulationCaveat(run, id)) : "",
    };
  };
  const suffered = worstOfEach(sufferings(run).filter((s) => s.victim !== "vps"));
  const fit = fitOf(run, "guest");
  return [
    ratio("start", "How many times as long does the guest take to start?", guess.startRatio),
    ratio("memory", "How many times the memory does the guest cost?", guess.memoryRatio),
    {
      question: "Who suffers more in the duel?",
      guess: guess.duelLoser,
      measured:
        suffered
          .map(
            (s) =>
              `${s.victim} ${formatFactor(s.ratio.value)} worse off (${certainty(s.ratio)}${doubted(s)})`,
          )
          .join(", ") || "not measured",
      verdict: suffered.length > 0 ? duelVerdict(guess.duelLoser, duelLoser(suffered)) : "",
    },
    {
      question: "How many more guests fit on this host?",
      guess: formatNumber(guess.guestsThatFit),
      measured: fit
        ? `${formatNumber(fit.median)}${fit.limit ? `, by ${fit.limit}` : ""} (extrapolated${doubted(fit)})`
        : "not measured",
      verdict: fit ? verdict(guess.guestsThatFit, fit.median, fit, emulationCaveat(run, "density")) : "",
    },
  ];
}

const doubted = ({ representative }: { representative: boolean }): string =>
  representative ? "" : "; not representative";

/** A figure that is not representative decides about no guess. */
const verdict = (
  guess: number,
  measured: number,
  { representative }: { representative: boolean },
  caveat: string | undefined,
): string => {
  const said = representative ? distance(guess, measured) : "not decided";
  return representative && said && caveat ? `${said} (${caveat})` : said;
};

function duelVerdict(guess: string, loser: string | undefined): string {
  if (loser === undefined) return "not decided";
  if (loser === guess) return "as guessed";
  return loser === "neither" ? "neither was hurt" : `the ${loser} suffered more`;
}

/** How wrong a guess was, as a factor: 10 instead of 20 is as wrong as 100 instead of 200. */
function distance(guess: number, measured: number): string {
  const factor = measured / guess;
  if (!Number.isFinite(factor) || factor <= 0) return "";
  if (factor > 1 / 1.25 && factor < 1.25) return "close";
  return factor > 1
    ? `${formatFactor(factor)} more than guessed`
    : `${formatFactor(1 / factor)} less than guessed`;
}

/** `12m10s`. */
export const lasted = (run: RunDocument): string =>
  formatDuration((Date.parse(run.endedAt) - Date.parse(run.startedAt)) / 1000);
