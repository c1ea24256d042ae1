import { join, resolve } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { z } from "zod";
import { ExitCode, messageOf, UserError } from "../base/errors.js";
import { folderNames, namesIn, readUserFile } from "../base/files.js";
import { privateDir, stateDir } from "../base/paths.js";
import type { SeatId } from "../model/naming.js";
import { migratedRun, olderRunSchema } from "../probes/older-runs.js";
import { RUN_ID, RUN_SCHEMA, type RunDocument, runDocumentSchema } from "../probes/run-document.js";

/** Runs are not below seats/, because `down` removes that, and measured results are kept. */
const runsRoot = (): string => join(stateDir(), "runs");
const runsDir = ({ lab, seat }: SeatId): string => join(runsRoot(), lab, seat);

/** A stored run. */
export interface StoredRun extends SeatId {
  id: string;
  path: string;
  /** Absent if the file can't be read; then `problem` says why. */
  run?: RunDocument;
  problem?: string;
}

/**
 * Writes the run atomically, readable only by its owner (0600). A run with the same id is overwritten.
 *
 * @returns the file's path.
 */
export async function saveRun(run: RunDocument): Promise<string> {
  if (!RUN_ID.test(run.id))
    throw new Error(`"${run.id}" can't be a run's id, because it can't be a file's name`);
  await privateDir(runsRoot());
  const dir = await privateDir(runsDir(run));
  const path = join(dir, `${run.id}.json`);
  await writeFileAtomic(path, `${JSON.stringify(run)}\n`, { mode: 0o600 });
  return path;
}

/** The files of the stored runs of a lab and seat (default: of all), newest first. */
async function runFiles(lab?: string, seat?: string): Promise<Omit<StoredRun, "run" | "problem">[]> {
  const found: Omit<StoredRun, "run" | "problem">[] = [];
  for (const l of lab === undefined ? await folderNames(runsRoot()) : [lab]) {
    for (const s of seat === undefined ? await folderNames(join(runsRoot(), l)) : [seat]) {
      const dir = runsDir({ lab: l, seat: s });
      const names = await namesIn(dir);
      for (const name of names.filter((n) => n.endsWith(".json")))
        found.push({ lab: l, seat: s, id: name.slice(0, -".json".length), path: join(dir, name) });
    }
  }
  return found.sort((a, b) => (a.id < b.id ? 1 : -1));
}

/** All stored runs, newest first. A file that can't be read is listed with its problem. */
export async function listRuns(lab?: string, seat?: string): Promise<StoredRun[]> {
  return Promise.all(
    (await runFiles(lab, seat)).map(async (file) => {
      try {
        return { ...file, run: await readRun(file.path) };
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        return { ...file, problem: error.why ?? error.message };
      }
    }),
  );
}

/**
 * Whether the run's guesses were made after an earlier run of its seat ended. False for a run that is not stored here,
 * because then its seat's other runs are not known.
 */
export async function guessedLate(run: RunDocument): Promise<boolean> {
  const { prediction } = run;
  if (prediction === undefined) return false;
  const stored = await listRuns(run.lab, run.seat);
  if (!stored.some(({ id }) => id === run.id)) return false;
  return stored.some((other) => other.run && Date.parse(other.run.endedAt) < Date.parse(prediction.at));
}

/** All seats that have stored runs, whether they exist now or not. */
export async function seatsWithRuns(lab?: string, seat?: string): Promise<SeatId[]> {
  const seats = (await runFiles(lab, seat)).map((file) => ({ lab: file.lab, seat: file.seat }));
  return [...new Map(seats.map((id) => [`${id.lab}/${id.seat}`, id])).values()];
}

/** @throws UserError (exit 6) if the seat has no runs. */
export async function newestRun(id: SeatId): Promise<RunDocument> {
  const [newest] = await runFiles(id.lab, id.seat);
  if (newest === undefined) throw noRun(`seat "${id.seat}" of lab "${id.lab}" has no runs`);
  return readRun(newest.path);
}

/**
 * Finds a run by its file's path (with a slash, or ending in .json), by its id, or by the beginning of exactly one id.
 *
 * @throws UserError: exit 6 if there is none, exit 2 if several match, and as {@link readRun}.
 */
export async function findRun(idOrPath: string): Promise<RunDocument> {
  if (idOrPath.includes("/") || idOrPath.endsWith(".json")) return readRun(resolve(idOrPath));
  const files = await runFiles();
  const exact = files.filter((file) => file.id === idOrPath);
  const fitting = exact.length > 0 ? exact : files.filter((file) => file.id.startsWith(idOrPath));
  const [only, second] = fitting;
  if (only === undefined) throw noRun(`there is no run "${idOrPath}"`, files[0]?.id);
  if (second !== undefined) {
    throw new UserError(`several runs begin with "${idOrPath}"`, {
      why: fitting.map((file) => file.id).join("\n"),
      fix: "give a longer part of the id, or the file's path",
      exitCode: ExitCode.usage,
    });
  }
  return readRun(only.path);
}

function noRun(what: string, newest?: string): UserError {
  return new UserError(what, {
    why: newest ? `the newest run here is ${newest}` : "nothing has been measured yet",
    fix: "list all runs: trilab compare history; or measure: trilab compare",
    exitCode: ExitCode.notFound,
  });
}

const envelopeSchema = z.object({ schema: z.number() });

/**
 * @throws UserError: exit 6 if there is no such file; exit 2 if it can't be read, a newer trilab wrote it, or it is not a
 * run; exit 1 if it is damaged.
 */
async function readRun(path: string): Promise<RunDocument> {
  const text = await readUserFile(path, "the run file");
  if (text === undefined) throw noRun(`there is no run file ${path}`);
  return parseRun(text, path);
}

/** Reads a run from its file's text. Pure; `path` is only for errors. */
function parseRun(text: string, path: string): RunDocument {
  const restore = "restore it from a backup, or measure again: trilab compare";
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw new UserError(`the run file ${path} is damaged`, {
      why: text.trim() === "" ? "it is empty" : `it is not JSON: ${messageOf(error)}`,
      fix: restore,
      cause: error,
    });
  }
  const envelope = envelopeSchema.safeParse(data);
  if (!envelope.success) {
    throw new UserError(`${path} is not a run of trilab`, {
      why: "it has no schema version",
      fix: "give a file that trilab compare stored; trilab compare history lists them",
      exitCode: ExitCode.usage,
    });
  }
  if (envelope.data.schema > RUN_SCHEMA) {
    throw new UserError(`a newer trilab wrote the run file ${path}`, {
      why: `it has schema ${envelope.data.schema}, and this trilab reads up to ${RUN_SCHEMA}`,
      fix: "use the newer trilab, or update this one: git pull",
      exitCode: ExitCode.usage,
    });
  }
  const old = olderRunSchema.safeParse(data).data;
  if (old !== undefined) return migratedRun(old);
  const result = runDocumentSchema.safeParse(data);
  if (result.success) return result.data;
  const problems = result.error.issues.slice(0, 5).map((i) => `${i.path.join(".") || "run"}: ${i.message}`);
  throw new UserError(`the run file ${path} is damaged`, {
    why: problems.join("\n"),
    fix: restore,
    cause: result.error,
  });
}
