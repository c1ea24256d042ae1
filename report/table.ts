import { columns } from "../base/columns.js";
import { rentedWords } from "../model/clouds.js";
import type { ProbeResult, RunDocument } from "../probes/run-document.js";
import { comparisonOf, controlOf, figureOf, headlineOf, metricsOf, seriesOf } from "./figures.js";
import { certainty, formatFactor, formatInterval, formatQuantity } from "./quantity.js";
import { shortTitle } from "./runs.js";
import type { Summary } from "./statistics.js";

/** What of the terminal's style the table uses. */
interface TableStyle {
  bold(text: string): string;
  dim(text: string): string;
  warn(text: string): string;
}

/** The figures for a terminal: per probe and metric, each target's median with its 95 % interval, and their ratio. */
export function compareTable(run: RunDocument, style: TableStyle): string[] {
  const heads = run.targets.map((t) => (t === "vps" && run.vps ? `vps (${rentedWords(run.vps)})` : t));
  const rows: string[][] = [["", ...heads, "guest : container"].map(style.bold)];
  /** Headings by the row that they stand before: they are no cells, so that they widen no column. */
  const headings = new Map<number, string>();
  const notes = new Set<string>();
  for (const probe of run.probes) {
    const missing = probe.status !== "ok";
    const trouble = missing ? style.warn(` ${probe.status}: ${probe.note || "no reason given"}`) : "";
    const before = headings.get(rows.length);
    headings.set(rows.length, `${before ? `${before}\n` : ""}${style.bold(probe.title)}${trouble}`);
    for (const metric of metricsOf(probe)) {
      const all = probe.series.filter((s) => s.metric === metric);
      const cells = run.targets.map((target) => {
        const series = seriesOf(probe, metric, target);
        const failed = all.find((s) => s.target === target);
        const figure = series && figureOf(run, probe.id, series);
        if (series === undefined || figure === undefined)
          return style.dim(failed && failed.status !== "ok" ? failed.status : "–");
        if (!series.representative) notes.add(series.note || "not representative");
        return `${cell(figure, series.unit)}${series.representative ? "" : style.warn(" *")}`;
      });
      const compared = comparisonOf(run, probe, metric);
      const ratio = compared ? formatFactor(compared.ratio.value) : "";
      rows.push([
        `  ${all[0]?.title ?? metric}`,
        ...cells,
        compared?.representative === false ? style.dim(`(${ratio})`) : ratio,
      ]);
    }
  }
  return [
    ...[...columns(rows), undefined].flatMap((line, i) => [
      ...(headings.get(i)?.split("\n") ?? []),
      ...(line === undefined ? [] : [line]),
    ]),
    "",
    style.dim("median [95 % interval of the median]; {smallest, largest} where samples are too few for one"),
    ...run.probes.filter((probe) => probe.control).flatMap((probe) => controlLine(run, probe)),
    ...(run.emulated
      ? [
          style.warn(
            "a virtual machine was emulated, without KVM: it starts, stops and works slower, and costs more memory",
          ),
        ]
      : []),
    ...[...notes].map((note) => style.warn(`* not representative: ${note}`)),
    ...(run.quick ? [style.warn("a quick run: a demonstration, not a measurement")] : []),
    ...(run.partial ? [style.warn("a partial run: ended before all was measured")] : []),
  ];
}

/** What the negative control says of all the rows above. */
function controlLine(run: RunDocument, { id, title }: ProbeResult): string[] {
  const compared = headlineOf(run, id);
  if (compared === undefined) return [];
  const said = compared.representative ? controlOf(compared) : "not judged, not representative";
  const { ratio } = compared;
  return [
    `negative control, ${shortTitle(title)}: ${said} (guest : container ${formatFactor(ratio.value)}, ${certainty(ratio)})`,
  ];
}

function cell(figure: Summary, unit: string): string {
  const [open, close] = figure.interval.kind === "bootstrap" ? ["[", "]"] : ["{", "}"];
  return `${formatQuantity(figure.median, unit)} ${open}${formatInterval(figure.interval, unit)}${close}`;
}

const CSV_COLUMNS = [
  "run,lab,seat,probe,metric,target,unit,better,status,representative,quick,partial",
  "n,median,low95,high95,mad,min,max,note,sample,value",
].join(",");

/** A cell by RFC 4180. A leading =, +, - or @ of a text would be a formula to a spreadsheet: an apostrophe disarms it. */
function csv(value: string | number | boolean): string {
  if (typeof value !== "string") return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * One line a sample, with its series' summary beside it; a series without samples has one line that says why. Numbers
 * are in the series' unit, unrounded. `empty` is the probes' own cost. `low95` and `high95` are empty where samples are too few.
 */
export function toCsv(run: RunDocument): string {
  const lines = [CSV_COLUMNS];
  for (const probe of [...run.probes, { id: "empty", series: run.overhead }]) {
    for (const series of probe.series) {
      const figure = figureOf(run, probe.id, series);
      const interval = figure?.interval.kind === "bootstrap" ? figure.interval : undefined;
      const head = [
        ...[run.id, run.lab, run.seat, probe.id, series.metric, series.target, series.unit, series.better],
        ...[series.status, series.representative, run.quick, run.partial, series.samples.length],
        ...[figure?.median ?? "", interval?.low ?? "", interval?.high ?? "", figure?.mad ?? ""],
        ...[figure?.min ?? "", figure?.max ?? "", series.note],
      ].map(csv);
      for (const [i, value] of series.samples.entries()) lines.push([...head, i + 1, value].join(","));
      if (series.samples.length === 0) lines.push([...head, "", ""].join(","));
    }
  }
  return `${lines.join("\r\n")}\r\n`;
}
