import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import type { Place } from "../../probes/run-document.js";
import { Html, html } from "../html.js";

/**
 * Width of every plot, in CSS pixels. The page scales it by 0.8 (phone) to 1.2 (wide window), so that its text is readable
 * on both.
 */
export const WIDTH = 460;

/** Space for names to the left of the data, and for values to the right. */
export const LEFT = 108;
export const RIGHT = 88;
export const AREA = WIDTH - LEFT - RIGHT;

/** Colours are variables of the page's style, for light and dark. */
export const COLOUR: Readonly<Record<Place, string>> = {
  container: "var(--container)",
  guest: "var(--guest)",
  vps: "var(--vps)",
  baseline: "var(--baseline)",
};
export const INK = "var(--ink)";
export const MUTED = "var(--muted)";
const FAINT = "var(--faint)";
export const PAPER = "var(--paper)";
export const REFERENCE = "var(--reference)";

/** The style that all plots share. */
export const CONFIG = {
  aria: false,
  background: "transparent",
  locale: { number: { decimal: ".", thousands: "\u202f", grouping: [3], currency: ["", ""] } },
  font: "var(--sans)",
  view: { stroke: null },
  axis: {
    domain: false,
    gridColor: FAINT,
    gridWidth: 1,
    labelColor: MUTED,
    labelFont: "var(--sans)",
    labelFontSize: 12,
    labelPadding: 6,
    ticks: false,
    titleColor: MUTED,
    titleFont: "var(--sans)",
    titleFontSize: 12,
    titleFontWeight: "normal",
    titlePadding: 6,
  },
  text: { font: "var(--sans)", fontSize: 13, baseline: "middle" },
} satisfies NonNullable<TopLevelSpec["config"]>;

/** Ticks of a logarithmic axis: decades, if there are at least three; else 1 and 3, or 1, 2 and 5 of each. */
export function logTicks(low: number, high: number): number[] {
  const ticks = (steps: readonly number[]): number[] => {
    const found: number[] = [];
    for (let decade = Math.floor(Math.log10(low)); decade <= Math.log10(high); decade++)
      found.push(...steps.map((step) => Number(`${step}e${decade}`)));
    return found.filter((tick) => tick >= low && tick <= high);
  };
  const decades = ticks([1]);
  return decades.length >= 3 ? decades : ticks(high / low > 40 ? [1, 3] : [1, 2, 5]);
}

/** A vertical channel in pixels from the top, for plots whose rows we place ourselves. */
export const pixelsDown = (height: number) => ({
  field: "y",
  type: "quantitative" as const,
  scale: { domain: [0, height], range: [0, height], nice: false, zero: false },
  axis: null,
});

/** Draws a plot as an SVG element that uses the page's colours. Screen readers read `label` instead. */
export async function draw(spec: TopLevelSpec, label: string): Promise<Html> {
  const view = new View(parse(compile(spec).spec), { renderer: "none" });
  try {
    return new Html(tidy(await view.toSVG(), label));
  } finally {
    view.finalize();
  }
}

const CIRCLE =
  /<path transform="translate\(([^,]+),([^)]+)\)" d="M([\d.]+),0A[^"]*" ([^>]*?)><\/path>|<path transform="translate\(([^,]+),([^)]+)\)" d="M([\d.]+),0A[^"]*" ([^>]*?)\/>/g;

/** There are hundreds of samples, so a short class gives them their style: `dot`, or `ring` if hollow. */
function dotClass(style: string): string {
  const [, kind, target] =
    /^(fill|stroke)="var\(--(container|guest|vps|baseline)\)".* opacity="0\.\d+"/.exec(style) ?? [];
  return kind === undefined ? style : `class="${kind === "fill" ? "dot" : "ring"} ${target}"`;
}

/** Attributes that Vega adds to its marks and that the page does not need: one label describes the whole plot. */
const NOISE =
  / (?:class|role|aria-[a-z]+|pointer-events|(?:stroke-)?opacity|font-family|font-style|font-weight)="(?:mark-[^"]*|graphics-[^"]*|true|none|1|normal|var\(--sans\)|[a-z ]+ mark container)"/g;

/**
 * Makes Vega's SVG smaller: numbers in tags have one decimal, and dots are circles (a third of the bytes). It also removes
 * the fixed size, and adds a role and a label for screen readers.
 */
function tidy(svg: string, label: string): string {
  return svg
    .replace(CIRCLE, (_, x, y, r, style, x2, y2, r2, style2) => {
      return `<circle cx="${x ?? x2}" cy="${y ?? y2}" r="${r ?? r2}" ${dotClass(style ?? style2)}/>`;
    })
    .replace(/<path class="(back|fore)ground"[^>]*(\/>|><\/path>)/g, "")
    .replace(/<[^>]+>/g, (tag) => tag.replace(NOISE, ""))
    .replace(/<[^>]+>/g, (tag) => tag.replace(/-?\d+\.\d{2,}/g, (n) => String(Number(Number(n).toFixed(1)))))
    .replace(
      /<svg [^>]*viewBox="([^"]*)"[^>]*>/,
      (_, box: string) => html`<svg viewBox="${box}" role="img" aria-label="${label}">`.markup,
    );
}
