import type { Follow } from "./show-progress.js";

export { columns } from "../base/columns.js";

/** A command's access to the outside. Everything it prints goes through here, so that tests can read it. */
export interface Context {
  /** `--json`: data as one JSON document on standard output, and nothing else there. */
  json: boolean;
  /** A line of data, on standard output. */
  print(line: string): void;
  /** A line for people, on standard error. */
  tell(line: string): void;
  /** Asks yes or no on the terminal; `undefined` if there is no terminal. */
  confirm(question: string): Promise<boolean | undefined>;
  /** Asks for a line of text on the terminal; `undefined` if there is no terminal. */
  ask(question: string): Promise<string | undefined>;
  /** Shows the events of an operation while it runs, and returns its result. */
  follow: Follow;
  /** Aborted by the first Ctrl-C: an operation then ends after the current step. */
  signal: AbortSignal;
  style: Style;
  /** The size of the terminal on standard output; absent: it is none. */
  screen?: Screen | undefined;
}

/** A terminal's size, in characters. */
export interface Screen {
  columns: number;
  rows: number;
}

/** Terminal colours, or plain text (with NO_COLOR, or without a terminal). */
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
