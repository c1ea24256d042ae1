import { loadClaims } from "../labs/claims.js";
import type { RunDocument } from "../probes/run-document.js";
import { type Html, html } from "./html.js";
import { claims } from "./sections/claims.js";
import { glossary, limits, method, parity, rawTable } from "./sections/closing.js";
import { matrix, timeline } from "./sections/glance.js";
import { contents, header, predictions, summary } from "./sections/opening.js";
import { overview, probeSections } from "./sections/probes.js";
import { hasWork, work } from "./sections/work.js";
import { type Known, letterRuns } from "./shown-runs.js";
import { STYLE } from "./style.js";

/** The sections that every page has, except `guess` and `work`, in their order. */
const SECTIONS = [
  { id: "short", title: "In short" },
  { id: "guess", title: "Guesses" },
  { id: "work", title: "Work" },
  { id: "claims", title: "What people say" },
  { id: "probes", title: "Probe by probe" },
  { id: "parity", title: "The same machine?" },
  { id: "limits", title: "What it does not show" },
  { id: "method", title: "Method" },
  { id: "words", title: "Words" },
  { id: "raw", title: "All samples" },
] as const;

/** Marks a file as our report, which may be overwritten. */
export const GENERATOR = "trilab report";

/**
 * The runs as one HTML page that needs nothing else: no network, no script. Every string of a run is escaped. A content
 * security policy also blocks scripts and requests.
 *
 * @param runs At least one. The first is summarised in words, and all are drawn.
 * @param known What else is known of them.
 */
export async function makePage(runs: readonly RunDocument[], known?: Known): Promise<string> {
  const [first] = runs;
  if (first === undefined) throw new RangeError("a page needs at least one run");
  const shown = letterRuns(runs, known);
  const all = await loadClaims();
  const absent = [
    ...(runs.some((run) => run.prediction) ? [] : ["guess"]),
    ...(shown.some(hasWork) ? [] : ["work"]),
  ];
  const title = `Container and guest compared: ${runs.map((r) => `${r.lab}, ${r.seat}`).join("; ")}`;
  const body: Html[] = [
    header(shown),
    contents(SECTIONS.filter(({ id }) => !absent.includes(id))),
    html`<div class="lead">${summary(shown)}<div class="lead-side">${await overview(shown)}${timeline(shown)}${matrix(shown)}</div></div>`,
    predictions(shown),
    work(shown, all),
    claims(shown, all),
    await probeSections(shown),
    parity(shown),
    limits(shown),
    method(shown),
    glossary(),
    rawTable(shown),
  ];
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="${GENERATOR}">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body><main>
${body}
<footer><p>Made by <code>trilab report</code> from ${runs.map((r) => r.id).join(", ")}. Every figure is computed from the samples of these runs. The page on the screen lists all samples; the printed page does not.</p></footer>
</main></body>
</html>
`.markup;
}
