import { medianAbsoluteDeviation, medianSorted, quantileSorted } from "simple-statistics";
import { randomNumbers } from "../base/random.js";

/** How many resamples make an interval. Efron & Tibshirani (1993, §13.3) recommend at least 1000. */
export const RESAMPLES = 4000;

/** The confidence of every interval. */
export const CONFIDENCE = 0.95;

/**
 * With fewer samples there is no 95 % interval of the median. Even the whole range, smallest to largest, contains the true
 * median only with probability 1 − 2^(1−n): 94 % for five samples and 97 % for six.
 */
export const MIN_FOR_INTERVAL = 6;

/**
 * From this many samples per side on, two ranges that do not overlap show a difference. Without a difference, they do not
 * overlap by chance in 2 of (2n choose n) cases: 10 % for 3 and 3 samples, 2.9 % for 4 and 4.
 */
export const MIN_FOR_DIFFERENCE = 4;

/** Where the true value probably lies, in the samples' unit. */
export interface Interval {
  low: number;
  high: number;
  /** `bootstrap`: a 95 % interval. `range`: too few samples for one, so the smallest and largest; for a ratio maybe 0 and ∞. */
  kind: "bootstrap" | "range";
}

/** The summary of one series, in the samples' unit. */
export interface Summary {
  n: number;
  median: number;
  interval: Interval;
  /** Quartiles: type 7 of Hyndman & Fan (1996), linear between order statistics, as in R. */
  quartiles: [number, number];
  /** Median absolute deviation from the median, not scaled. */
  mad: number;
  min: number;
  max: number;
}

/** A ratio of two medians, without a unit. */
export interface Ratio {
  value: number;
  interval: Interval;
  /** Number of samples of the side with fewer. */
  n: number;
}

/** `undefined` if there are no samples. The same seed and samples give the same interval. */
export function summarize(samples: readonly number[], seed: string): Summary | undefined {
  const sorted = ascending(samples);
  const [min, max] = [sorted[0], sorted.at(-1)];
  if (min === undefined || max === undefined) return undefined;
  return {
    n: sorted.length,
    median: medianSorted(sorted),
    interval: medianInterval(sorted, seed),
    quartiles: [quantileSorted(sorted, 0.25), quantileSorted(sorted, 0.75)],
    mad: medianAbsoluteDeviation(sorted),
    min,
    max,
  };
}

/**
 * The 95 % interval of the median by the percentile bootstrap (Efron 1979; Efron & Tibshirani, An Introduction to the
 * Bootstrap, 1993, ch. 13): {@link RESAMPLES} resamples with replacement, the 2.5 % and 97.5 % quantiles of their medians.
 */
export function medianInterval(samples: readonly number[], seed: string): Interval {
  const sorted = ascending(samples);
  if (sorted.length < MIN_FOR_INTERVAL) return { low: least(sorted), high: most(sorted), kind: "range" };
  return percentiles(resampledMedians(sorted, randomNumbers(seed)));
}

/**
 * median(above) / median(below). For its percentile interval, both sides are resampled independently.
 *
 * @returns `undefined` if a side has no samples, or if a median is not positive.
 */
export function ratioOfMedians(
  above: readonly number[],
  below: readonly number[],
  seed: string,
): Ratio | undefined {
  const [a, b] = [ascending(above), ascending(below)];
  const n = Math.min(a.length, b.length);
  if (n === 0) return undefined;
  const [upper, lower] = [medianSorted(a), medianSorted(b)];
  if (upper <= 0 || lower <= 0) return undefined;
  const value = upper / lower;
  // If a sample is not positive, a resample's ratio could be anything, so the range is used.
  if (n < MIN_FOR_INTERVAL || least(a) <= 0 || least(b) <= 0) {
    const low = Math.max(0, least(a)) / most(b);
    const high = least(b) > 0 ? most(a) / least(b) : Number.POSITIVE_INFINITY;
    return { value, n, interval: { low, high, kind: "range" } };
  }
  const random = randomNumbers(seed);
  const [tops, bottoms] = [resampledMedians(a, random), resampledMedians(b, random)];
  return { value, n, interval: percentiles(tops.map((top, i) => top / (bottoms[i] ?? Number.NaN))) };
}

/** Whether there are enough samples for a conclusion. */
export const isConclusive = ({ interval, n }: Ratio): boolean =>
  interval.kind === "bootstrap" || n >= MIN_FOR_DIFFERENCE;

/** Whether a ratio's interval shows a difference. */
export const differs = (ratio: Ratio): boolean => isConclusive(ratio) && excludes(ratio.interval, 1);

/** The reciprocal. */
export const inverted = ({ value, n, interval: { low, high, kind } }: Ratio): Ratio => ({
  value: 1 / value,
  n,
  interval: { low: 1 / high, high: 1 / low, kind },
});

/** Whether `value` is outside the interval. */
export const excludes = (interval: Interval, value: number): boolean =>
  interval.low > value || interval.high < value;

const ascending = (samples: readonly number[]): number[] => [...samples].sort((x, y) => x - y);
const least = (sorted: readonly number[]): number => sorted[0] ?? Number.NaN;
const most = (sorted: readonly number[]): number => sorted.at(-1) ?? Number.NaN;

function percentiles(values: readonly number[]): Interval {
  // A typed array sorts thousands of numbers several times faster.
  const sorted = Array.from(Float64Array.from(values).sort());
  const tail = (1 - CONFIDENCE) / 2;
  return { low: quantileSorted(sorted, tail), high: quantileSorted(sorted, 1 - tail), kind: "bootstrap" };
}

/**
 * The medians of {@link RESAMPLES} resamples. It draws ranks of the sorted samples and counts them, so no resample needs to
 * be sorted.
 */
function resampledMedians(sorted: readonly number[], random: () => number): number[] {
  const n = sorted.length;
  const counts = new Uint16Array(n);
  const [lower, upper] = [Math.ceil(n / 2), Math.floor(n / 2) + 1];
  const medians: number[] = [];
  for (let r = 0; r < RESAMPLES; r++) {
    counts.fill(0);
    for (let i = 0; i < n; i++) {
      const rank = Math.floor(random() * n);
      counts[rank] = (counts[rank] ?? 0) + 1;
    }
    let seen = 0;
    let low: number | undefined;
    for (let rank = 0; rank < n; rank++) {
      seen += counts[rank] ?? 0;
      if (low === undefined && seen >= lower) low = sorted[rank];
      if (seen >= upper) {
        medians.push(((low ?? 0) + (sorted[rank] ?? 0)) / 2);
        break;
      }
    }
  }
  return medians;
}
