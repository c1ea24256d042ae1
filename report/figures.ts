import { median } from "simple-statistics";
import type { Target } from "../model/naming.js";
import type { ProbeResult, Resource, RunDocument, Series } from "../probes/run-document.js";
import { isConclusive, type Ratio, ratioOfMedians, type Summary, summarize } from "./statistics.js";

/**
 * The metric that stands for a probe in summaries, ratios and predictions. A probe that is not named here, or lacks that
 * metric, is represented by the first metric that both targets have.
 */
const HEADLINE: Readonly<Record<string, string>> = {
  start: "total",
  stop: "total",
  memory: "idle",
  disk: "own",
  "disk-io": "read-qd1",
};

/** Of the duel: the victim's own work with nobody beside it. Its other metrics are the same work beside a hog. */
const DUEL_ALONE = "alone";

/** Of density: how many would fit on this host; unit `1`. */
export const DENSITY_FIT = "fit";

/** A gap within this counts as none: of the negative control (issue 4), and of a victim in the duel. */
export const TOLERANCE = 0.05;

/** What random numbers an interval is made from: of the run and the figure alone, whatever stands beside it. */
const seedOf = (run: RunDocument, probe: string, metric: string, what: string): string =>
  [run.id, run.seed, probe, metric, what].join("\u0000");

/** Figures by series: a page shows each in several places. */
const figures = new WeakMap<Series, Summary | undefined>();

/** What a series' samples say; `undefined` where there are none. Every figure that is shown comes through here. */
export function figureOf(run: RunDocument, probe: string, series: Series): Summary | undefined {
  const known = figures.get(series);
  if (known?.n === series.samples.length) return known;
  const figure = summarize(series.samples, seedOf(run, probe, series.metric, series.target));
  figures.set(series, figure);
  return figure;
}

export const seriesOf = (probe: ProbeResult, metric: string, target: Target): Series | undefined =>
  probe.series.find((s) => s.metric === metric && s.target === target && s.samples.length > 0);

export const probeOf = (run: RunDocument, id: string): ProbeResult | undefined =>
  run.probes.find((p) => p.id === id);

/** The metrics in the order in which the probe names them. */
export const metricsOf = (probe: ProbeResult): string[] => [...new Set(probe.series.map((s) => s.metric))];

/** A comparison of the two targets in one metric. */
export interface Comparison {
  probe: ProbeResult;
  metric: string;
  container: Series;
  guest: Series;
  /** In the series' unit. */
  medians: Record<"container" | "guest", number>;
  /** guest : container. */
  ratio: Ratio;
  /** Both sides may enter a conclusion. */
  representative: boolean;
}

/** `undefined` where a side is missing, or its median is not positive. */
export function comparisonOf(run: RunDocument, probe: ProbeResult, metric: string): Comparison | undefined {
  const container = seriesOf(probe, metric, "container");
  const guest = seriesOf(probe, metric, "guest");
  if (container === undefined || guest === undefined) return undefined;
  const ratio = ratioOfMedians(guest.samples, container.samples, seedOf(run, probe.id, metric, "ratio"));
  if (ratio === undefined) return undefined;
  return {
    probe,
    metric,
    container,
    guest,
    medians: { container: median([...container.samples]), guest: median([...guest.samples]) },
    ratio,
    representative: container.representative && guest.representative,
  };
}

/** The metric that stands for the probe; `undefined` when it has no metric of both targets. */
export function headlineMetric(probe: ProbeResult): string | undefined {
  const both = metricsOf(probe).filter(
    (m) => seriesOf(probe, m, "container") !== undefined && seriesOf(probe, m, "guest") !== undefined,
  );
  const wanted = HEADLINE[probe.id];
  return wanted !== undefined && both.includes(wanted) ? wanted : both[0];
}

/** Whether the metric is the one meant to stand for the probe, not a substitute for it. */
export const isOwnHeadline = (probe: ProbeResult, metric: string): boolean => HEADLINE[probe.id] === metric;

