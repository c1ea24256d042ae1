import type { ProbeResult, RunDocument } from "../probes/run-document.js";
import {
  type Comparison,
  DENSITY_FIT,
  figureOf,
  fitOf,
  hasRatio,
  headlineMetric,
  headlineOf,
  isOwnHeadline,
  probeOf,
  seriesOf,
  sufferings,
} from "./figures.js";
import { certainty, formatFactor, formatNumber, formatQuantity } from "./quantity.js";
import { shortTitle } from "./runs.js";
import { excludes, type Ratio } from "./statistics.js";

/** One conclusion in words, and what it was made from. */
export interface Statement {
  /** The figure to print large: `21×`. Empty where there is none. */
  figure: string;
  text: string;
  /** Where the figure comes from: probe, metric, samples a side. */
  trace: { probe: string; metric: string; n: string };
}

/** What was measured and must not be concluded from, or was not measured at all. */
export interface LeftOut {
  why: string;
  probes: string[];
}

export interface RunSummary {
  statements: Statement[];
  leftOut: LeftOut[];
}

/** A gap of the negative control beyond this means an unfair set-up (issue 4). */
const CONTROL_TOLERANCE = 0.05;

/** How a comparison reads: `more` is the side with the larger cost or time, `less` the other. */
const WORDS: Readonly<Record<string, (more: string, less: string, times: string) => string>> = {
  start: (more, less, times) =>
    `A ${more} took ${times} as long as a ${less} from the call to the first command answered`,
  stop: (more, less, times) =>
    `A ${more} took ${times} as long as a ${less} to stop and return everything it held`,
  memory: (more, less, times) => `An idle ${more} cost the host ${times} the memory of an idle ${less}`,
  disk: (more, less, times) => `A fresh ${more} took ${times} the disk of a fresh ${less}`,
};

/** The run in words, made from its figures alone. */
export function summarizeRun(run: RunDocument): RunSummary {
  const statements: Statement[] = [];
  for (const probe of run.probes.filter(hasRatio)) {
    const headline = headlineOf(run, probe.id);
    if (headline?.representative)
      statements.push(probe.control ? controlStatement(headline) : versus(headline));
    else if (headline === undefined) statements.push(...withoutRatio(run, probe));
  }
  statements.push(...isolationStatements(run));
  statements.push(...duelStatements(run), ...densityStatements(run));
  return { statements, leftOut: leftOut(run) };
}

/** How many times the container's cost or time the guest needed, whichever way the metric is better. */
export function costRatio({ ratio, guest }: Comparison): Ratio {
  if (guest.better !== "higher") return ratio;
  const { low, high, kind } = ratio.interval;
  return { value: 1 / ratio.value, n: ratio.n, interval: { low: 1 / high, high: 1 / low, kind } };
}

const traceOf = ({ probe, metric, guest, container }: Comparison): Statement["trace"] => ({
  probe: probe.id,
  metric,
  n: `${container.samples.length} + ${guest.samples.length}`,
});

const medians = ({ medians: { container, guest }, container: { unit } }: Comparison): string =>
  `guest ${formatQuantity(guest, unit)}, container ${formatQuantity(container, unit)}`;

/** Which of the two needed more, and how many times; or that no difference was shown. */
function versus(comparison: Comparison): Statement {
  const { probe, metric } = comparison;
  const cost = costRatio(comparison);
  const trace = traceOf(comparison);
  const name = probe.series.find((s) => s.metric === metric)?.title ?? metric;
  if (!excludes(cost.interval, 1)) {
    return {
      figure: "≈",
      text: `${shortTitle(probe.title)} (${name}): no difference between guest and container was shown (${medians(comparison)}; ${certainty(cost)}).`,
      trace,
    };
  }
  const dearer = cost.value >= 1 ? cost : inverted(cost);
  const [more, less] = cost.value >= 1 ? ["guest", "container"] : ["container", "guest"];
  const times = formatFactor(dearer.value);
  const words = isOwnHeadline(probe, metric) ? WORDS[probe.id] : undefined;
  const text = words
    ? words(more, less, times)
    : comparison.guest.better === "higher"
      ? `${shortTitle(probe.title)} (${name}): a ${less} did ${times} what a ${more} did`
      : `${shortTitle(probe.title)} (${name}): a ${more} needed ${times} what a ${less} needed`;
  return { figure: times, text: `${text} (${medians(comparison)}; ${certainty(dearer)}).`, trace };
}

/** Both were measured, and one is zero: said without dividing. */
function withoutRatio(run: RunDocument, probe: ProbeResult): Statement[] {
  const both = bothFigures(run, probe, headlineMetric(probe));
  if (both === undefined || !both.representative) return [];
  const { container, guest, unit, title, trace } = both;
  const text = `${shortTitle(probe.title)} (${title}): guest ${formatQuantity(guest, unit)}, container ${formatQuantity(container, unit)}; no ratio, as one of them is nothing.`;
  return [{ figure: "∅", text, trace }];
}

function isolationStatements(run: RunDocument): Statement[] {
  const probe = probeOf(run, "isolation");
  const both = probe && bothFigures(run, probe, headlineMetric(probe));
  if (!both?.representative) return [];
  const { container, guest, unit, title, trace } = both;
  const text = `Isolation, ${title}: ${formatQuantity(container, unit)} in the container, ${formatQuantity(guest, unit)} in the guest.`;
  return [{ figure: `${formatNumber(container)} : ${formatNumber(guest)}`, text, trace }];
}

