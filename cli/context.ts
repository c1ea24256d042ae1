import type { Tasks } from "./tasks.js";

/** What a command may touch of the outside: everything it prints goes through here, so tests can listen. */
export interface Context {
  /** `--json`: data as one JSON document on standard output, and nothing else there. */
  json: boolean;
  /** A line of data, on standard output. */
  print(line: string): void;
  /** A line for people, on standard error. */
  tell(line: string): void;
  /** Asks yes or no on the terminal; `undefined` where there is none to ask on. */
  confirm(question: string): Promise<boolean | undefined>;
  /** Runs work that takes a while, showing what it does. */
  tasks: Tasks;
  style: Style;
}

/** Terminal colours, or nothing where they don't belong (NO_COLOR, no terminal). */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  bad(text: string): string;
  warn(text: string): string;
}

/** Prints a report: as JSON with a schema version under `--json`, else as the lines given. */
export function report(ctx: Context, kind: string, data: object, lines: () => readonly string[]): void {
  if (ctx.json) ctx.print(JSON.stringify({ schema: 1, kind, ...data }, null, 2));
  else for (const line of lines()) ctx.print(line);
}

/** Rows of cells as aligned columns, two spaces apart; widths ignore colour codes. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for
  const width = (cell: string): number => cell.replace(/\u001b\[[0-9;]*m/g, "").length;
  const widths: number[] = [];
  for (const row of rows)
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, width(cell));
  return rows.map((row) =>
    row
      .map((cell, i) => (i === row.length - 1 ? cell : cell + " ".repeat((widths[i] ?? 0) - width(cell))))
      .join("  ")
      .trimEnd(),
  );
}
