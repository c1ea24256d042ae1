import { Html } from "./html.js";

/**
 * The page's style: system fonts, and blue and orange, which colour-blind readers can distinguish. Plots use the same
 * variables for colours, so that one drawing works in light, dark and print.
 */
export const STYLE = new Html(`
:root {
  color-scheme: light dark;
  --paper: #fcfbf8; --card: #f4f2ec; --ink: #1d1f21; --muted: #63676b; --faint: #e4e1d8;
  --container: #1a6fa8; --guest: #b54c06; --vps: #2c7a3f; --baseline: #5b6066; --reference: #6b4fa0; --warn: #8a5a00; --warn-paper: #fbf0d5;
  --serif: Charter, "Bitstream Charter", "Iowan Old Style", "Source Serif 4", Cambria, Georgia, serif;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial, sans-serif;
  --mono: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15181b; --card: #1d2125; --ink: #e7e5df; --muted: #9ba0a5; --faint: #2c3136;
    --container: #64b5ec; --guest: #f79a4e; --vps: #6cc784; --baseline: #aab0b6; --reference: #b79cf0; --warn: #f0c36a; --warn-paper: #332a14;
  }
}
* { box-sizing: border-box; }
html { background: var(--paper); color: var(--ink); -webkit-text-size-adjust: 100%; }
body { margin: 0; font: 1.0625rem/1.55 var(--serif); }
main { max-width: 68rem; margin: 0 auto; padding: clamp(1.25rem, 4vw, 4rem) clamp(1rem, 4vw, 2.5rem); }
h1, h2, h3, h4, p, ul, figure, dl { margin: 0; }
ul { padding: 0; list-style: none; }
h1 { font: 600 clamp(1.75rem, 4.6vw, 2.9rem)/1.12 var(--serif); letter-spacing: -.015em; max-width: 22em; text-wrap: balance; }
h2 { font: 600 1.5rem/1.25 var(--serif); letter-spacing: -.01em; margin-bottom: 1rem; }
h3 { font: 600 1.15rem/1.3 var(--serif); margin-bottom: .4rem; }
h4 { font: 600 .75rem/1.4 var(--sans); color: var(--muted); letter-spacing: .04em; text-transform: uppercase; }
small { font: 400 .8rem/1.4 var(--sans); color: var(--muted); }
code { font: .85em var(--mono); overflow-wrap: anywhere; }
cite { font-style: normal; color: var(--reference); }
section { margin-top: clamp(2.5rem, 6vw, 4.5rem); }
.container { color: var(--container); } .guest { color: var(--guest); } .vps { color: var(--vps); } .baseline { color: var(--baseline); } .muted { color: var(--muted); }
.kicker { font: 500 .8rem/1.4 var(--sans); letter-spacing: .05em; color: var(--muted); margin-bottom: .9rem; }
.run { margin-top: 1.1rem; font: .92rem/1.5 var(--sans); color: var(--muted); }
.run b { color: var(--ink); font-weight: 600; }
.run .letter { display: inline-block; min-width: 1.6em; text-align: center; border: 1px solid var(--muted); border-radius: 4px; }
.found { font: 400 clamp(1.15rem, 2.4vw, 1.5rem)/1.35 var(--serif); max-width: 34em; margin-top: 1rem; }
a { color: inherit; text-underline-offset: .15em; } sup { font: .7em/0 var(--sans); margin-left: .1em; }
.contents { display: flex; flex-wrap: wrap; gap: .3rem 1.4rem; margin-top: 1.6rem; padding: .7rem 0; border-block: 1px solid var(--faint); font: .88rem/1.5 var(--sans); }
.footnotes { margin: .9rem 0 0; padding-left: 1.4rem; font: .85rem/1.5 var(--sans); color: var(--muted); } .footnotes li:target { color: var(--ink); }
.timeline > div + div { margin-top: 1rem; } .timeline p { font: .85rem/1.5 var(--sans); } .timeline figcaption { margin-top: .6rem; }
.bar { display: flex; height: 1.1rem; margin: .2rem 0; } .bar span { background: currentColor; border-right: 1px solid var(--paper); min-width: 2px; }
.bar span:nth-child(even) { opacity: .55; } .bar span:nth-child(3n) { opacity: .75; }
.lead { margin-top: clamp(1.8rem, 4vw, 3rem); } .lead > section { margin-top: 0; } @media print, (min-width: 52.01rem) { .lead-side > section:first-child { margin-top: 0; } } .figure.long { font-size: 1.25rem; } .matrix td { text-align: center; width: 5.5rem; } .matrix th:not(:first-child) { text-align: center; }
.matrix :is(th, td) { padding-block: .25rem; }
.marks { display: flex; flex-wrap: wrap; gap: .4rem; margin-top: .6rem; }
.marks li { font: 500 .8rem/1.3 var(--sans); color: var(--warn); background: var(--warn-paper); border-radius: 4px; padding: .25rem .6rem; }
.lead { display: grid; grid-template-columns: minmax(0, 1.15fr) minmax(0, 1fr); gap: 0 3.5rem; align-items: start; }
.statements li { display: grid; grid-template-columns: 6.2rem minmax(0, 1fr); gap: 0 1rem; align-items: baseline; padding: .7rem 0; border-top: 1px solid var(--faint); }
.summary > .muted { margin-bottom: 1.1rem; }
.statements li:first-child { border-top: 0; padding-top: 0; }
.figure { font: 600 1.9rem/1 var(--serif); letter-spacing: -.02em; text-align: right; white-space: nowrap; font-variant-numeric: lining-nums; }
.trace { color: var(--muted); font: .75rem/1.5 var(--sans); } .trace code { font-size: inherit; }
.facts, .parity { table-layout: fixed; } .facts th:first-child { width: 34%; } .parity th:first-child { width: 40%; }
.facts td, .parity td { overflow-wrap: anywhere; }
code.trace { display: block; margin-top: .15rem; font-family: var(--mono); }
.left-out { margin-top: 1.2rem; padding: .9rem 1.1rem; background: var(--warn-paper); border-radius: 6px; font: .88rem/1.5 var(--sans); }
.left-out h3 { font: 600 .88rem/1.4 var(--sans); color: var(--warn); }
.left-out li + li { margin-top: .4rem; }
.plot svg { display: block; width: 100%; max-width: 34rem; height: auto; font-variant-numeric: tabular-nums; }
.dot { fill: currentColor; opacity: .42; } .ring { fill: none; stroke: currentColor; opacity: .6; }
.plot text { font-family: var(--sans); paint-order: stroke; stroke: var(--paper); stroke-width: 3px; stroke-linejoin: round; }
.plot + .plot, .plot + .scroll, .scroll + .scroll { margin-top: 1rem; }
figcaption { font: .82rem/1.5 var(--sans); color: var(--muted); margin-top: .3rem; max-width: 34rem; }
.legend { font: .82rem/1.6 var(--sans); }
.key { margin-right: 1.4rem; } .key svg { height: 1rem; width: auto; vertical-align: -.2em; }
article { display: grid; grid-template-columns: minmax(0, 5fr) minmax(0, 7fr); gap: 1rem 3.5rem; padding: 2rem 0; border-top: 1px solid var(--faint); margin-top: 1.4rem; }
article + article { margin-top: 0; }
article h3 small { margin-left: .4em; border: 1px solid var(--muted); border-radius: 4px; padding: .05rem .4rem; white-space: nowrap; }
.words > * + * { margin-top: .7rem; }
.note { font: .88rem/1.5 var(--sans); color: var(--warn); }
.published li { font: .85rem/1.5 var(--sans); margin-top: .3rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font: .88rem/1.45 var(--sans); font-variant-numeric: tabular-nums; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .45rem 1rem .45rem 0; border-bottom: 1px solid var(--faint); font-weight: 400; overflow-wrap: break-word; }
th:last-child, td:last-child { padding-right: 0; }
thead th { font-weight: 600; } thead th:not([class]) { color: var(--muted); }
tbody th small, td small { display: block; }
tr.group th { font-weight: 600; padding-top: 1.1rem; color: var(--muted); } tr.group.wrong th { color: var(--warn); }
.guesses .guess { font-weight: 600; }
.claims { font: .92rem/1.5 var(--sans); margin-top: 1rem; } .claims > li { display: grid; grid-template-columns: 8.5rem minmax(0, 1fr); gap: 0 1rem; padding: .8rem 0; border-top: 1px solid var(--faint); }
.claims div > p:first-child { font: 1.0625rem/1.45 var(--serif); } .claims div > p { max-width: 46rem; } .claims p + ul, .claims ul + p, .claims p + p { margin-top: .3rem; }
.claims li li { max-width: 46rem; } .claims li li b { font-weight: 600; } .claims :is(.depends, .not-measured) { color: var(--warn); } .holds { color: var(--vps); } .does-not-hold { color: var(--guest); }
dd li + li { margin-top: .2rem; }
.limits { max-width: 44rem; } .limits li { padding-left: 1.2rem; text-indent: -1.2rem; margin-top: .6rem; }
.limits li::before { content: "–"; display: inline-block; width: 1.2rem; text-indent: 0; color: var(--muted); }
#method ~ p { max-width: 44rem; }
dl.method { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .3rem 1.4rem; font: .88rem/1.5 var(--sans); margin-top: 1.2rem; }
dt { color: var(--muted); } dd { margin: 0; overflow-wrap: anywhere; }
details { margin-top: .8rem; } summary { cursor: pointer; font: .95rem/1.5 var(--sans); }
summary:focus-visible { outline: 2px solid var(--container); outline-offset: 3px; }
.raw { font-size: .8rem; } .raw td { white-space: nowrap; } .raw .samples { white-space: normal; min-width: 22rem; font: .75rem/1.5 var(--mono); color: var(--muted); }
footer { margin-top: 4rem; padding-top: 1rem; border-top: 1px solid var(--faint); font: .82rem/1.5 var(--sans); color: var(--muted); }
@media screen and (max-width: 52rem) {
  :is(.facts, .parity) tr { display: flex; flex-wrap: wrap; border-bottom: 1px solid var(--faint); }
  :is(.facts, .parity) :is(th, td) { flex: 1 1 4rem; min-width: 0; border: 0; }
  :is(.facts, .parity) tbody th { flex-basis: 100%; padding-bottom: 0; } :is(.facts, .parity) thead th:first-child { display: none; }
  .guesses thead { display: none; } .guesses tr { display: grid; grid-template-columns: auto 1fr; padding: .6rem 0; border-bottom: 1px solid var(--faint); }
  .guesses tbody th, .guesses td:last-child { grid-column: 1 / -1; } .guesses tbody :is(th, td) { border: 0; padding-block: .1rem; }
  .guesses .guess::before { content: "guess "; font-weight: 400; color: var(--muted); }
  .lead, article { grid-template-columns: minmax(0, 1fr); }
  .claims > li { grid-template-columns: minmax(0, 1fr); }
  .statements li { grid-template-columns: 4.2rem minmax(0, 1fr); gap: 0 .8rem; }
  .figure { font-size: 1.5rem; } .figure.long { font-size: .95rem; }
}
@media print {
  :root { --paper: #fff; --card: #fff; --ink: #000; --muted: #555; --faint: #ddd; --container: #1a6fa8; --guest: #b54c06; --vps: #2c7a3f; --baseline: #5b6066; --reference: #6b4fa0; --warn: #6b4600; --warn-paper: #fff; color-scheme: light; }
  html { font-size: 9pt; } main { max-width: none; padding: 0; }
  .lead, article { grid-template-columns: minmax(0, 5fr) minmax(0, 6fr); gap: .6rem 2rem; }
  .claims { font-size: .85rem; line-height: 1.35; columns: 2; column-gap: 2rem; } .claims > li { display: block; padding: .35rem 0; } .claims div > p:first-child { font-size: .95rem; } .claims > li:has(> .not-measured) ul { display: none; }
  section { margin-top: 1.6rem; } article { padding: .9rem 0; }
  article, figure, tr, .statements li, .claims > li, .left-out { break-inside: avoid; } h2, h3 { break-after: avoid; }
  .marks li, .left-out { border: 1px solid var(--warn); }
  .scroll { overflow: visible; }
  nav { display: none; } details:not([open]) { display: none; } section:has(> h2#raw) { display: none; }
  @page { margin: 14mm 13mm; }
}
`);
