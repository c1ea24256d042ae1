import { columns } from "../cli/context.js";
import type { Figures } from "./figures.js";
import { LINES, type LineSpec } from "./lines.js";
import type { Summary } from "./stats.js";

/** The lines with figures as data, for `lines` of the JSON document. */
export function lineData(figures: Figures): object[] {
  return measured(figures).map(({ line, ours }) => ({
    line: line.id,
    what: line.what,
    unit: line.unit,
    trilab: ours,
    beside: peersOf(line, figures).map(({ who, did, summary }) => ({
      who,
      did,
      ...summary,
      ...(ours && summary ? compare(ours, summary) : {}),
    })),
    ...(line.aim ? { aim: line.aim.text, met: line.aim.met(figures) } : {}),
  }));
}

/** The same as a table: a row for trilab, and below it one for each other contestant. */
export function tableLines(figures: Figures): string[] {
  const rows = [["line", "", "median", "min–max", "n", "trilab is", "aim"]];
  for (const { line, ours } of measured(figures)) {
    const met = line.aim?.met(figures);
    const verdict = met === undefined ? "" : met ? " ✓" : " ✗";
    rows.push([
      line.id,
      `trilab ${line.what}`,
      ...cells(ours, line.unit),
      "",
      line.aim ? line.aim.text + verdict : "",
    ]);
    for (const { did, summary } of peersOf(line, figures)) {
      const c = ours && summary ? compare(ours, summary) : undefined;
      const says = c
        ? `×${c.ratio.toFixed(2)}, ${c.difference < 0 ? "−" : "+"}${show(Math.abs(c.difference), line.unit)}`
        : "";
      rows.push(["", `  ${did}`, ...cells(summary, line.unit), says, ""]);
    }
  }
  return columns(rows);
}

const compare = (ours: Summary, peer: Summary): { ratio: number; difference: number } => ({
  ratio: ours.median / peer.median,
  difference: ours.median - peer.median,
});

function measured(figures: Figures): { line: LineSpec; ours: Summary | undefined }[] {
  return LINES.map((line) => ({ line, ours: figures.summary(line.id, "trilab") })).filter(
    ({ line, ours }) => ours !== undefined || peersOf(line, figures).length > 0,
  );
}

const peersOf = (line: LineSpec, figures: Figures) =>
  line.peers
    .map((peer) => ({ ...peer, summary: figures.summary(line.id, peer.who) }))
    .filter(({ summary }) => summary !== undefined);

function cells(summary: Summary | undefined, unit: LineSpec["unit"]): string[] {
  if (summary === undefined) return ["not measured", "", ""];
  const { max, median, min, samples } = summary;
  return [show(median, unit), `${number(min, unit)}–${number(max, unit)}`, String(samples.length)];
}

const number = (value: number, unit: LineSpec["unit"]): string =>
  unit === "MiB" ? value.toFixed(0) : value < 1 ? value.toFixed(3) : value.toFixed(2);

const show = (value: number, unit: LineSpec["unit"]): string => `${number(value, unit)} ${unit}`;
