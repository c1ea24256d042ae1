import { rentedWords } from "../../model/clouds.js";
import { formatDuration, formatSize } from "../../model/units.js";
import { busyNote } from "../../probes/host-load.js";
import type { RunDocument } from "../../probes/run-document.js";
import { type Html, html } from "../html.js";
import { guessRows } from "../judge-guesses.js";
import { elsewhereWords, type ShownRun } from "../shown-runs.js";
import { headlineSentence, summarizeRun } from "../summary.js";

/** What a reader must know about a run before its figures. */
function marks(run: RunDocument): Html[] {
  const busy = busyNote(run.host);
  const elsewhere = elsewhereWords(run);
  const said = [
    elsewhere !== undefined && `not on this machine: ${elsewhere}`,
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
  const [first] = runs;
  const found = first && headlineSentence(first.run);
  return html`<header>
<p class="kicker">trilab · measured side by side</p>
<h1>The same machine as a <span class="container">container</span> and as a <span class="guest">guest</span>${runs.some(({ run }) => run.vps) && html`, and as a <span class="vps">VPS</span>`}</h1>
${found && html`<p class="found">${found}</p>`}
${runs.map(
  ({ letter, run }) => html`<div class="run">
<p>${several && html`<b class="letter">${letter}</b> `}Lab <b>${run.lab}</b>, seat <b>${run.seat}</b>, ${printDate(run.startedAt)}, on ${run.host.cpuModel} (${run.host.cpus} CPUs, ${formatSize(run.host.memory)} of memory). Run <code>${run.id}</code></p>
<ul class="marks">${marks(run)}</ul></div>`,
)}
</header>`;
}

/** Links to the page's sections. */
export function contents(sections: readonly { id: string; title: string }[]): Html {
  return html`<nav aria-label="Contents"><ul class="contents">${sections.map(
    ({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`,
  )}</ul></nav>`;
}

export function summary(runs: readonly ShownRun[]): Html {
  const [first, ...others] = runs.map(({ letter, run }) => ({ letter, words: words(run, letter) }));
  return html`<section class="summary" aria-labelledby="short"><h2 id="short">In short</h2>
${runs.length > 1 && html`<p class="muted">Of run ${first?.letter}; the others below.</p>`}
${first?.words}
${others.map((o) => html`<details><summary>Run ${o.letter} in short</summary>${o.words}</details>`)}
</section>`;
}

function words(run: RunDocument, letter: string): Html {
  const { statements, leftOut } = summarizeRun(run);
  // Each note once, with a number that the statements refer to.
  const notes = [...new Set(statements.flatMap((statement) => statement.notes ?? []))];
  const id = (note: string): string => `note-${letter}-${notes.indexOf(note) + 1}`;
  return html`${
    statements.length === 0 &&
    html`<p>This run allows no conclusion: no figure is representative in both targets.</p>`
  }
${run.quick && html`<p class="muted">A quick run has too few samples for conclusions: each figure is true for this run only.</p>`}
<ul class="statements">${statements.map(
    ({ figure, text, trace, certainty, notes: own = [] }) =>
      html`<li><span class="figure${figure.length > 5 && " long"}">${figure}</span><p>${text}${own.map(
        (note) => html`<sup><a href="#${id(note)}">${notes.indexOf(note) + 1}</a></sup>`,
      )} <code class="trace">${certainty && `${certainty} · `}n\u00a0=\u00a0${trace.n} · ${trace.probe}/${trace.metric}</code></p></li>`,
  )}</ul>
${notes.length > 0 && html`<ol class="footnotes">${notes.map((note) => html`<li id="${id(note)}">${note}</li>`)}</ol>`}
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
      html`<tr><th>${row.question}</th><td class="guess">${row.guess}</td><td class="measured">${row.measured}</td><td class="muted">${row.verdict}</td></tr>`,
  )}</tbody></table></div>`,
)}</section>`;
}

/** `12m10s`. */
export const lasted = (run: RunDocument): string =>
  formatDuration((Date.parse(run.endedAt) - Date.parse(run.startedAt)) / 1000);
