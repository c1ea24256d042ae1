import { readFile } from "node:fs/promises";
import { parse } from "csv-parse/sync";
import { ExitCode, messageOf, UserError } from "../base/errors.js";
import { kindOfPath } from "../base/files.js";
import { publicKeySchema } from "../model/guest-contract.js";
import { dnsLabel, labelProblem, MAX_SEAT_LENGTH, TARGETS, type Target } from "../model/naming.js";
import { isUsablePublicKey } from "../model/public-key.js";

/** A learner of a roster. */
export interface Learner {
  /** The seat's name, a DNS label. */
  seat: string;
  /** Empty where the roster has none. */
  name: string;
  email: string;
  id: string;
  /** The targets of the seat; absent: the class's. */
  targets?: Target[];
  /** The learner's own SSH key, in authorized_keys form; absent: the card brings the seat's. */
  publicKey?: string;
}

/** What a column may be called; in lower case, without hyphens and underscores. */
const COLUMNS = {
  seat: ["seat"],
  name: ["name", "full name", "student", "learner"],
  first: ["first name", "given name"],
  last: ["last name", "surname", "family name"],
  email: ["email", "email address", "mail", "e mail"],
  id: ["id", "id number", "username", "login", "student id"],
  targets: ["targets", "machines"],
  key: ["ssh key", "public key", "ssh public key"],
} as const;
type Column = keyof typeof COLUMNS;

/** The longest text of a cell, and of one with a key. */
const MAX_CELL = 200;
const MAX_KEY_CELL = 1024;

/** Reads a roster file. @throws UserError (exit 2) for everything that is wrong in it, at once, with the line of each. */
export async function readRoster(path: string): Promise<Learner[]> {
  const kind = await kindOfPath(path);
  if (kind !== "file")
    throw notARoster(path, [kind === undefined ? "there is no such file" : `it is a ${kind}`]);
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw notARoster(path, [messageOf(error)]);
  }
  return parseRoster(decodeText(bytes), path);
}

/**
 * The text of a file that a spreadsheet wrote: UTF-8, UTF-16 with a byte order mark, else Windows-1252, as Excel writes CSV in
 * Western Europe. Pure.
 */
export function decodeText(bytes: Uint8Array): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder("utf-16be").decode(bytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}

/**
 * The learners of a roster: CSV with a header, separated by commas, semicolons or tabs. Pure; `file` is only for errors.
 *
 * A seat is named by the column `seat`; without one, by `id`; else by the e-mail address before its @; else by the name.
 */
export function parseRoster(text: string, file: string): Learner[] {
  // Excel's own way to name the separator. An empty line takes its place, so that every line keeps its number.
  const [, named, body = text] = /^sep=(.)(\r?\n[\s\S]*)$/.exec(text.replace(/^\uFEFF/, "")) ?? [];
  const { columns, rows } = readTable(body, named ?? separatorOf(body), file);
  if (rows.length === 0) throw notARoster(file, ["it has no rows"]);
  const used = new Map(
    (Object.keys(COLUMNS) as Column[]).map((column) => [
      column,
      columns.find((name) => (COLUMNS[column] as readonly string[]).includes(plain(name))),
    ]),
  );
  if ((["seat", "id", "email", "name", "first"] as const).every((column) => used.get(column) === undefined))
    throw notARoster(file, [
      `it has no column name, email, id or seat; its columns are: ${columns.join(", ")}`,
    ]);
  const problems: string[] = [];
  const learners: (Learner & { line: number })[] = [];
  for (const { cells, line } of rows) {
    const cell = (column: Column): string => {
      const name = used.get(column);
      return name === undefined ? "" : (cells[name]?.trim() ?? "");
    };
    const [targets, publicKey] = [targetsIn(cell("targets")), cell("key")];
    const wrong =
      cellProblem(publicKey, MAX_KEY_CELL) ??
      (Object.keys(COLUMNS) as Column[])
        .filter((column) => column !== "key")
        .map((column) => cellProblem(cell(column)))
        .find((problem) => problem !== undefined) ??
      (typeof targets === "string" ? targets : undefined) ??
      (publicKey === "" ? undefined : keyProblem(publicKey));
    if (wrong !== undefined) {
      problems.push(`line ${line}: ${wrong}`);
      continue;
    }
    const name = cell("name") || [cell("first"), cell("last")].filter(Boolean).join(" ");
    const [email, id] = [cell("email"), cell("id")];
    if (email !== "" && !/^[^\s@]+@[^\s@]+$/.test(email)) {
      problems.push(`line ${line}: "${email}" is not an e-mail address`);
      continue;
    }
    const seat =
      cell("seat") ||
      dnsLabel(id, MAX_SEAT_LENGTH) ||
      dnsLabel(email.split("@")[0] ?? "", MAX_SEAT_LENGTH) ||
      dnsLabel(name, MAX_SEAT_LENGTH);
    const problem = labelProblem(seat, MAX_SEAT_LENGTH);
    if (problem !== undefined) {
      const what =
        cell("seat") === ""
          ? "no seat's name can be made of it; fill in the column id"
          : `"${seat}" ${problem}`;
      problems.push(`line ${line}: ${what}`);
      continue;
    }
    learners.push({
      ...{ seat, name, email, id, line },
      ...(typeof targets === "object" ? { targets } : {}),
      ...(publicKey === "" ? {} : { publicKey }),
    });
  }
  problems.push(...duplicates(learners));
  if (problems.length > 0) throw notARoster(file, problems);
  return learners.map(({ line: _, ...learner }) => learner);
}

