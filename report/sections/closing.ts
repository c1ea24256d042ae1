import type { RunDocument, Series } from "../../probes/run-document.js";
import { figureOf } from "../figures.js";
import { type Html, html } from "../html.js";
import { notShown } from "../not-shown.js";
import { formatInterval, formatQuantity } from "../quantity.js";
import type { ShownRun } from "../shown-runs.js";
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
  // A sentence that is true for several runs is printed once.
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
<p>All targets come from one image and use the same tools. They are measured alternately, in a random order with a known seed. The first runs of the micro-benchmarks are warm-ups and do not count. Each figure is the median of its samples. Its interval is the ${CONFIDENCE * 100}\u00a0% percentile bootstrap of ${RESAMPLES} seeded resamples (Efron 1979). A ratio is the quotient of two medians, and both sides are resampled. With fewer than ${MIN_FOR_INTERVAL} samples there is no such interval; a thin line then shows the smallest and the largest sample. With fewer than ${MIN_FOR_DIFFERENCE} samples per target, nothing is concluded from a difference.</p>
<p>A machine's memory is what nobody else can use. For a container, this is the memory of its cgroup and of its shim; for a guest, QEMU's memory; both without files. Files in memory are counted separately, because the host holds them once for all machines that use them. With a share of them (PSS), a machine would look smaller if it has more neighbours.</p>
${runs.map(
  ({ letter, run }) => html`<dl class="method">
${runs.length > 1 && html`<dt>run</dt><dd><b>${letter}</b></dd>`}
<dt>run id</dt><dd><code>${run.id}</code></dd>
<dt>when</dt><dd>${printDate(run.startedAt)}, for ${lasted(run)}</dd>
<dt>seed of the order</dt><dd>${run.seed}</dd>
<dt>host</dt><dd>${run.host.cpuModel}, ${run.host.cpus} CPUs, kernel ${run.host.kernel}${run.host.pinned ? ", targets pinned to the same CPUs for the micro-benchmarks" : ", targets not pinned"}</dd>
${run.baseline && html`<dt>baseline</dt><dd>${run.baseline.note}</dd>\n`}<dt>load</dt><dd>${run.host.loadBefore} before${run.host.load.length > 0 && `, ${Math.min(...run.host.load)} to ${Math.max(...run.host.load)} during`}</dd>
<dt>versions</dt><dd>${Object.entries(run.host.versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(", ")}</dd>
<dt>overhead of a probe</dt><dd>${run.overhead.length === 0 && "not measured"}${run.overhead
    .map((s) => {
      const figure = figureOf(run, "overhead", s);
      return figure
        ? `${s.target} ${formatQuantity(figure.median, s.unit)}`
        : `${s.target}: ${s.note || s.status}`;
    })
    .join(", ")}</dd></dl>`,
)}</section>`;
}

const WORDS: readonly (readonly [word: string, meaning: string])[] = [
  ["seat", "one learner's copy of a lab"],
  ["target", "one form of the machine: container, guest or VPS"],
  ["container", "processes on the host's kernel, with their own files and limits"],
  ["guest", "a virtual machine with a kernel of its own"],
  ["host", "the machine on which container and guest run"],
  ["baseline", "a plain process on the host, with the container's files and limits but without a container"],
  ["emulated", "without KVM: software computes each instruction of the guest, many times slower than a CPU"],
  ["median", "the middle sample: half of the samples are smaller, half are larger"],
  [
    "interval",
    "a range around a median, made by a method that contains the true median in 95 % of repetitions",
  ],
  ["representative", "good enough for a conclusion; what is not, is marked with * and drawn hollow"],
  ["negative control", "a measurement that should show no difference; if it does, the comparison is unfair"],
  ["PSS", "proportional set size: memory where pages shared by several processes are divided among them"],
];

export function glossary(): Html {
  return html`<section aria-labelledby="words"><h2 id="words">Words on this page</h2>
<dl class="method">${WORDS.map(([word, meaning]) => html`<dt>${word}</dt><dd>${meaning}</dd>\n`)}</dl></section>`;
}

/** Every sample of every figure on the page. */
export function rawTable(runs: readonly ShownRun[]): Html {
  return html`<section aria-labelledby="raw"><h2 id="raw">Every figure and its samples</h2>
${runs.map(
  ({
    letter,
    run,
  }) => html`<details><summary>${runs.length > 1 && `Run ${letter}: `}${run.probes.reduce((n, p) => n + p.series.length, 0)} series of ${run.probes.length} probes <span class="muted">from <code>${run.id}.json</code></span></summary>
<div class="scroll"><table class="raw"><thead><tr><th>probe / metric</th><th>target</th><th>n</th><th>median</th><th>95\u00a0% interval</th><th>MAD</th><th>samples, in order</th></tr></thead><tbody>
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
