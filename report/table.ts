import { stringify } from "csv-stringify/sync";
import { columns } from "../base/columns.js";
import { widthOf, wrapLine } from "../base/wrap.js";
import { rentedWords } from "../model/clouds.js";
import type { ProbeResult, RunDocument, Series } from "../probes/run-document.js";
import {
  baselineComparison,
  baselineOf,
  comparisonOf,
  controlOf,
  figureOf,
  headlineOf,
  metricsOf,
  seriesOf,
  sidesOf,
} from "./figures.js";
import { certainty, formatFactor, formatNumber, formatQuantity, scaleFor } from "./quantity.js";
import { elsewhereWords, shortTitle } from "./shown-runs.js";
import type { Interval, Summary } from "./statistics.js";

/** The terminal styles that the table uses. */
interface TableStyle {
  bold(text: string): string;
  dim(text: string): string;
  warn(text: string): string;
}

/** The largest width of the table, in columns. */
const WIDTH = 100;
/** A title needs at least so many columns beside its figures. If there is less room, it gets its own line. */
const MIN_TITLE = 24;

/** A row: what was measured, one cell per target, and the ratio. */
interface Row {
  title: string;
  cells: string[];
}

/** The figures for a terminal: for each probe and metric, each target's median with its interval, and the ratio. */
export function compareTable(run: RunDocument, style: TableStyle): string[] {
  const head = [...run.targets.map((t) => (t === "vps" && run.vps ? `vps (${run.vps.type})` : t)), "ratio"];
  const notes = new Set<string>();
  const probes = run.probes.map((probe) => ({ probe, rows: rowsOf(run, probe, style, notes) }));
  const [top = "", ...lines] = layOut(
    [{ title: "", cells: head.map(style.bold) }, ...probes.flatMap(({ rows }) => rows)],
    WIDTH,
  );
  const table = probes.flatMap(({ probe, rows }) => {
    const trouble =
      probe.status === "ok" ? "" : style.warn(` ${probe.status}: ${probe.note || "no reason given"}`);
    const counts = countsOf(probe);
    return [
      `${style.bold(probe.title)}${counts && style.dim(`  ${counts}`)}${trouble}`,
      ...lines.splice(0, rows.length).flat(),
    ];
  });
  const baseline = baselineBlock(run, style, notes);
  const elsewhere = elsewhereWords(run);
  const both = run.targets.includes("container") && run.targets.includes("guest");
  return [
    ...top,
    ...table,
    "",
    ...baseline,
    style.dim("median [95 % interval of the median]; {smallest, largest} where samples are too few for one"),
    ...(both ? [style.dim("ratio: the guest's median divided by the container's")] : []),
    ...(elsewhere ? [style.dim(`not on this machine: ${elsewhere}`)] : []),
    ...(run.vps ? [style.dim(`the vps: ${rentedWords(run.vps)}`)] : []),
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
    ...(run.partial ? [style.warn("a partial run: it ended before everything was measured")] : []),
  ].flatMap((line) => wrapLine(line, WIDTH));
}

/** @param notes The reasons why figures are not representative are added here. */
function rowsOf(run: RunDocument, probe: ProbeResult, style: TableStyle, notes: Set<string>): Row[] {
  return metricsOf(probe).map((metric) => {
    const all = probe.series.filter((s) => s.metric === metric);
    const cells = run.targets.map((target) => {
      const series = seriesOf(probe, metric, target);
      const failed = all.find((s) => s.target === target);
      if (series === undefined) return style.dim(failed && failed.status !== "ok" ? failed.status : "–");
      return seriesCell(run, probe, series, style, notes);
    });
    const compared = comparisonOf(run, probe, metric);
    const ratio = compared ? formatFactor(compared.ratio.value) : "";
    return {
      title: all[0]?.title ?? metric,
      cells: [...cells, compared?.representative === false ? style.dim(`(${ratio})`) : ratio],
    };
  });
}

function seriesCell(
  run: RunDocument,
  probe: ProbeResult,
  series: Series,
  style: TableStyle,
  notes: Set<string>,
): string {
  const figure = figureOf(run, probe.id, series);
  if (figure === undefined) return style.dim("–");
  if (!series.representative) notes.add(series.note || "not representative");
  return `${cell(figure, series.unit)}${series.representative ? "" : style.warn(" *")}`;
}

/** Each row as its lines. A title that is too long for its column continues on the next line. */
function layOut(rows: readonly Row[], width: number): string[][] {
  const figures = columns(rows.map(({ cells }) => cells));
  const left = width - Math.max(...figures.map(widthOf)) - 2;
  const longest = Math.max(...rows.map(({ title }) => widthOf(title))) + 2;
  const titles = rows.map(({ title }) =>
    wrapLine(`  ${title}`, left < MIN_TITLE ? width : Math.min(left, longest)),
  );
  if (left < MIN_TITLE && longest > left)
    return rows.map((_, i) => [...(titles[i] ?? []).filter((line) => line.trim()), `    ${figures[i]}`]);
  const column = Math.max(...titles.flat().map(widthOf));
  return titles.map(([first = "", ...more], i) => [
    `${first}${" ".repeat(column - widthOf(first))}  ${figures[i]}`.trimEnd(),
    ...more,
  ]);
}

