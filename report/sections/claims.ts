import type { Claim } from "../../labs/claims.js";
import { type Html, html } from "../html.js";
import {
  type JudgedClaim,
  type JudgedPart,
  judgeClaims,
  sourceWords,
  VERDICT_WORDS,
} from "../judge-claims.js";
import type { ShownRun } from "../shown-runs.js";

/** What the claims are for one run: only what was measured in it, and the facts that were read for it. */
export const claimsOf = ({ run }: ShownRun, claims: readonly Claim[]): JudgedClaim[] =>
  judgeClaims(claims, [{ facts: run.facts ?? {}, run }]);

/** The claims with their verdicts, for each run. */
export function claims(runs: readonly ShownRun[], all: readonly Claim[]): Html {
  return html`<section aria-labelledby="claims"><h2 id="claims">What people say</h2>
<p>Sentences that one reads in courses, each judged by ${runs.length > 1 ? "each run" : "this run"} alone: by what was measured in it, and by what was read from the machines before.</p>
${runs.map((shown, i) => {
  const list = html`<ul class="claims">${claimsOf(shown, all).map((claim) =>
    item(
      claim,
      shown.run.probes.map(({ id }) => id),
    ),
  )}</ul>`;
  if (runs.length === 1) return list;
  return html`<details${i === 0 && html` open`}><summary>Run ${shown.letter}</summary>${list}</details>`;
})}</section>`;
}

function item(
  { claim, explanation, measure, parts, source, verdict, why }: JudgedClaim,
  probes: readonly string[],
): Html {
  return html`<li><b class="${verdict}">${VERDICT_WORDS[verdict]}</b><div><p>“${claim}” <small>${sourceWords(source)}</small></p>
<ul>${parts.map((one) => part(one, probes))}${why !== undefined && html`<li>${why}</li>`}</ul>
${explanation !== undefined && html`<p>${explanation}</p>`}${measure !== undefined && html`<p class="muted">To measure it: <code>${measure}</code></p>`}</div></li>`;
}

const OUTCOMES: Readonly<Record<JudgedPart["outcome"], string>> = {
  true: "yes",
  false: "no",
  open: "depends",
  missing: "not measured",
};

/** A part with a link to its figures, if they are on the page. */
function part({ figures, outcome, probe, what, why }: JudgedPart, probes: readonly string[]): Html {
  const said = [figures, why].filter(Boolean).join("; ");
  const where = probe === undefined ? "parity" : probes.includes(probe) ? `probe-${probe}` : undefined;
  return html`<li>${what}: <b>${OUTCOMES[outcome]}</b>. <span class="muted">${said}</span>${
    where !== undefined && html` <a href="#${where}">${probe ?? "facts"}</a>`
  }</li>`;
}