interface Row {
  cells: Record<string, string>;
  /** In the file, from 1. */
  line: number;
}

/** The header's names, and the rows, which may be shorter than the header. */
function readTable(text: string, delimiter: string, file: string): { columns: string[]; rows: Row[] } {
  let columns: string[] = [];
  try {
    const rows = parse(text, {
      bom: true,
      columns: (names: string[]) => {
        columns = names.map((name) => name.trim());
        return columns;
      },
      delimiter,
      info: true,
      relax_column_count_less: true,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
    }) as unknown as { record: Record<string, string>; info: { lines: number } }[];
    return { columns, rows: rows.map(({ info, record }) => ({ cells: record, line: info.lines })) };
  } catch (error) {
    throw notARoster(file, [messageOf(error)]);
  }
}

/** The separator that the header has most often. */
function separatorOf(text: string): string {
  const header = text.split("\n").find((line) => line.trim() !== "") ?? "";
  const count = (separator: string): number => header.split(separator).length;
  return [";", "\t"].reduce((best, each) => (count(each) > count(best) ? each : best), ",");
}

const plain = (name: string): string => name.toLowerCase().replace(/[-_]+/g, " ").trim();

/** What is unsafe in a cell; names go into tables, pages and terminals. */
function cellProblem(cell: string, longest = MAX_CELL): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/.test(cell))
    return "it contains a control character";
  if (/^\s*[=+@]|^\s*-(?!\s*$)/.test(cell))
    return `"${cell.slice(0, 30)}" looks like a formula of a spreadsheet`;
  return cell.length > longest ? `a cell has ${cell.length} characters, at most ${longest} fit` : undefined;
}

/** The targets in a cell, separated by spaces, commas or semicolons; `undefined` for an empty one; a text says what is wrong. */
function targetsIn(cell: string): Target[] | string | undefined {
  const words = cell.split(/[\s,;]+/).filter(Boolean);
  const unknown = words.find((word) => !(TARGETS as readonly string[]).includes(word));
  if (unknown !== undefined) return `"${unknown}" is not a target; the targets are ${TARGETS.join(", ")}`;
  return words.length === 0 ? undefined : TARGETS.filter((target) => words.includes(target));
}

function keyProblem(key: string): string | undefined {
  const { error } = publicKeySchema.safeParse(key);
  if (error) return `the SSH key ${error.issues[0]?.message}`;
  if (!isUsablePublicKey(key)) return "the SSH key is damaged, or its type does not fit its content";
  return /^sk-/.test(key) ? "the entry of a class can't check keys of security tokens (sk-…)" : undefined;
}

function duplicates(learners: readonly (Learner & { line: number })[]): string[] {
  const problems: string[] = [];
  for (const key of ["seat", "email"] as const) {
    const seen = new Map<string, number>();
    for (const learner of learners) {
      const value = learner[key].toLowerCase();
      const first = value && seen.get(value);
      if (first)
        problems.push(
          `line ${learner.line}: the ${key === "seat" ? "seat's name" : "e-mail address"} "${value}" is also that of line ${first}`,
        );
      else seen.set(value, learner.line);
    }
  }
  return problems;
}

/** Problems that are shown; a file of another kind has one in each line. */
const MOST_PROBLEMS = 20;

function notARoster(file: string, problems: readonly string[]): UserError {
  const more = problems.length - MOST_PROBLEMS;
  return new UserError(`the roster ${file} can't be used`, {
    why: [...problems.slice(0, MOST_PROBLEMS), ...(more > 0 ? [`and ${more} more`] : [])].join("\n"),
    fix: "correct it: a CSV file with a header and a row for each learner, with the columns name, email, id or seat",
    exitCode: ExitCode.usage,
  });
}
