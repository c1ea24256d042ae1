import { TARGETS } from "../../model/naming.js";
import { type Fact, PLACES, type ProbeResult } from "../../probes/run-document.js";
import {
  comparisonOf,
  figureOf,
  fitOf,
  hasRatio,
  headlineMetric,
  isMisleading,
  metricsOf,
  seriesOf,
  sufferings,
} from "../figures.js";
import { type Html, html } from "../html.js";
import { densityPlot } from "../plots/density.js";
import { type RatioRow, ratioPlot } from "../plots/ratios.js";
import { describeStrips, type Strip, type StripGroup, stripPlot } from "../plots/strip.js";
import { formatChange, formatFactor, formatLoss, formatQuantity } from "../quantity.js";
import { probesOf, type ShownProbe, type ShownRun, shortTitle } from "../shown-runs.js";
import { costRatio } from "../summary.js";

/** All probes that have a ratio, on one axis. */
export async function overview(runs: readonly ShownRun[]): Promise<Html> {
  const rows: RatioRow[] = [];
  /** Where a ratio would mislead. */
  const differences = new Map<string, string>();
  for (const { probe, parts } of probesOf(runs).filter((p) => hasRatio(p.probe))) {
    let published: number[] = [];
    const points = parts.flatMap(({ shown, probe: own }) => {
      const metric = headlineMetric(own);
      const compared = metric === undefined ? undefined : comparisonOf(shown.run, own, metric);
      if (compared === undefined) return [];
      const ratios = own.published.flatMap((p) =>
        p.ratio !== undefined && (p.metric ?? metric) === metric ? [p.ratio] : [],
      );
      published = ratios.map((r) => (compared.above.better === "higher" ? 1 / r : r));
      const { above, below, medians } = compared;
      if (isMisleading(compared)) {
        const larger = medians.above >= medians.below ? above : below;
        const difference = formatQuantity(Math.abs(medians.above - medians.below), above.unit);
        differences.set(shortTitle(probe.title), `the ${larger.target} has ${difference} more`);
        return [];
      }
      const change = formatChange(medians.below, medians.above, above.unit);
      const { representative } = compared;
      return { name: shown.letter, ratio: costRatio(compared), representative, change };
    });
    if (points.length > 0) rows.push({ title: shortTitle(probe.title), points, published });
  }
  rows.sort((a, b) => (b.points[0]?.ratio.value ?? 0) - (a.points[0]?.ratio.value ?? 0));
  if (rows.length === 0) return html``;
  return html`<section aria-labelledby="glance"><h2 id="glance">At a glance</h2>
<figure class="plot">${await ratioPlot(rows)}
<figcaption>The guest's time or cost divided by the container's (both under each name: container → guest), with its 95\u00a0% interval (extremes, if there are too few samples). Throughputs are inverted, so further right always means that the guest needs more. Diamonds are published ratios; their sources are below.${rows.some((r) => r.points.some((p) => !p.representative)) && " Hollow and * means not representative: no conclusion uses it."}${[...differences].map(([title, said]) => ` ${title} has no ratio here, because one value is nearly zero: ${said}.`)}</figcaption></figure></section>`;
}

export async function probeSections(runs: readonly ShownRun[]): Promise<Html> {
  const articles: Html[] = [];
  for (const shown of probesOf(runs)) articles.push(await article(shown, runs.length > 1));
  return html`<section class="probes" aria-labelledby="probes"><h2 id="probes">Probe by probe</h2>
<p class="legend muted"><span class="key"><svg viewBox="0 0 44 16" aria-hidden="true"><g fill="currentColor" opacity=".45"><circle cx="4" cy="5" r="2.5"/><circle cx="13" cy="11" r="2.5"/><circle cx="31" cy="4" r="2.5"/><circle cx="40" cy="10" r="2.5"/></g></svg> each sample</span> <span class="key"><svg viewBox="0 0 44 16" aria-hidden="true"><path d="M10 8H34" stroke="currentColor" stroke-width="5"/></svg> 95\u00a0% interval of the median (thin: extremes, if there are too few samples)</span> <span class="key"><svg viewBox="0 0 12 16" aria-hidden="true"><path d="M6 0V16" stroke="currentColor" stroke-width="2.5"/></svg> median</span></p>
${articles}</section>`;
}

