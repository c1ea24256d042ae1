import type { TopLevelSpec } from "vega-lite";
import type { Place } from "../../probes/run-document.js";
import type { Html } from "../html.js";
import { formatInterval, formatNumber, formatQuantity, scaleFor } from "../quantity.js";
import type { Summary } from "../statistics.js";
import {
  AREA,
  COLOUR,
  CONFIG,
  draw,
  INK,
  LEFT,
  logTicks,
  MUTED,
  PAPER,
  pixelsDown,
  REFERENCE,
  RIGHT,
  WIDTH,
} from "./render.js";

/** The samples of one target, or of the baseline, in one metric of one run. */
export interface Strip {
  target: Place;
  /** The name to its left: `guest`, or with several runs `guest A`. */
  name: string;
  samples: readonly number[];
  figure: Summary;
  representative: boolean;
}

/** The strips of one metric, below its title. */
export interface StripGroup {
  title: string;
  strips: readonly Strip[];
  /** Published figures, as the guest's value that they would give, with a label. */
  references: readonly { value: number; label: string }[];
}

export interface StripPlot {
  /** The unit of every value in it. */
  unit: string;
  better: "lower" | "higher" | "none";
  groups: readonly StripGroup[];
  /** For screen readers. */
  label: string;
}

const ROW = 26;
const HEADING = 26;
const REFERENCE_ROW = 16;
const JITTER = 8;

/** From this ratio of largest to smallest value on, the axis is logarithmic, because a linear one would hide small values. */
const LOG_FROM = 25;

/**
 * Draws distributions: every sample is a dot, a bar is the median's interval, and a tick is the median. Dots are hollow if
 * they are not representative. Linear axes begin at zero.
 */
export async function stripPlot(plot: StripPlot): Promise<Html> {
  return draw(stripSpec(plot), plot.label);
}

function stripSpec({ unit, better, groups }: StripPlot): TopLevelSpec {
  const values = groups.flatMap((g) => [
    ...g.strips.flatMap((s) => [...s.samples]),
    ...g.references.map((r) => r.value),
  ]);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const logarithmic = least > 0 && most / least >= LOG_FROM;
  const scale = scaleFor(unit, logarithmic ? Math.sqrt(most * least) : most);
  const { dots, bars, texts, rules, height } = layOut(groups, unit, scale.factor);
  const domain: [number, number] = logarithmic
    ? [least * scale.factor * 0.8, most * scale.factor * 1.25]
    : [Math.min(0, least * scale.factor), most === 0 ? 1 : most * scale.factor * 1.03];
  const title = [
    scale.unit.trim() || "count",
    ...(logarithmic ? ["logarithmic"] : []),
    ...(better === "none" ? [] : [`${better} is better`]),
  ].join(" · ");
  const x = {
    field: "x",
    type: "quantitative" as const,
    scale: {
      domain,
      nice: false,
      ...(logarithmic ? { type: "log" as const } : { type: "linear" as const, zero: false }),
    },
    axis: {
      title,
      labelFlush: false,
      labelOverlap: !logarithmic,
      format: ",~r",
      ...(logarithmic ? { values: logTicks(...domain) } : { tickCount: 5 }),
    },
  };
  const y = pixelsDown(height);
  const color = {
    field: "target",
    type: "nominal" as const,
    scale: { domain: Object.keys(COLOUR), range: Object.values(COLOUR) },
    legend: null,
  };
  return {
    width: AREA,
    height,
    padding: { left: LEFT, right: RIGHT, top: 2, bottom: 40 },
    autosize: { type: "none" },
    config: CONFIG,
    layer: [
      {
        data: { values: rules },
        mark: { type: "rule", stroke: REFERENCE, strokeWidth: 1.5, strokeDash: [4, 3] },
        encoding: { x, y, y2: { field: "y2" } },
      },
      {
        data: { values: dots.filter((d) => d.representative) },
        mark: { type: "circle", size: 20, opacity: 0.42, stroke: null },
        encoding: { x, y, color },
      },
      {
        data: { values: dots.filter((d) => !d.representative) },
        mark: { type: "point", size: 18, filled: false, strokeWidth: 1, opacity: 0.6 },
        encoding: { x, y, color },
      },
      {
        data: { values: bars.filter((b) => b.bootstrap) },
        mark: { type: "rule", strokeWidth: 5, opacity: 0.95, strokeCap: "butt" },
        encoding: { x: { ...x, field: "low" }, x2: { field: "high" }, y, color },
      },
      {
        data: { values: bars.filter((b) => !b.bootstrap) },
        mark: { type: "rule", strokeWidth: 1 },
        encoding: { x: { ...x, field: "low" }, x2: { field: "high" }, y, color },
      },
      {
        data: { values: bars },
        mark: { type: "rule", stroke: PAPER, strokeWidth: 5 },
        encoding: { x: { ...x, field: "median" }, y: { ...y, field: "top" }, y2: { field: "bottom" } },
      },
      {
        data: { values: bars },
        mark: { type: "rule", strokeWidth: 2.5 },
        encoding: { x: { ...x, field: "median" }, y: { ...y, field: "top" }, y2: { field: "bottom" }, color },
      },
      ...(["heading", "name", "value", "muted", "count", "reference"] as const).map((kind) => ({
        data: { values: texts.filter((t) => t.kind === kind) },
        mark: {
          type: "text" as const,
          align: isRight(kind) ? ("right" as const) : ("left" as const),
          fontWeight: kind === "heading" || kind === "value" ? ("bold" as const) : ("normal" as const),
          fontSize: kind === "reference" || kind === "count" ? 11.5 : 13,
          fontStyle: kind === "reference" ? ("italic" as const) : ("normal" as const),
          color: { heading: INK, name: INK, value: INK, muted: MUTED, count: MUTED, reference: REFERENCE }[
            kind
          ],
        },
        encoding: {
          y,
          ...(kind === "name" ? { color } : {}),
          text: { field: "text", type: "nominal" as const },
          x: { value: isRight(kind) ? AREA + RIGHT - 2 : -LEFT },
        },
      })),
    ],
  };
}