/** Probes whose metrics are no costs to divide by each other: they have words and plots of their own. */
export const hasRatio = (probe: ProbeResult): boolean => !["duel", "density", "isolation"].includes(probe.id);

export function headlineOf(run: RunDocument, id: string): Comparison | undefined {
  const probe = probeOf(run, id);
  const metric = probe && headlineMetric(probe);
  return probe && metric !== undefined ? comparisonOf(run, probe, metric) : undefined;
}

/** What a negative control says of the set-up: only what its whole interval says. */
export type Control = "fair" | "unfair" | "undecided";

export function controlOf({ ratio }: Comparison): Control {
  const { low, high } = ratio.interval;
  if (!isConclusive(ratio)) return "undecided";
  if (low >= 1 - TOLERANCE && high <= 1 + TOLERANCE) return "fair";
  return high < 1 - TOLERANCE || low > 1 + TOLERANCE ? "unfair" : "undecided";
}

/** How one target's own work fared beside a hog: 1 is untouched, 2 is half as fast. */
export interface Suffering {
  victim: Target;
  /** The series that was measured beside the hog. */
  series: Series;
  alone: Series;
  /** How many times worse than alone, whichever way is better. */
  ratio: Ratio;
  representative: boolean;
}

/** The duel's outcomes, worst first. */
export function sufferings(run: RunDocument): Suffering[] {
  const probe = probeOf(run, "duel");
  if (probe === undefined) return [];
  return probe.series
    .flatMap((series): Suffering[] => {
      const alone = seriesOf(probe, DUEL_ALONE, series.target);
      if (alone === undefined || series.metric === DUEL_ALONE || series.unit !== alone.unit) return [];
      const [above, below] = series.better === "higher" ? [alone, series] : [series, alone];
      const seed = seedOf(run, probe.id, series.metric, `${series.target} suffering`);
      const ratio = ratioOfMedians(above.samples, below.samples, seed);
      if (ratio === undefined) return [];
      const representative = series.representative && alone.representative;
      return [{ victim: series.target, series, alone, ratio, representative }];
    })
    .sort((a, b) => b.ratio.value - a.ratio.value);
}

/** The duel's outcomes, the worst of each victim, worst victim first. */
export const worstOfEach = (all: readonly Suffering[]): Suffering[] =>
  all.filter((s, i) => all.findIndex((other) => other.victim === s.victim) === i);

/**
 * Who suffers most: shown only where its interval lies above 1 and above the next one's. "neither" where all intervals
 * end within the tolerance; `undefined` where nothing of that is shown.
 */
export function duelLoser(worst: readonly Suffering[]): Target | "neither" | undefined {
  const [first, second] = worst;
  if (first === undefined || second === undefined) return undefined;
  if (!worst.every((s) => s.representative && isConclusive(s.ratio))) return undefined;
  if (first.ratio.interval.low > Math.max(1, second.ratio.interval.high)) return first.victim;
  return worst.every(({ ratio }) => ratio.interval.high <= 1 + TOLERANCE) ? "neither" : undefined;
}

const RESOURCE_WORDS: Readonly<Record<Resource, string>> = {
  memory: "memory",
  disk: "disk",
  cpu: "CPU",
  networks: "networks",
};

/** How many more of a target would fit on this host, beside those that run. */
export interface Fit {
  median: number;
  n: number;
  /** What runs out first, in words; `undefined` where the run does not say. */
  limit: string | undefined;
  /** It may enter a conclusion. */
  representative: boolean;
}

/** `undefined` where density did not measure it. */
export function fitOf(run: RunDocument, target: Target): Fit | undefined {
  const probe = probeOf(run, "density");
  const series = probe && seriesOf(probe, DENSITY_FIT, target);
  const figure = probe && series && figureOf(run, probe.id, series);
  const limit = series?.limit && RESOURCE_WORDS[series.limit];
  return figure && { median: figure.median, n: figure.n, limit, representative: series.representative };
}