async function article({ probe, parts }: ShownProbe, several: boolean): Promise<Html> {
  const plots: Html[] = [];
  for (const [key, metrics] of byAxis(parts.map((p) => p.probe))) {
    const [unit = "", better = "none"] = key.split("\u0000") as [string, "lower" | "higher" | "none"];
    const groups = metrics.map((metric) => group(metric, parts, several)).filter((g) => g.strips.length > 0);
    if (groups.length === 0) continue;
    const label = describeStrips(groups, unit);
    plots.push(html`<figure class="plot">${await stripPlot({ unit, better, groups, label })}</figure>`);
  }
  if (probe.id === "duel") for (const { shown } of parts) plots.push(losses(shown, several));
  if (probe.id === "density") for (const { shown } of parts) plots.push(await extrapolation(shown, several));
  const published = parts.flatMap((p) => p.probe.published);
  const unique = [...new Map(published.map((p) => [p.what + p.source, p])).values()];
  const facts = parts.flatMap(({ shown, probe: own }) => {
    // The first run's ticks are in the matrix at the top.
    const rows = own.facts.filter((fact) => !fact.ticks || shown.letter !== "A");
    return rows.length > 0 ? [factTable(rows, several ? shown.letter : "")] : [];
  });
  return html`<article id="probe-${probe.id}">
<div class="words"><h3>${probe.title}${probe.control && html` <small>negative control</small>`}</h3>
<p>${probe.teaches}</p>
${parts.flatMap(({ shown, probe: own }) => notes(own, several ? shown.letter : ""))}
${
  unique.length > 0 &&
  html`<div class="published"><h4>Published</h4><ul>${unique.map(
    (p) =>
      html`<li>${p.what}: ${p.figures}. <cite>${p.url === undefined ? p.source : html`<a href="${p.url}" rel="noreferrer">${p.source}</a>`}</cite></li>`,
  )}</ul></div>`
}
<p class="trace">${metricsOf(probe).map((m) => html`<code>${probe.id}/${m}</code> `)} in ${parts.map((p) => p.shown.run.id).join(", ")}</p></div>
<div class="figures">${plots}${facts}</div>
</article>`;
}

/** How much of its speed each target lost beside each hog. */
function losses({ run, letter }: ShownRun, several: boolean): Html {
  const all = sufferings(run);
  const targets = TARGETS.filter((target) => all.some((s) => s.victim === target));
  const hogs = [...new Map(all.map((s) => [s.series.metric, s.series.title]))];
  if (all.length === 0) return html``;
  return html`<div class="scroll"><table class="facts"><thead><tr><th>${several && `Run ${letter}: `}speed lost</th>${targets.map((t) => html`<th class="${t}">${t}</th>`)}</tr></thead>
<tbody>${hogs.map(
    ([metric, title]) =>
      html`<tr><th>${title}</th>${targets.map((target) => {
        const found = all.find((s) => s.victim === target && s.series.metric === metric);
        return html`<td>${found ? `${formatLoss(found.ratio.value)}${found.representative ? "" : " *"}` : "–"}</td>`;
      })}</tr>`,
  )}</tbody></table></div>`;
}

/** Draws how the number that fits follows from those that were started. */
async function extrapolation({ run, letter }: ShownRun, several: boolean): Promise<Html> {
  const all = TARGETS.flatMap((target) => {
    const probe = run.probes.find((p) => p.id === "density");
    const memory = probe && seriesOf(probe, "memory", target);
    const fit = fitOf(run, target);
    return memory && memory.unit === "MiB" && fit !== undefined
      ? [{ target, memory: memory.samples, fit: fit.median, representative: fit.representative }]
      : [];
  });
  if (all.length === 0) return html``;
  return html`<figure class="plot">${await densityPlot(all)}${several && html`<figcaption>Run ${letter}</figcaption>`}</figure>`;
}