interface Laid {
  dots: { x: number; y: number; target: Place; representative: boolean }[];
  bars: {
    low: number;
    high: number;
    median: number;
    y: number;
    top: number;
    bottom: number;
    target: Place;
    bootstrap: boolean;
  }[];
  texts: { kind: string; text: string; y: number; target?: Place }[];
  rules: { x: number; y: number; y2: number }[];
  /** Pixels. */
  height: number;
}

/** Places everything from top to bottom. */
function layOut(groups: readonly StripGroup[], unit: string, factor: number): Laid {
  const laid: Laid = { dots: [], bars: [], texts: [], rules: [], height: 0 };
  for (const group of groups) {
    const top = laid.height;
    const n = `n = ${countsOf(group.strips)}`;
    laid.texts.push({ kind: "heading", text: cut(group.title, n.length), y: top + HEADING / 2 + 2 });
    laid.texts.push({ kind: "count", text: n, y: top + HEADING / 2 + 2 });
    laid.height += HEADING;
    for (const { target, name, samples, figure, representative } of group.strips) {
      const y = laid.height + ROW / 2;
      for (const [i, sample] of samples.entries())
        laid.dots.push({ x: sample * factor, y: y + jitter(i), target, representative });
      laid.bars.push({
        low: figure.interval.low * factor,
        high: figure.interval.high * factor,
        median: figure.median * factor,
        ...{ y, top: y - 9, bottom: y + 9, target, bootstrap: figure.interval.kind === "bootstrap" },
      });
      laid.texts.push({ kind: "name", text: `${name}${representative ? "" : " *"}`, y, target });
      const kind = representative ? "value" : "muted";
      laid.texts.push({ kind, text: formatQuantity(figure.median, unit), y });
      laid.height += ROW;
    }
    for (const { value, label } of group.references) {
      laid.rules.push({ x: value * factor, y: top + HEADING, y2: laid.height });
      laid.texts.push({ kind: "reference", text: label, y: laid.height + REFERENCE_ROW / 2 });
      laid.height += REFERENCE_ROW;
    }
    laid.height += 4;
  }
  return laid;
}

const isRight = (kind: string): boolean => ["value", "muted", "count"].includes(kind);

/** `10 + 10`, one number per strip; `10 each` if there are many and all are the same. */
function countsOf(strips: readonly Strip[]): string {
  const counts = strips.map((s) => s.samples.length);
  return strips.length > 2 && new Set(counts).size === 1 ? `${counts[0]} each` : counts.join(" + ");
}

/** Cuts a title to leave room for the count to its right. The table of all figures has the whole title. */
function cut(title: string, countLength: number): string {
  // Widths of a wide font's letters, in pixels: bold titles 7.4, counts 6.4.
  const room = Math.max(12, Math.floor((WIDTH - 12 - countLength * 6.4) / 7.4));
  return title.length > room ? `${title.slice(0, room - 1).trimEnd()}…` : title;
}

/** Moves dots away from their line, in pixels: evenly and always the same (van der Corput's sequence). */
function jitter(i: number): number {
  let [place, denominator] = [0, 1];
  for (let rest = i + 1; rest > 0; rest = Math.floor(rest / 2)) {
    denominator *= 2;
    place += (rest % 2) / denominator;
  }
  return (place - 0.5) * 2 * JITTER;
}

/** The text of a strip plot for screen readers. */
export const describeStrips = (groups: readonly StripGroup[], unit: string): string =>
  groups
    .map(
      ({ title, strips }) =>
        `${title}: ${strips.map((s) => `${s.name} ${formatQuantity(s.figure.median, unit)} (${spoken(s, unit)})`).join(", ")}`,
    )
    .join("; ");

const spoken = ({ samples, figure: { interval }, representative }: Strip, unit: string): string =>
  [
    `${formatNumber(samples.length)} ${samples.length === 1 ? "sample" : "samples"}`,
    ...(samples.length > 1
      ? [
          `${interval.kind === "bootstrap" ? "95\u00a0% interval" : "extremes"} ${formatInterval(interval, unit)}`,
        ]
      : []),
    ...(representative ? [] : ["not representative"]),
  ].join("; ");
