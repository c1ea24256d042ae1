import type { TopLevelSpec } from "vega-lite";
import type { Html } from "../html.js";
import { certainty, formatFactor } from "../quantity.js";
import type { Ratio } from "../statistics.js";
import { CONFIG, draw, INK, logTicks, MUTED, pixelsDown, REFERENCE, RIGHT, WIDTH } from "./render.js";

/** One probe's row: the guest's cost or time divided by the container's, in each run. */
export interface RatioRow {
  title: string;
  points: readonly {
    name: string;
    ratio: Ratio;
    representative: boolean;
    /** The two values: `0.4 s → 7.4 s`. */
    change: string;
  }[];
  /** Published ratios, guest : container. */
  published: readonly number[];
}

/** Space for titles, which are longer than targets' names. */
const LEFT = 158;
const AREA = WIDTH - LEFT - RIGHT;
const ROW = 36;
const EXTRA = 30;
/** Pixels from the middle of a row to the line with the two values. */
const BELOW = 14;

/** All probes on one logarithmic axis. Left of 1, the guest needs less; right of 1, it needs more. */
export async function ratioPlot(rows: readonly RatioRow[]): Promise<Html> {
  const label = rows
    .map((r) => `${r.title}: ${r.points.map((p) => spoken(p, r.points.length > 1)).join(", ")}`)
    .join("; ");
  return draw(ratioSpec(rows), `Guest compared with container. ${label}`);
}

const spoken = (
  { name, ratio, representative, change }: RatioRow["points"][number],
  several: boolean,
): string =>
  `${several ? `${name} ` : ""}${formatFactor(ratio.value)} (${change}; ${certainty(ratio)}${representative ? "" : "; not representative"})`;

export function ratioSpec(rows: readonly RatioRow[]): TopLevelSpec {
  const finite = [
    1,
    ...rows.flatMap((r) => [
      ...r.points.flatMap(({ ratio: { value, interval } }) => [value, interval.low, interval.high]),
      ...r.published,
    ]),
  ].filter((v) => v > 0 && Number.isFinite(v));
  const domain: [number, number] = [
    Math.min(...finite.map((v) => v * 0.8), 0.5),
    Math.max(...finite.map((v) => v * 1.25), 2),
  ];
  const points: { x: number; low: number; high: number; y: number; representative: boolean }[] = [];
  const published: { x: number; y: number }[] = [];
  const texts: { kind: string; text: string; y: number }[] = [];
  let height = 6;
  for (const row of rows) {
    texts.push({
      kind: "title",
      text: row.title.length > 22 ? `${row.title.slice(0, 21)}…` : row.title,
      y: height + ROW / 2,
    });
    for (const [i, { name, ratio, representative, change }] of row.points.entries()) {
      const y = height + ROW / 2 + i * EXTRA;
      const several = row.points.length > 1 ? `${name} ` : "";
      texts.push({ kind: "change", text: `${several}${change}`, y: y + BELOW });
      // A logarithmic axis has no 0 and no ∞, so these are drawn at the edge.
      const low = Math.max(ratio.interval.low, domain[0]);
      const high = Math.min(ratio.interval.high, domain[1]);
      points.push({ x: ratio.value, low, high, y, representative });
      const text = `${several}${formatFactor(ratio.value)}`;
      texts.push({ kind: representative ? "value" : "muted", text: representative ? text : `${text} *`, y });
      for (const x of i === 0 ? row.published : []) published.push({ x, y });
    }
    height += ROW + Math.max(0, row.points.length - 1) * EXTRA;
  }
  const x = {
    field: "x",
    type: "quantitative" as const,
    scale: { type: "log" as const, domain, nice: false },
    axis: {
      values: logTicks(...domain),
      format: ",~r",
      title: "← guest needs less · guest needs more →",
      labelOverlap: false,
    },
  };
  const y = pixelsDown(height);
  const texted = (
    kind: string,
    align: "left" | "right",
    at: number,
    color: string,
    bold: boolean,
    fontSize = 13,
  ) => ({
    data: { values: texts.filter((t) => t.kind === kind) },
    mark: {
      type: "text" as const,
      align,
      color,
      fontSize,
      fontWeight: bold ? ("bold" as const) : ("normal" as const),
    },
    encoding: { x: { value: at }, y, text: { field: "text", type: "nominal" as const } },
  });
  return {
    width: AREA,
    height,
    padding: { left: LEFT, right: RIGHT, top: 2, bottom: 40 },
    autosize: { type: "none" },
    config: CONFIG,
    layer: [
      {
        data: { values: [{ x: 1 }] },
        mark: { type: "rule", stroke: INK, strokeWidth: 1.2 },
        encoding: { x },
      },
      {
        data: { values: published },
        mark: {
          type: "point",
          shape: "diamond",
          size: 90,
          stroke: REFERENCE,
          strokeWidth: 1.6,
          filled: false,
        },
        encoding: { x, y },
      },
      ...([true, false] as const).map((representative) => ({
        data: { values: points.filter((p) => p.representative === representative) },
        mark: { type: "rule" as const, stroke: representative ? INK : MUTED, strokeWidth: 2 },
        encoding: { x: { ...x, field: "low" }, x2: { field: "high" }, y },
      })),
      {
        data: { values: points.filter((p) => p.representative) },
        mark: { type: "circle", size: 70, color: INK, opacity: 1 },
        encoding: { x, y },
      },
      {
        data: { values: points.filter((p) => !p.representative) },
        mark: { type: "point", size: 60, stroke: MUTED, fill: "var(--paper)", strokeWidth: 1.5, opacity: 1 },
        encoding: { x, y },
      },
      texted("title", "left", -LEFT, INK, false),
      texted("change", "left", -LEFT, MUTED, false, 11.5),
      texted("value", "right", AREA + RIGHT - 2, INK, true),
      texted("muted", "right", AREA + RIGHT - 2, MUTED, false),
    ],
  };
}
