import { type Interval, MIN_FOR_INTERVAL, type Ratio } from "./statistics.js";

/** How a unit is shown: multiply by `factor`, then write `unit` (with its leading space where it wants one). */
export interface Scale {
  factor: number;
  unit: string;
}

const TIMES: Readonly<Record<string, number>> = { s: 1, ms: 1e-3, us: 1e-6, ns: 1e-9 };
const SIZES: Readonly<Record<string, number>> = { GiB: 1024, MiB: 1, KiB: 1 / 1024, B: 1 / 1024 ** 2 };
/** Written as printed elsewhere; a thin no-break space stands before those that are words or symbols. */
const PRINTED: Readonly<Record<string, string>> = { us: "µs", "1": "", "1/s": "/s" };

/**
 * The scale in which `magnitude`, a value in `unit`, reads best: times and sizes move to the unit that leaves at least
 * one digit before the point; all others stay.
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

/** Three significant digits, thousands apart: `0.0312`, `4.1`, `12 300`. */
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

/** A value with its unit, in the scale that suits it. */
export function formatQuantity(value: number, unit: string, scale = scaleFor(unit, value)): string {
  return `${formatNumber(value * scale.factor)}${scale.unit.replace(/^ /, "\u00a0")}`;
}

/** `1.9 – 2.3 s`, in one scale for both ends. */
export function formatInterval({ low, high }: Interval, unit: string): string {
  const scale = scaleFor(unit, high);
  return `${formatNumber(low * scale.factor)}\u2009–\u2009${formatQuantity(high, unit, scale)}`;
}

/** `21×`: two significant digits are what such ratios carry; three below two, where small gaps matter. */
export function formatFactor(value: number): string {
  return `${formatNumber(Number(value.toPrecision(value < 2 ? 3 : 2)))}×`;
}

/** With one digit more where two would make both ends the same. */
function factorRange({ low, high }: Interval): string {
  const format =
    formatFactor(low) === formatFactor(high) ? (x: number) => `${formatNumber(x)}×` : formatFactor;
  return `${format(low).slice(0, -1)}\u2009–\u2009${format(high)}`;
}

/** What stands in brackets behind a ratio: its 95 % interval, or why there is none. */
export function certainty(ratio: Ratio): string {
  if (ratio.interval.kind === "bootstrap") return `95\u00a0% interval ${factorRange(ratio.interval)}`;
  if (ratio.n === 1) return "of a single run, so without an interval";
  const why =
    ratio.n < MIN_FOR_INTERVAL
      ? `only ${ratio.n} runs a side, too few for an interval`
      : "samples at zero allow no interval";
  return `${why}; extremes ${factorRange(ratio.interval)}`;
}
