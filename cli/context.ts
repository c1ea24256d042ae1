import type { Follow } from "./follow.js";

export { columns } from "../base/columns.js";

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
  /** Asks for a line of text on the terminal; `undefined` where there is none to ask on. */
  ask(question: string): Promise<string | undefined>;
  /** Shows the events of an operation while it runs, and returns its result. */
  follow: Follow;
  /** Aborted by the first Ctrl-C: an operation then ends after the step in hand. */
  signal: AbortSignal;
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
