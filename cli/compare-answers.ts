import { widthOf } from "../base/wrap.js";
import type { TargetAnswer } from "../seats/run.js";
import type { Screen, Style } from "./context.js";

/** What differs, at the start of a line. */
const MARK = "≠ ";
const SAME = "  ";
/** Between two columns. */
const GAP = "  ";
/** For output that does not go to a terminal. */
const PAGE: Screen = { columns: 100, rows: 50 };
/** The most pairs of lines that are compared to align two outputs; larger ones are compared line by line. */
const MOST_PAIRS = 4_000_000;

/** A line of each output, in their order; absent where an output has no line in this place. */
type Row = readonly (string | undefined)[];

/**
 * The answers of several targets to one command: side by side if they fit the screen, else one below the other. Lines that
 * differ are marked.
 */
export function answerLines(answers: readonly TargetAnswer[], style: Style, screen = PAGE): string[] {
  const outputs = answers.map(outputOf);
  const heads = answers.map(headOf);
  const [output = [], another] = outputs;
  if (another === undefined)
    return answers[0]?.exitCode === 0 ? output : [...output, style.bad(heads[0] ?? "")];
  const rows = alignLines(outputs);
  const painted = heads.map((head, i) => (answers[i]?.exitCode === 0 ? style.bold : style.bad)(head));
  const verdict = verdictOf(rows, answers, style);
  const beside = sideBySide(rows, heads, painted, screen, style);
  if (beside) return [...beside, verdict];
  if (rows.every(isSame)) return [painted.join(", "), ...output.map((line) => SAME + line), verdict];
  const below = painted.flatMap((head, i) => [
    head,
    ...rows.flatMap((row) => {
      const line = row[i];
      if (line === undefined) return [];
      return isSame(row) ? [SAME + line] : [style.warn(MARK + line)];
    }),
  ]);
  return [...below, verdict];
}

/** The lines that it wrote: standard output, then standard error. */
function outputOf({ stdout, stderr }: TargetAnswer): string[] {
  return [stdout, stderr].flatMap((text) => (text === "" ? [] : text.replace(/\n$/, "").split("\n")));
}

const headOf = ({ exitCode, target }: TargetAnswer): string =>
  exitCode === 0 ? target : `${target}: exit code ${exitCode}`;

/** The rows as columns, with headings; `undefined` when they don't fit the screen. */
function sideBySide(
  rows: readonly Row[],
  heads: readonly string[],
  painted: readonly string[],
  screen: Screen,
  style: Style,
): string[] | undefined {
  const cells = rows.map((row) => row.map((line) => expandTabs(line ?? "")));
  const widths = heads.map((head, i) =>
    cells.reduce((most, row) => Math.max(most, widthOf(row[i] ?? "")), widthOf(head)),
  );
  const width = widths.reduce((sum, column) => sum + column + GAP.length, MARK.length - GAP.length);
  // The heading, the verdict, and the prompt after them.
  if (width > screen.columns || rows.length + 3 > screen.rows) return undefined;
  const padded = (texts: readonly string[], plain: readonly string[]): string =>
    texts.map((text, i) => text + " ".repeat((widths[i] ?? 0) - widthOf(plain[i] ?? ""))).join(GAP);
  return [
    (SAME + padded(painted, heads)).trimEnd(),
    ...rows.map((row, i) => {
      const line = padded(cells[i] ?? [], cells[i] ?? []);
      return isSame(row) ? (SAME + line).trimEnd() : style.warn((MARK + line).trimEnd());
    }),
  ];
}

/** `2 of 5 lines differ`, `the same in container and guest`. */
function verdictOf(rows: readonly Row[], answers: readonly TargetAnswer[], style: Style): string {
  const differing = rows.filter((row) => !isSame(row)).length;
  const codes = new Set(answers.map(({ exitCode }) => exitCode)).size;
  if (differing > 0) {
    if (rows.length === 1) return style.warn("the answers differ");
    return style.warn(`${differing} of ${rows.length} lines ${differing === 1 ? "differs" : "differ"}`);
  }
  if (codes > 1) return style.warn("the exit codes differ");
  const what = rows.length === 0 ? "no output" : "the same";
  return style.good(`${what} in ${answers.map(({ target }) => target).join(" and ")}`);
}

const isSame = ([first, ...others]: Row): boolean =>
  first !== undefined && others.every((line) => line === first);

/** Tabs as spaces, because a column can begin anywhere. */
function expandTabs(line: string): string {
  let text = "";
  for (const [i, part] of line.split("\t").entries())
    text += i === 0 ? part : " ".repeat(8 - (widthOf(text) % 8)) + part;
  return text;
}

/**
 * Puts the lines of several outputs beside each other, so that as many as possible are beside an equal one. Pure.
 *
 * @returns rows with a place for each output.
 */
export function alignLines(outputs: readonly (readonly string[])[]): Row[] {
  const [first = [], ...others] = outputs;
  return others.reduce<Row[]>(
    (rows, lines, i) => merged(rows, i + 1, lines),
    first.map((line) => [line]),
  );
}

/** Adds a column to rows that have `width` columns. */
function merged(rows: readonly Row[], width: number, lines: readonly string[]): Row[] {
  const result: Row[] = [];
  let [row, line] = [0, 0];
  const pair = (toRow: number, toLine: number): void => {
    // What is between two equal lines differs: in pairs, then what is left of the longer one.
    for (; row < toRow || line < toLine; row++, line++) {
      const before = row < toRow ? rows[row] : undefined;
      result.push([...(before ?? Array(width).fill(undefined)), line < toLine ? lines[line] : undefined]);
    }
    [row, line] = [toRow, toLine];
  };
  for (const [i, j] of equalPairs(rows, lines)) {
    pair(i, j);
    result.push([...(rows[i] ?? []), lines[j]]);
    [row, line] = [i + 1, j + 1];
  }
  pair(rows.length, lines.length);
  return result;
}

/** Which row goes with which equal line: a longest common subsequence. */
function equalPairs(rows: readonly Row[], lines: readonly string[]): [row: number, line: number][] {
  const keys = rows.map((row) => row.find((line) => line !== undefined));
  const [n, m] = [keys.length, lines.length];
  const equal = (i: number, j: number): boolean => keys[i] === lines[j];
  if (n * m > MOST_PAIRS)
    return keys.flatMap((_, i) => (i < m && equal(i, i) ? [[i, i] as [number, number]] : []));
  // lengths[i × (m + 1) + j]: of the longest common subsequence of what begins at row i and line j.
  const lengths = new Uint32Array((n + 1) * (m + 1));
  const at = (i: number, j: number): number => lengths[i * (m + 1) + j] ?? 0;
  for (let i = n - 1; i >= 0; i--)
    for (let j = m - 1; j >= 0; j--)
      lengths[i * (m + 1) + j] = equal(i, j) ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const pairs: [number, number][] = [];
  for (let [i, j] = [0, 0]; i < n && j < m; ) {
    if (equal(i, j)) pairs.push([i++, j++]);
    else if (at(i + 1, j) >= at(i, j + 1)) i++;
    else j++;
  }
  return pairs;
}
