import type { RunDocument, Series } from "../../probes/run-document.js";
import { figureOf } from "../figures.js";
import { type Html, html } from "../html.js";
import { notShown } from "../not-shown.js";
import { formatInterval, formatQuantity } from "../quantity.js";
import type { ShownRun } from "../runs.js";
import { CONFIDENCE, MIN_FOR_DIFFERENCE, MIN_FOR_INTERVAL, RESAMPLES } from "../statistics.js";
import { lasted, printDate } from "./opening.js";

const VERDICTS = { match: "the same in all", nature: "different by nature", wrong: "wrong" } as const;

export function parity(runs: readonly ShownRun[]): Html {
  return html`<section aria-labelledby="parity"><h2 id="parity">Are they the same machine?</h2>
<p>Read from inside each target before anything was measured.</p>
${runs.map(({ letter, run }, i) => {
  const table = parityTable(run);
  if (runs.length === 1) return table;
  return html`<details${i === 0 && html` open`}><summary>Run ${letter}</summary>${table}</details>`;
})}</section>`;
}

function parityTable(run: RunDocument): Html {
  const bodies = (["wrong", "match", "nature"] as const).map((verdict) => {
    const rows = run.parity.rows.filter((r) => r.verdict === verdict);
    if (rows.length === 0) return undefined;
    return html`<tbody><tr class="group ${verdict}"><th colspan="${run.targets.length + 2}">${VERDICTS[verdict]}</th></tr>
${rows.map(
  (row) =>
    html`<tr><th>${row.title}${row.note && html`<small>${row.note}</small>`}</th><td class="muted">${row.wanted || "–"}</td>${run.targets.map((t) => html`<td>${row.values[t] ?? "–"}</td>`)}</tr>`,
)}</tbody>`;
  });
  return html`<div class="scroll"><table class="parity"><thead><tr><th></th><th>wanted</th>${run.targets.map((t) => html`<th class="${t}">${t}</th>`)}</tr></thead>${bodies.filter((b) => b !== undefined)}</table></div>`;
}

export function limits(runs: readonly ShownRun[]): Html {
  // Said once where it holds for all.
  const said = new Map<string, string[]>();
  for (const { letter, run } of runs)
    for (const sentence of notShown(run)) said.set(sentence, [...(said.get(sentence) ?? []), letter]);
  return html`<section aria-labelledby="limits"><h2 id="limits">What this does not show</h2>
<ul class="limits">${[...said].map(([sentence, letters]) => {
    const [what, ...rest] = sentence.split(/(?<=[.:]) /);
    const whose = letters.length < runs.length ? ` (run ${letters.join(", ")})` : "";
    return html`<li><b>${what}</b> ${rest.join(" ")}${whose}</li>`;
  })}</ul></section>`;
}

export function method(runs: readonly ShownRun[]): Html {
  return html`<section aria-labelledby="method"><h2 id="method">How it was measured</h2>
<p>One image and the same tools in every target; targets in turns, in an order shuffled by a seeded generator; the micro-benchmarks' first runs, their warm-ups, discarded. Each figure is the median of its samples. Its interval is the ${CONFIDENCE * 100}\u00a0% percentile bootstrap of ${RESAMPLES} seeded resamples (Efron 1979); ratios are of medians, both sides resampled. Fewer than ${MIN_FOR_INTERVAL} samples make no such interval: then the extremes are drawn as a thin line, and below ${MIN_FOR_DIFFERENCE} a side nothing is concluded from a difference.</p>
<p>A machine's memory is what nobody else can use: of a container its cgroup's and its shim's, of a guest QEMU's, in each without files. Program files and cached ones are stated apart, as the host holds them once for all machines that use them. A share of them (PSS) would make a machine look smaller the more neighbours it has.</p>
${runs.map(
  ({ letter, run }) => html`<dl class="method">
${runs.length > 1 && html`<dt>run</dt><dd><b>${letter}</b></dd>`}
<dt>run id</dt><dd><code>${run.id}</code></dd>
<dt>when</dt><dd>${printDate(run.startedAt)}, for ${lasted(run)}</dd>
<dt>order's seed</dt><dd>${run.seed}</dd>
<dt>host</dt><dd>${run.host.cpuModel}, ${run.host.cpus} CPUs, kernel ${run.host.kernel}${run.host.pinned ? ", targets pinned to the same CPUs for the micro-benchmarks" : ", targets not pinned"}</dd>
<dt>load</dt><dd>${run.host.loadBefore} before${run.host.load.length > 0 && `, ${Math.min(...run.host.load)} to ${Math.max(...run.host.load)} during`}</dd>
<dt>versions</dt><dd>${Object.entries(run.host.versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(", ")}</dd>
<dt>asking costs</dt><dd>${run.overhead.length === 0 && "not measured"}${run.overhead
    .map((s) => {
      const figure = figureOf(run, "overhead", s);
      return figure
        ? `${s.target} ${formatQuantity(figure.median, s.unit)}`
        : `${s.target}: ${s.note || s.status}`;
    })
    .join(", ")}</dd></dl>`,
)}</section>`;
}

/** Every sample that any figure on the page was made from. */
export function rawTable(runs: readonly ShownRun[]): Html {
  return html`<section aria-labelledby="raw"><h2 id="raw">Every figure and its samples</h2>
${runs.map(
  ({
    letter,
    run,
  }) => html`<details><summary>${runs.length > 1 && `Run ${letter}: `}${run.probes.reduce((n, p) => n + p.series.length, 0)} series of ${run.probes.length} probes <span class="muted">from <code>${run.id}.json</code></span></summary>
<div class="scroll"><table class="raw"><thead><tr><th>probe / metric</th><th>target</th><th>n</th><th>median</th><th>95\u00a0% interval</th><th>MAD</th><th>samples, in the order taken</th></tr></thead><tbody>
${[
  ...run.probes.flatMap((probe) => probe.series.map((s) => rawRow(run, probe.id, s))),
  ...run.overhead.map((s) => rawRow(run, "overhead", s)),
]}</tbody></table></div></details>`,
)}</section>`;
}

function rawRow(run: RunDocument, probe: string, series: Series): Html {
  const figure = figureOf(run, probe, series);
  const name = html`<th>${probe}/${series.metric}<small>${series.title}</small></th><td class="${series.target}">${series.target}</td>`;
  const note = [
    series.status !== "ok" && series.status,
    !series.representative && "not representative",
    series.note,
  ]
    .filter(Boolean)
    .join(": ");
  if (figure === undefined)
    return html`<tr>${name}<td>0</td><td colspan="4">${note || "no samples"}</td></tr>`;
  const { unit } = series;
  return html`<tr>${name}<td>${figure.n}</td><td>${formatQuantity(figure.median, unit)}</td><td>${
    figure.interval.kind === "bootstrap" ? formatInterval(figure.interval, unit) : "too few"
  }</td><td>${formatQuantity(figure.mad, unit)}</td><td class="samples">${series.samples.map((s) => Number(s.toPrecision(6))).join(" ")} ${unit === "1" ? "" : unit}${note && html` <small>${note}</small>`}</td></tr>`;
}