/** The container beside a plain process on the host, with their ratio: what a container costs. */
function baselineBlock(run: RunDocument, style: TableStyle, notes: Set<string>): string[] {
  const { baseline } = run;
  if (baseline === undefined) return [];
  const heading = style.bold("What a container costs");
  if (!baseline.measured) return [heading, `  ${baseline.note}`, ""];
  const rows = run.probes.flatMap((probe) =>
    metricsOf(probe).flatMap((metric): Row[] => {
      const compared = baselineComparison(run, probe, metric);
      if (compared === undefined) return [];
      const cells = [compared.below, compared.above].map((series) =>
        seriesCell(run, probe, series, style, notes),
      );
      const { ratio } = compared;
      return [
        {
          title: compared.above.title,
          cells: [
            ...cells,
            `${formatFactor(ratio.value)}${bracketed(ratio.value, ratio.interval, (x) => formatNumber(x))}`,
          ],
        },
      ];
    }),
  );
  if (rows.length === 0) return [heading, "  no figures of the baseline and the container", ""];
  const [top = [], ...lines] = layOut(
    [{ title: "", cells: ["baseline", "container", "container : baseline"].map(style.bold) }, ...rows],
    WIDTH,
  );
  return [heading, ...top, ...lines.flat(), style.dim(`  baseline: ${baseline.note}`), ""];
}

/** What the negative control says about all other rows. */
function controlLine(run: RunDocument, probe: ProbeResult): string[] {
  return [headlineOf(run, probe.id), baselineOf(run, probe)].flatMap((compared) => {
    if (compared === undefined) return [];
    const said = compared.representative ? controlOf(compared) : "not judged, not representative";
    const { ratio } = compared;
    return [
      `negative control, ${shortTitle(probe.title)}: ${said} (${sidesOf(compared)} ${formatFactor(ratio.value)}, ${certainty(ratio)})`,
    ];
  });
}

/** `n = 30`, or `n = 1–6` if not all figures of the probe have as many samples. Empty if there are none. */
function countsOf(probe: ProbeResult): string {
  const counts = probe.series.map((s) => s.samples.length).filter((n) => n > 0);
  if (counts.length === 0) return "";
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return `n = ${least === most ? least : `${least}–${most}`}`;
}

/** `471 ms [460–486]`: the interval in the unit of the median. Without it if both ends read like the median. */
function cell(figure: Summary, unit: string): string {
  const scale = scaleFor(unit, figure.median);
  const interval = bracketed(figure.median, figure.interval, (value) => formatNumber(value * scale.factor));
  return `${formatQuantity(figure.median, unit, scale)}${interval}`;
}

/** ` [460–486]`, or ` {460–486}` if it is only the extremes; nothing if both ends read like the value. */
function bracketed(value: number, { low, high, kind }: Interval, format: (end: number) => string): string {
  if ([low, high].every((end) => format(end) === format(value))) return "";
  const [open, close] = kind === "bootstrap" ? ["[", "]"] : ["{", "}"];
  return ` ${open}${format(low)}–${format(high)}${close}`;
}

const CSV_COLUMNS = [
  ...["run", "lab", "seat", "probe", "metric", "target", "unit", "better", "status", "representative"],
  ...["quick", "partial", "n", "median", "low95", "high95", "mad", "min", "max", "note", "sample", "value"],
];

/**
 * One line per sample, with its series' summary. A series without samples has one line that says why. Numbers are in the
 * series' unit, not rounded. `empty` is the overhead of a probe. `low95` and `high95` are empty if there are too few samples.
 */
export function toCsv(run: RunDocument): string {
  const rows: (string | number | boolean)[][] = [CSV_COLUMNS];
  for (const probe of [...run.probes, { id: "empty", series: run.overhead }]) {
    for (const series of probe.series) {
      const figure = figureOf(run, probe.id, series);
      const interval = figure?.interval.kind === "bootstrap" ? figure.interval : undefined;
      const head = [
        ...[run.id, run.lab, run.seat, probe.id, series.metric, series.target, series.unit, series.better],
        ...[series.status, series.representative, run.quick, run.partial, series.samples.length],
        ...[figure?.median ?? "", interval?.low ?? "", interval?.high ?? "", figure?.mad ?? ""],
        ...[figure?.min ?? "", figure?.max ?? "", series.note],
      ].map((cell) => (typeof cell === "string" ? disarmed(cell) : cell));
      for (const [i, value] of series.samples.entries()) rows.push([...head, i + 1, value]);
      if (series.samples.length === 0) rows.push([...head, "", ""]);
    }
  }
  return stringify(rows, { record_delimiter: "windows", cast: { boolean: String } });
}

/** A spreadsheet would read a text with a leading =, +, - or @ as a formula. An apostrophe prevents that. */
const disarmed = (text: string): string => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text);
