import { TARGETS, type Target } from "../../model/naming.js";
import { figureOf, probeOf, seriesOf } from "../figures.js";
import { type Html, html } from "../html.js";
import { formatQuantity } from "../quantity.js";
import type { ShownRun } from "../shown-runs.js";

/** The parts of a start in their order: metric of the start probe, and what it is called here. */
const PARTS: Readonly<Record<"container" | "guest", readonly (readonly [metric: string, title: string])[]>> =
  {
    container: [
      ["call", "start"],
      ["answer", "first command"],
    ],
    guest: [
      ["call", "call"],
      ["kernel", "kernel"],
      ["userspace", "init until SSH"],
      ["answer", "firmware and first command"],
    ],
  };

/** The start of guest and container on one time axis, for the first run. */
export function timeline([first]: readonly ShownRun[]): Html {
  const run = first?.run;
  const probe = run && probeOf(run, "start");
  if (run === undefined || probe === undefined) return html``;
  const rows = (["guest", "container"] as const).flatMap((target) => {
    const parts = PARTS[target].flatMap(([metric, title]) => {
      const series = seriesOf(probe, metric, target);
      const figure = series && figureOf(run, probe.id, series);
      return figure ? [{ title, seconds: figure.median }] : [];
    });
    return parts.length > 1 ? [{ target, parts, total: parts.reduce((sum, p) => sum + p.seconds, 0) }] : [];
  });
  const longest = Math.max(...rows.map(({ total }) => total));
  if (rows.length === 0 || !(longest > 0)) return html``;
  return html`<section aria-labelledby="start"><h2 id="start">What a start consists of</h2>
<figure class="timeline">${rows.map(
    ({
      target,
      parts,
      total,
    }) => html`<div class="${target}"><p><b>${target}</b> ${formatQuantity(total, "s")}</p>
<div class="bar" aria-hidden="true">${parts.map(
      ({ seconds }) => html`<span style="width:${((seconds / longest) * 100).toFixed(2)}%"></span>`,
    )}</div>
<p class="muted">${parts.map(({ title, seconds }) => `${title} ${formatQuantity(seconds, "s")}`).join(" → ")}</p></div>`,
  )}<figcaption>Medians of each part, on one time axis.</figcaption></figure></section>`;
}

/** What root may do in each target, as ticks and crosses, for the first run. */
export function matrix([first]: readonly ShownRun[]): Html {
  const facts = (first && probeOf(first.run, "isolation"))?.facts.filter((fact) => fact.ticks) ?? [];
  if (facts.length === 0) return html``;
  const targets = TARGETS.filter((target) => facts.some((fact) => fact.values[target] !== undefined));
  return html`<section aria-labelledby="may"><h2 id="may">What root may do inside</h2>
<table class="matrix"><thead><tr><th></th>${targets.map((t) => html`<th class="${t}">${t}</th>`)}</tr></thead>
<tbody>${facts.map(
    (fact) => html`<tr><th>${fact.title}</th>${targets.map((t) => tick(fact.values[t], t))}</tr>`,
  )}</tbody></table></section>`;
}

function tick(answer: string | undefined, target: Target): Html {
  if (answer === "yes") return html`<td class="${target}"><span role="img" aria-label="yes">✓</span></td>`;
  if (answer === "no") return html`<td class="muted"><span role="img" aria-label="no">✗</span></td>`;
  return html`<td class="muted"><span role="img" aria-label="not tried">–</span></td>`;
}
