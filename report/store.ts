import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { z } from "zod";
import { ExitCode, messageOf, UserError } from "../base/errors.js";
import { readUserFile } from "../base/files.js";
import { privateDir, stateDir } from "../base/paths.js";
import type { SeatId } from "../model/naming.js";
import { RUN_SCHEMA, type RunDocument, runDocumentSchema } from "../probes/run-document.js";
import { migratedRun, runV1Schema } from "../probes/run-v1.js";

/** Runs outlive their seat: `down` removes seats/, and nothing that a user measured goes with it. */
const runsRoot = (): string => join(stateDir(), "runs");
const runsDir = ({ lab, seat }: SeatId): string => join(runsRoot(), lab, seat);

/** What an id may be, as it is a file's name too. */
const RUN_ID = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** A stored run: what can be said of it without reading all of it to the user. */
export interface StoredRun extends SeatId {
  id: string;
  path: string;
  /** Absent when the file can't be read: then `problem` says why. */
  run?: RunDocument;
  problem?: string;
}

/**
 * Writes the run whole or not at all, for its owner only (0600). The same id is written over, so that a run may be
 * stored while it goes on.
 *
 * @returns the file's path.
 */
export async function saveRun(run: RunDocument): Promise<string> {
  if (!RUN_ID.test(run.id)) throw new Error(`"${run.id}" can't be a run's id: it is a file's name`);
  await privateDir(runsRoot());
  const dir = await privateDir(runsDir(run));
  const path = join(dir, `${run.id}.json`);
  await writeFileAtomic(path, `${JSON.stringify(run)}\n`, { mode: 0o600 });
  return path;
}

const folders = async (dir: string): Promise<string[]> =>
  (await readdir(dir, { withFileTypes: true }).catch(() => []))
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();

/** Where the stored runs of the given lab and seat lie (all, where not given), newest first. */
async function runFiles(lab?: string, seat?: string): Promise<Omit<StoredRun, "run" | "problem">[]> {
  const found: Omit<StoredRun, "run" | "problem">[] = [];
  for (const l of lab === undefined ? await folders(runsRoot()) : [lab]) {
    for (const s of seat === undefined ? await folders(join(runsRoot(), l)) : [seat]) {
      const dir = runsDir({ lab: l, seat: s });
      const names = await readdir(dir).catch((): string[] => []);
      for (const name of names.filter((n) => n.endsWith(".json")))
        found.push({ lab: l, seat: s, id: name.slice(0, -".json".length), path: join(dir, name) });
    }
  }
  return found.sort((a, b) => (a.id < b.id ? 1 : -1));
}

/** The history, newest first. A file that can't be read is listed with its problem, and hides no other. */
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
 * Whether the run's guesses were made when an earlier run of its seat could have been seen. Only a run that is stored
 * here is asked about: of a file from elsewhere, the seat's other runs are not known.
 */
export async function guessedLate(run: RunDocument): Promise<boolean> {
  const { prediction } = run;
  if (prediction === undefined) return false;
  const stored = await listRuns(run.lab, run.seat);
  if (!stored.some(({ id }) => id === run.id)) return false;
  return stored.some((other) => other.run && Date.parse(other.run.endedAt) < Date.parse(prediction.at));
}

/** The seats that have runs here, up or not. */
export async function seatsWithRuns(lab?: string, seat?: string): Promise<SeatId[]> {
  const seats = (await runFiles(lab, seat)).map((file) => ({ lab: file.lab, seat: file.seat }));
  return [...new Map(seats.map((id) => [`${id.lab}/${id.seat}`, id])).values()];
}

/** @throws UserError (exit 6) when the seat has no runs. */
export async function newestRun(id: SeatId): Promise<RunDocument> {
  const [newest] = await runFiles(id.lab, id.seat);
  if (newest === undefined) throw noRun(`seat "${id.seat}" of lab "${id.lab}" has no runs`);
  return readRun(newest.path);
}

/**
 * A run by its file's path (with a slash, or ending in .json), by its id, or by the beginning of only one id.
 *
 * @throws UserError: exit 6 when there is none, exit 2 when several fit, and as {@link readRun}.
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
      fix: "give more of the one you mean, or its file's path",
      exitCode: ExitCode.usage,
    });
  }
  return readRun(only.path);
}

function noRun(what: string, newest?: string): UserError {
  return new UserError(what, {
    why: newest ? `the newest run here is ${newest}` : "nothing has been measured yet",
    fix: "list what there is: trilab compare history; or measure: trilab compare",
    exitCode: ExitCode.notFound,
  });
}

const envelopeSchema = z.object({ schema: z.number() });

/**
 * @throws UserError: exit 6 when there is no such file, exit 2 when it can't be read, a newer trilab wrote it or it
 * is no run, exit 1 when it is damaged.
 */
async function readRun(path: string): Promise<RunDocument> {
  const text = await readUserFile(path, "the run file");
  if (text === undefined) throw noRun(`there is no run file ${path}`);
  return parseRun(text, path);
}

/** A run from its file's text. Pure; `path` is only named in errors. */
function parseRun(text: string, path: string): RunDocument {
  const restore = "restore it from a backup, or measure again: trilab compare";
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw new UserError(`the run file ${path} is damaged`, {
      why: text.trim() === "" ? "it is empty" : `it is no JSON: ${messageOf(error)}`,
      fix: restore,
      cause: error,
    });
  }
  const envelope = envelopeSchema.safeParse(data);
  if (!envelope.success) {
    throw new UserError(`${path} is no run of trilab`, {
      why: "it has no schema version",
      fix: "give a file that trilab compare stored: trilab compare history lists them",
      exitCode: ExitCode.usage,
    });
  }
  if (envelope.data.schema > RUN_SCHEMA) {
    throw new UserError(`the run file ${path} comes from a newer trilab`, {
      why: `it has schema ${envelope.data.schema}, and this trilab reads up to ${RUN_SCHEMA}`,
      fix: "use the newer trilab, or update this one: git pull",
      exitCode: ExitCode.usage,
    });
  }
  const old = runV1Schema.safeParse(data).data;
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