/** Groups metrics that can share an axis: the same unit, and better in the same direction. */
function byAxis(probes: readonly ProbeResult[]): Map<string, string[]> {
  const axes = new Map<string, string[]>();
  for (const probe of probes) {
    for (const metric of metricsOf(probe)) {
      const series = probe.series.find((s) => s.metric === metric && s.samples.length > 0);
      if (series === undefined) continue;
      const key = `${series.unit}\u0000${series.better}`;
      const metrics = axes.get(key) ?? [];
      if (!metrics.includes(metric)) axes.set(key, [...metrics, metric]);
    }
  }
  return axes;
}

function group(metric: string, parts: ShownProbe["parts"], several: boolean): StripGroup {
  let title = metric;
  const strips: Strip[] = [];
  const references = new Map<number, string>();
  for (const target of PLACES) {
    for (const { shown, probe } of parts) {
      for (const series of probe.series.filter((s) => s.metric === metric && s.target === target)) {
        const figure = figureOf(shown.run, probe.id, series);
        if (figure === undefined) continue;
        title = series.title;
        const name = several ? `${target} ${shown.letter}` : target;
        strips.push({ target, name, samples: series.samples, figure, representative: series.representative });
      }
    }
  }
  // A published ratio is drawn relative to the first run's container.
  const base = strips.find((s) => s.target === "container");
  const first = parts[0]?.probe;
  if (base !== undefined && first !== undefined && strips.some((s) => s.target === "guest")) {
    for (const p of first.published) {
      if (p.ratio === undefined || (p.metric ?? headlineMetric(first)) !== metric) continue;
      references.set(
        base.figure.median * p.ratio,
        `published: ${formatFactor(p.ratio)} the container · ${p.source}`,
      );
    }
  }
  return { title, strips, references: [...references].map(([value, label]) => ({ value, label })) };
}

/** What went wrong, and what is not representative. */
function notes(probe: ProbeResult, letter: string): Html[] {
  const where = letter ? `Run ${letter}: ` : "";
  const said: string[] = [];
  if (probe.status !== "ok") said.push(`${where}${probe.status}. ${probe.note}`);
  else if (probe.note) said.push(`${where}${probe.note}`);
  // Each reason once, with all its targets.
  const concerned = new Map<string, Set<string>>();
  for (const s of probe.series) {
    if (s.status !== "ok") said.push(`${where}${s.target}, ${s.title}: ${s.status}. ${s.note}`);
    else if (!s.representative) {
      const note = s.note || "no reason was recorded";
      concerned.set(note, (concerned.get(note) ?? new Set()).add(s.target));
    } else if (s.note) said.push(`${where}${s.title}: ${s.note}`);
  }
  for (const [note, targets] of concerned)
    said.push(`${where}* not representative (${[...targets].join(" and ")}): ${note}`);
  return [...new Set(said)].map((note) => html`<p class="note">${note}</p>`);
}

function factTable(facts: readonly Fact[], letter: string): Html {
  const targets = TARGETS.filter((t) => facts.some((fact) => fact.values[t] !== undefined));
  return html`<div class="scroll"><table class="facts"><thead><tr><th>${letter && `Run ${letter}`}</th>${targets.map((t) => html`<th class="${t}">${t}</th>`)}</tr></thead>
<tbody>${facts.map(
    (fact) =>
      html`<tr><th>${fact.title}${fact.note && html`<small>${fact.note}</small>`}</th>${targets.map((t) => html`<td>${fact.values[t] ?? "–"}</td>`)}</tr>`,
  )}</tbody></table></div>`;
}
