import type { RunDocument } from "../probes/run-document.js";
import { type Html, html } from "./html.js";
import { letterRuns } from "./runs.js";
import { limits, method, parity, rawTable } from "./sections/closing.js";
import { header, predictions, summary } from "./sections/opening.js";
import { overview, probeSections } from "./sections/probes.js";
import { STYLE } from "./style.js";

/** Says that a file is a report of ours, which may be written over. */
export const GENERATOR = "trilab report";

/**
 * The runs as one HTML page that needs nothing else: no network, no script. Every string of a run is escaped, and a
 * content security policy forbids whatever might slip through.
 *
 * @param runs at least one; the first is summed up in words, all are drawn.
 * @param late ids of those whose guesses were made when a run had been seen.
 */
export async function makePage(runs: readonly RunDocument[], late?: ReadonlySet<string>): Promise<string> {
  const [first] = runs;
  if (first === undefined) throw new RangeError("a page needs at least one run");
  const shown = letterRuns(runs, late);
  const title = `Container and guest compared: ${runs.map((r) => `${r.lab}, ${r.seat}`).join("; ")}`;
  const body: Html[] = [
    header(shown),
    html`<div class="lead">${summary(shown)}${await overview(shown)}</div>`,
    predictions(shown),
    await probeSections(shown),
    parity(shown),
    limits(shown),
    method(shown),
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
<footer><p>Made by <code>trilab report</code> from ${runs.map((r) => r.id).join(", ")}. Every figure is computed from these runs' samples and nothing else: the page on screen lists them all, the printed one leaves them out.</p></footer>
</main></body>
</html>
`.markup;
}
