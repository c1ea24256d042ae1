import { type Interval, MIN_FOR_INTERVAL, type Ratio } from "./statistics.js";

/** How a unit is shown: multiply by `factor`, then write `unit`, which includes a leading space if it needs one. */
export interface Scale {
  factor: number;
  unit: string;
}

const TIMES: Readonly<Record<string, number>> = { s: 1, ms: 1e-3, us: 1e-6, ns: 1e-9 };
const SIZES: Readonly<Record<string, number>> = { GiB: 1024, MiB: 1, KiB: 1 / 1024, B: 1 / 1024 ** 2 };
/** Units that are printed differently from how they are stored. */
const PRINTED: Readonly<Record<string, string>> = { us: "µs", "1": "", "1/s": "/s" };

/**
 * The best scale to show `magnitude`, a value in `unit`. For times and sizes, it is the largest unit that leaves a digit
 * before the point. All other units stay.
 */
export function scaleFor(unit: string, magnitude: number): Scale {
  const rate = unit.endsWith("/s") && unit !== "1/s" ? "/s" : "";
  const family = [TIMES, SIZES].find((f) => unit.replace(/\/s$/, "") in f);
  const own = family?.[unit.replace(/\/s$/, "")];
  if (family === undefined || own === undefined) return { factor: 1, unit: PRINTED[unit] ?? ` ${unit}` };
  const units = Object.entries(family);
  const fit = units.find(([, size]) => Math.abs(magnitude) * own >= size) ?? [unit, own];
  const [name, size] = magnitude === 0 ? [unit, own] : fit;
  return { factor: own / size, unit: ` ${PRINTED[name] ?? name}${rate}` };
}

/** Three significant digits, with spaces between thousands: `0.0312`, `4.1`, `12 300`. */
export function formatNumber(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "∞";
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  const fixed = Math.min(digits, 12);
  const rounded = Number(value.toPrecision(3));
  const text = Math.abs(rounded) >= 1000 ? Math.round(value).toString() : rounded.toFixed(fixed);
  const plain = text.includes(".") ? text.replace(/\.?0+$/, "") : text;
  return plain
    .replace("-", "−")
    .replace(/^\D?\d{4,}$/, (whole) => whole.replace(/\d(?=(\d{3})+$)/g, "$&\u202f"));
}

/** A value with its unit, in its best scale. */
export function formatQuantity(value: number, unit: string, scale = scaleFor(unit, value)): string {
  return `${formatNumber(value * scale.factor)}${scale.unit.replace(/^ /, "\u00a0")}`;
}

/** `1.9 – 2.3 s`: both ends in the same scale. */
export function formatInterval({ low, high }: Interval, unit: string): string {
  const scale = scaleFor(unit, high);
  return `${formatNumber(low * scale.factor)}\u2009–\u2009${formatQuantity(high, unit, scale)}`;
}

/** `21×`: two significant digits. Three below 2, because small differences matter there. */
export function formatFactor(value: number): string {
  return `${formatNumber(Number(value.toPrecision(value < 2 ? 3 : 2)))}×`;
}

/** With a third digit if both ends would look the same. */
function factorRange({ low, high }: Interval): string {
  const format =
    formatFactor(low) === formatFactor(high) ? (x: number) => `${formatNumber(x)}×` : formatFactor;
  return `${format(low).slice(0, -1)}\u2009–\u2009${format(high)}`;
}

/** How sure a ratio is, in short: `95 % interval 20 – 22×`, or its extremes; undefined for one run. */
export function shortCertainty({ interval, n }: Ratio): string | undefined {
  if (n === 1) return undefined;
  return `${interval.kind === "bootstrap" ? "95\u00a0% interval" : "extremes"} ${factorRange(interval)}`;
}

/** `0.47 s → 9.98 s`, each value in its own scale. */
export const formatChange = (from: number, to: number, unit: string): string =>
  `${formatQuantity(from, unit)} → ${formatQuantity(to, unit)}`;

/** `45 %` of its speed is lost if something takes `ratio` times as long; at least 0. */
export const formatLoss = (ratio: number): string =>
  `${formatNumber(Math.max(0, Math.round((1 - 1 / ratio) * 100)))}\u00a0%`;

/** How sure a loss is: as shortCertainty(), in percent of the speed. */
export function lossCertainty({ interval, n }: Ratio): string | undefined {
  if (n === 1) return undefined;
  const [low, high] = [formatLoss(interval.low), formatLoss(interval.high)];
  return `${interval.kind === "bootstrap" ? "95\u00a0% interval" : "extremes"} ${low}\u2009–\u2009${high}`;
}

/** The text in brackets after a ratio: its 95 % interval, or why there is none. */
export function certainty(ratio: Ratio): string {
  if (ratio.interval.kind === "bootstrap") return `95\u00a0% interval ${factorRange(ratio.interval)}`;
  if (ratio.n === 1) return "one run only, so no interval";
  const why =
    ratio.n < MIN_FOR_INTERVAL
      ? `only ${ratio.n} runs per target, too few for an interval`
      : "no interval, because a sample is zero";
  return `${why}; extremes ${factorRange(ratio.interval)}`;
}
