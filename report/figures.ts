import { median } from "simple-statistics";
import type { Target } from "../model/naming.js";
import type { Place, ProbeResult, Resource, RunDocument, Series } from "../probes/run-document.js";
import { isConclusive, type Ratio, ratioOfMedians, type Summary, summarize } from "./statistics.js";

/**
 * The metric that represents a probe in summaries, ratios and predictions. If a probe is not listed, or lacks that metric,
 * the first metric that both targets have represents it.
 */
const HEADLINE: Readonly<Record<string, string>> = {
  start: "total",
  stop: "total",
  memory: "idle",
  disk: "own",
  "disk-io": "read-qd1",
  moving: "total",
};

/** In the duel: the victim's own work without a neighbour. The other metrics are the same work beside a hog. */
const DUEL_ALONE = "alone";

/** In density: how many would fit on this host; unit `1`. */
export const DENSITY_FIT = "fit";

/** A difference up to this counts as none: in the negative control, and for a victim in the duel. */
export const TOLERANCE = 0.05;

/** The seed of an interval's random numbers. It depends on the run and the figure only, not on other figures. */
const seedOf = (run: RunDocument, probe: string, metric: string, what: string): string =>
  [run.id, run.seed, probe, metric, what].join("\u0000");

/** Computed figures of each series, because a page shows each in several places. */
const figures = new WeakMap<Series, Summary | undefined>();

/** Summarises a series' samples; `undefined` if there are none. Every figure that is shown comes from here. */
export function figureOf(run: RunDocument, probe: string, series: Series): Summary | undefined {
  const known = figures.get(series);
  if (known?.n === series.samples.length) return known;
  const figure = summarize(series.samples, seedOf(run, probe, series.metric, series.target));
  figures.set(series, figure);
  return figure;
}

export const seriesOf = (probe: ProbeResult, metric: string, target: Place): Series | undefined =>
  probe.series.find((s) => s.metric === metric && s.target === target && s.samples.length > 0);

export const probeOf = (run: RunDocument, id: string): ProbeResult | undefined =>
  run.probes.find((p) => p.id === id);

/** The metrics in the order in which the probe names them. */
export const metricsOf = (probe: ProbeResult): string[] => [...new Set(probe.series.map((s) => s.metric))];

/** A comparison of two places in one metric: of guest with container, or of container with baseline. */
export interface Comparison {
  probe: ProbeResult;
  metric: string;
  /** The guest's series, or the container's. */
  above: Series;
  /** The container's series, or the baseline's. */
  below: Series;
  /** In the series' unit. */
  medians: Record<"above" | "below", number>;
  /** The median above, divided by the median below. */
  ratio: Ratio;
  /** Whether conclusions may use it: both sides are representative. */
  representative: boolean;
}

/** `undefined` if a side is missing, or if a median is not positive. */
export const comparisonOf = (run: RunDocument, probe: ProbeResult, metric: string): Comparison | undefined =>
  compare(probe, metric, ["guest", "container"], seedOf(run, probe.id, metric, "ratio"));

/** The container compared with a plain process on the host: what a container costs. `undefined` as for comparisonOf. */
export const baselineComparison = (
  run: RunDocument,
  probe: ProbeResult,
  metric: string,
): Comparison | undefined =>
  compare(probe, metric, ["container", "baseline"], seedOf(run, probe.id, metric, "baseline"));

/** The container compared with the baseline in the probe's headline metric, or else in the first metric that both have. */
export function baselineOf(run: RunDocument, probe: ProbeResult): Comparison | undefined {
  const headline = HEADLINE[probe.id];
  const metrics = headline === undefined ? metricsOf(probe) : [headline, ...metricsOf(probe)];
  return metrics
    .map((metric) => baselineComparison(run, probe, metric))
    .find((comparison) => comparison !== undefined);
}

function compare(
  probe: ProbeResult,
  metric: string,
  [upper, lower]: readonly [Place, Place],
  seed: string,
): Comparison | undefined {
  const above = seriesOf(probe, metric, upper);
  const below = seriesOf(probe, metric, lower);
  if (above === undefined || below === undefined) return undefined;
  const ratio = ratioOfMedians(above.samples, below.samples, seed);
  if (ratio === undefined) return undefined;
  return {
    probe,
    metric,
    above,
    below,
    medians: { above: median([...above.samples]), below: median([...below.samples]) },
    ratio,
    representative: above.representative && below.representative,
  };
}