function bothFigures(run: RunDocument, probe: ProbeResult, metric: string | undefined) {
  if (metric === undefined) return undefined;
  const [c, g] = [seriesOf(probe, metric, "container"), seriesOf(probe, metric, "guest")];
  const container = c && figureOf(run, probe.id, c);
  const guest = g && figureOf(run, probe.id, g);
  if (c === undefined || g === undefined || container === undefined || guest === undefined) return undefined;
  return {
    container: container.median,
    guest: guest.median,
    unit: c.unit,
    title: c.title,
    representative: c.representative && g.representative,
    trace: { probe: probe.id, metric, n: `${container.n} + ${guest.n}` },
  };
}

const inverted = ({ value, n, interval }: Ratio): Ratio => ({
  value: 1 / value,
  n,
  interval: { low: 1 / interval.high, high: 1 / interval.low, kind: interval.kind },
});

/** A negative control speaks about the set-up, not about the targets. */
function controlStatement(comparison: Comparison): Statement {
  const cost = costRatio(comparison);
  const gap = Math.abs(1 - comparison.ratio.value);
  const percent = `${formatNumber(gap * 100)}\u00a0%`;
  const fair = gap <= CONTROL_TOLERANCE;
  return {
    figure: fair ? "fair" : "unfair",
    text: fair
      ? `The negative control agrees: ${shortTitle(comparison.probe.title)} differs by ${percent} only (${medians(comparison)}; ${certainty(cost)}).`
      : `The negative control differs by ${percent}, more than the ${CONTROL_TOLERANCE * 100}\u00a0% allowed: the set-up is unfair, so read no other gap as the target's own (${medians(comparison)}; ${certainty(cost)}).`,
    trace: traceOf(comparison),
  };
}

function duelStatements(run: RunDocument): Statement[] {
  const all = sufferings(run).filter((s) => s.representative);
  const [worst] = all;
  if (worst === undefined) return [];
  const other = all.find((s) => s.victim !== worst.victim);
  const beside = worst.series.title;
  const trace = {
    probe: "duel",
    metric: `${worst.series.metric} : ${worst.alone.metric}`,
    n: `${worst.series.samples.length} + ${worst.alone.samples.length}`,
  };
  const times = formatFactor(worst.ratio.value);
  if (!excludes(worst.ratio.interval, 1) || worst.ratio.value <= 1) {
    const text = `In the duel no ${other ? "neighbour" : worst.victim} was shown to suffer (worst: ${worst.victim}, ${beside}, ${times}; ${certainty(worst.ratio)}).`;
    return [{ figure: "≈", text, trace }];
  }
  const whole = other
    ? `In the duel the ${worst.victim} suffered most: ${beside} it was ${times} worse off than alone (${certainty(worst.ratio)}); the ${other.victim} at worst ${formatFactor(other.ratio.value)} (${other.series.title}).`
    : `In the duel the ${worst.victim} was at worst ${times} worse off than alone, ${beside} (${certainty(worst.ratio)}); of the other target there is no figure to set against it.`;
  return [{ figure: times, text: whole, trace }];
}

function densityStatements(run: RunDocument): Statement[] {
  const [guests, containers] = (["guest", "container"] as const).map((target) => {
    const fit = fitOf(run, target);
    return fit?.representative ? fit : undefined;
  });
  if (guests === undefined && containers === undefined) return [];
  const parts = [
    ...(guests ? [`${formatNumber(guests.median)} guests`] : []),
    ...(containers ? [`${formatNumber(containers.median)} containers`] : []),
  ];
  return [
    {
      figure: formatNumber((guests ?? containers)?.median ?? 0),
      text: `About ${parts.join(" or ")} of this spec would fit on this host, idle: extrapolated from the few that were started, not tried.`,
      trace: {
        probe: "density",
        metric: DENSITY_FIT,
        n: [containers?.n, guests?.n].filter((n) => n !== undefined).join(" + "),
      },
    },
  ];
}

/** A reason longer than this is cut here: its probe has the whole of it. Characters. */
const LONGEST_REASON = 140;

/** What stays out of the conclusions, by reason: each probe once, with the targets concerned. */
function leftOut(run: RunDocument): LeftOut[] {
  const by = new Map<string, Map<string, Set<string>>>();
  const add = (why: string, probe: string, target?: string): void => {
    const reason = why.length > LONGEST_REASON ? `${why.slice(0, LONGEST_REASON).trimEnd()} …` : why;
    const probes = by.get(reason) ?? new Map<string, Set<string>>();
    const targets = probes.get(probe) ?? new Set<string>();
    if (target) targets.add(target);
    by.set(reason, probes.set(probe, targets));
  };
  for (const probe of run.probes) {
    const title = shortTitle(probe.title);
    if (probe.status !== "ok") add(`${probe.status}: ${probe.note || "no reason was recorded"}`, title);
    for (const s of probe.series) {
      if (s.samples.length > 0 && !s.representative)
        add(s.note || "marked as not representative", title, s.target);
      else if (s.samples.length === 0 && probe.status === "ok")
        add(
          `${s.status === "ok" ? "no samples" : s.status}: ${s.note || "no reason was recorded"}`,
          title,
          s.target,
        );
    }
  }
  return [...by].map(([why, probes]) => ({
    why,
    probes: [...probes].map(([title, of]) => (of.size > 0 ? `${title} (${[...of].join(", ")})` : title)),
  }));
}
