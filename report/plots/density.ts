import { mean } from "simple-statistics";
import type { TopLevelSpec } from "vega-lite";
import type { Target } from "../../model/naming.js";
import type { Html } from "../html.js";
import { formatNumber, scaleFor } from "../quantity.js";
import { AREA, COLOUR, CONFIG, draw, LEFT, MUTED, RIGHT } from "./render.js";

/** What one target's machines cost together, and how many would fit. */
export interface Density {
  target: Target;
  /** Memory of each one that was started, in MiB. */
  memory: number[];
  /** How many would fit: extrapolated. */
  fit: number;
  representative: boolean;
}

const HEIGHT = 190;

/** Memory by number of machines: a thick line for machines that were started, a dashed line for the extrapolation. */
export async function densityPlot(all: readonly Density[]): Promise<Html> {
  const label = all
    .map(
      (d) =>
        `${d.target}: ${d.memory.length} measured, ${formatNumber(d.fit)} extrapolated${d.representative ? "" : " (not representative)"}`,
    )
    .join("; ");
  return draw(densitySpec(all), `Memory of many. ${label}`);
}

function densitySpec(all: readonly Density[]): TopLevelSpec {
  // The axis ends where the first target fills the host. The other target's line continues beyond the edge.
  const most = Math.max(8, Math.min(...all.map((d) => d.fit)) * 1.15);
  const top = Math.max(...all.map((d) => mean(d.memory) * Math.min(d.fit, most))) || 1;
  const scale = scaleFor("MiB", top);
  const measured = all.flatMap((d) =>
    [0, ...d.memory].map((_, n) => ({
      target: d.target,
      n,
      memory: d.memory.slice(0, n).reduce((a, b) => a + b, 0) * scale.factor,
    })),
  );
  const extrapolated = all.flatMap((d) =>
    [d.memory.length, Math.min(d.fit, most)].map((n) => ({
      target: d.target,
      n,
      memory: mean(d.memory) * n * scale.factor,
    })),
  );
  const ends = extrapolated
    .filter((_, i) => i % 2 === 1)
    .map((end, i) => ({ ...end, fits: all[i]?.fit ?? 0 }));
  const x = {
    field: "n",
    type: "quantitative" as const,
    scale: { domain: [0, most], nice: false },
    axis: { title: "further machines, idle", tickCount: 6, format: ",~r" },
  };
  const y = {
    field: "memory",
    type: "quantitative" as const,
    scale: { domain: [0, top * scale.factor * 1.12], nice: false },
    axis: { title: `memory of all, ${scale.unit.trim()}`, tickCount: 4, format: ",~r" },
  };
  const color = {
    field: "target",
    type: "nominal" as const,
    scale: { domain: Object.keys(COLOUR), range: Object.values(COLOUR) },
    legend: null,
  };
  return {
    width: AREA + LEFT - 70,
    height: HEIGHT,
    padding: { left: 70, right: RIGHT, top: 18, bottom: 40 },
    autosize: { type: "none" },
    config: CONFIG,
    layer: [
      {
        data: { values: extrapolated },
        mark: { type: "line", strokeWidth: 1.5, strokeDash: [4, 4] },
        encoding: { x, y, color },
      },
      { data: { values: measured }, mark: { type: "line", strokeWidth: 3 }, encoding: { x, y, color } },
      {
        data: { values: measured.filter((m) => m.n > 0) },
        mark: { type: "circle", size: 26, opacity: 1 },
        encoding: { x, y, color },
      },
      {
        data: {
          values: ends.map((end) => ({
            ...end,
            text: end.fits > most ? `${end.target} →` : `${end.target} ${formatNumber(end.fits)}`,
          })),
        },
        mark: { type: "text", align: "center", baseline: "bottom", dy: -6 },
        encoding: { x, y, color, text: { field: "text", type: "nominal" } },
      },
      {
        data: { values: ends.filter((end) => end.fits <= most) },
        mark: { type: "point", size: 50, filled: false, strokeWidth: 1.6, fill: "var(--paper)", opacity: 1 },
        encoding: { x, y, color },
      },
      {
        data: { values: [{ text: "thick: started and measured · dashed: extrapolated" }] },
        mark: { type: "text", align: "left", color: MUTED, fontSize: 11.5 },
        encoding: { x: { value: 8 }, y: { value: -8 }, text: { field: "text", type: "nominal" } },
      },
    ],
  };
}