/** `guest : container` */
export const sidesOf = ({ above, below }: Comparison): string => `${above.target} : ${below.target}`;

/** The metric that represents the probe; `undefined` if both targets share none. */
export function headlineMetric(probe: ProbeResult): string | undefined {
  const both = metricsOf(probe).filter(
    (m) => seriesOf(probe, m, "container") !== undefined && seriesOf(probe, m, "guest") !== undefined,
  );
  const wanted = HEADLINE[probe.id];
  return wanted !== undefined && both.includes(wanted) ? wanted : both[0];
}

/** Whether the metric is the intended headline of the probe, not a substitute. */
export const isOwnHeadline = (probe: ProbeResult, metric: string): boolean => HEADLINE[probe.id] === metric;

/** Whether a ratio of its metrics makes sense. The others have their own words and plots. */
export const hasRatio = (probe: ProbeResult): boolean => !["duel", "density", "isolation"].includes(probe.id);

export function headlineOf(run: RunDocument, id: string): Comparison | undefined {
  const probe = probeOf(run, id);
  const metric = probe && headlineMetric(probe);
  return probe && metric !== undefined ? comparisonOf(run, probe, metric) : undefined;
}

/** MiB. A smaller size as the divisor makes a large ratio of a small difference. */
const SMALL = 1;

/** Whether the ratio misleads: both are sizes, and one is so small that the difference says more. */
export const isMisleading = ({ above, medians }: Comparison): boolean =>
  above.unit === "MiB" && Math.min(medians.above, medians.below) < SMALL;

/** What a negative control says about the measurement. Its whole interval must agree. */
export type Control = "fair" | "unfair" | "undecided";

export function controlOf({ ratio }: Comparison): Control {
  const { low, high } = ratio.interval;
  if (!isConclusive(ratio)) return "undecided";
  if (low >= 1 - TOLERANCE && high <= 1 + TOLERANCE) return "fair";
  return high < 1 - TOLERANCE || low > 1 + TOLERANCE ? "unfair" : "undecided";
}

/** How much slower a target's work was beside a hog: 1 is unchanged, 2 is half as fast. */
export interface Suffering {
  victim: Target;
  /** The series measured beside the hog. */
  series: Series;
  alone: Series;
  /** How many times slower than alone. */
  ratio: Ratio;
  representative: boolean;
}

/** The duel's results, worst first. */
export function sufferings(run: RunDocument): Suffering[] {
  const probe = probeOf(run, "duel");
  if (probe === undefined) return [];
  return probe.series
    .flatMap((series): Suffering[] => {
      const victim = series.target;
      if (victim === "baseline") return []; // it has no neighbour
      const alone = seriesOf(probe, DUEL_ALONE, victim);
      if (alone === undefined || series.metric === DUEL_ALONE || series.unit !== alone.unit) return [];
      const [above, below] = series.better === "higher" ? [alone, series] : [series, alone];
      const seed = seedOf(run, probe.id, series.metric, `${victim} suffering`);
      const ratio = ratioOfMedians(above.samples, below.samples, seed);
      if (ratio === undefined) return [];
      const representative = series.representative && alone.representative;
      return [{ victim, series, alone, ratio, representative }];
    })
    .sort((a, b) => b.ratio.value - a.ratio.value);
}

/** The worst result of each victim, worst victim first. */
export const worstOfEach = (all: readonly Suffering[]): Suffering[] =>
  all.filter((s, i) => all.findIndex((other) => other.victim === s.victim) === i);

/**
 * Who suffers most: a target whose interval lies above 1 and above the other's. "neither" if all intervals end within the
 * tolerance. `undefined` if the samples show none of this.
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

/** How many more of a target would fit on this host, in addition to those that run. */
export interface Fit {
  median: number;
  n: number;
  /** What runs out first, in words; `undefined` if the run does not say. */
  limit: string | undefined;
  /** Whether conclusions may use it. */
  representative: boolean;
}

/** `undefined` if density did not measure it. */
export function fitOf(run: RunDocument, target: Target): Fit | undefined {
  const probe = probeOf(run, "density");
  const series = probe && seriesOf(probe, DENSITY_FIT, target);
  const figure = probe && series && figureOf(run, probe.id, series);
  const limit = series?.limit && RESOURCE_WORDS[series.limit];
  return figure && { median: figure.median, n: figure.n, limit, representative: series.representative };
}
