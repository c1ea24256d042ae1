import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ExitCode, UserError } from "../../base/errors.js";
import { readPrediction, savePrediction } from "../../report/prediction-file.js";
import { findRun, guessedLate, listRuns, newestRun, saveRun, seatsWithRuns } from "../../report/run-store.js";
import { removeRecord } from "../../seats/seat-record.js";
import { syntheticRun } from "./fixture.js";

let dir = "";
const before = process.env.XDG_STATE_HOME;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "trilab-store-"));
  process.env.XDG_STATE_HOME = dir;
});
afterEach(async () => {
  if (before === undefined) delete process.env.XDG_STATE_HOME;
  else process.env.XDG_STATE_HOME = before;
  await rm(dir, { recursive: true, force: true });
});

const id = { lab: "synthetic", seat: "test" };
async function failure(promise: Promise<unknown>): Promise<UserError> {
  const error: unknown = await promise.then(
    () => undefined,
    (e: unknown) => e,
  );
  if (!(error instanceof UserError)) throw new Error(`no UserError but ${error}`);
  return error;
}

describe("stored runs", () => {
  it("come back as they were, newest first, for their owner only", async () => {
    const [old, young] = [syntheticRun({ seed: 1 }), syntheticRun({ seed: 2 })];
    await saveRun(young);
    const path = await saveRun(old);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(path, ".."))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(path, ".."))).toHaveLength(2);
    expect((await listRuns()).map((r) => r.id)).toEqual([young.id, old.id]);
    expect(await newestRun(id)).toEqual(young);
    expect(await findRun(old.id)).toEqual(old);
    expect(await findRun(path)).toEqual(old);
    expect(await findRun(young.id.slice(0, 10))).toEqual(young);
    expect(await seatsWithRuns()).toEqual([id]);
  });

  it("of schema 1 are read as today's: what runs out first was words then", async () => {
    const run = syntheticRun();
    const old = structuredClone({ ...run, schema: 1 });
    for (const probe of old.probes) for (const series of probe.series) delete series.limit;
    expect(JSON.stringify(old)).not.toContain('"limit"');
    const path = join(dir, "old.json");
    await writeFile(path, JSON.stringify(old));
    expect(await findRun(path)).toEqual(run);
    const fact = old.probes.find((p) => p.id === "density")?.facts[0];
    if (fact) fact.values = { guest: "by magic" };
    await writeFile(path, JSON.stringify(old));
    expect(JSON.stringify(await findRun(path))).not.toContain('"limit"');
  });

  it("survive their seat", async () => {
    const run = syntheticRun();
    await saveRun(run);
    await removeRecord(id);
    expect(await newestRun(id)).toEqual(run);
  });

  it("never leave their folder", async () => {
    await expect(saveRun(syntheticRun({ id: "../../escaped" }))).rejects.toThrow("file's name");
    const file = join(dir, "evil.json");
    await writeFile(file, JSON.stringify(syntheticRun({ id: "a/../../../home/me/x" })));
    expect((await failure(findRun(file))).why).toMatch(/^id: can't be a file's name/);
  });

  it("of the second schema, from before the baseline, are read", async () => {
    const run = syntheticRun();
    const path = await saveRun(run);
    await writeFile(path, JSON.stringify({ ...run, schema: 2 }));
    expect(await findRun(path)).toEqual(run);
  });

  it("say what is wrong with a file, and the others stay readable", async () => {
    const path = await saveRun(syntheticRun({ seed: 1 }));
    const good = await saveRun(syntheticRun({ seed: 2 }));
    const text = await readFile(path, "utf8");
    const cases: [string, number, RegExp][] = [
      ["", ExitCode.failed, /empty/],
      [text.slice(0, text.length / 2), ExitCode.failed, /not JSON/],
      [text.replace('"probes":[', '"probes":[7,'), ExitCode.failed, /probes\.0/],
      ["{}", ExitCode.usage, /no schema/],
      ["null", ExitCode.usage, /no schema/],
      [text.replace('"schema":3', '"schema":4'), ExitCode.usage, /schema 4.*up to 3/],
    ];
    for (const [content, exitCode, why] of cases) {
      await writeFile(path, content);
      const error = await failure(findRun(path));
      expect(error.exitCode, content.slice(0, 20)).toBe(exitCode);
      expect(error.why).toMatch(why);
      expect(error.fix).toBeTruthy();
      const list = await listRuns();
      expect(list).toHaveLength(2);
      expect(list.find((r) => r.path === path)?.problem).toMatch(why);
      expect(list.find((r) => r.path === good)?.run).toBeDefined();
    }
  });

  it("that are not there, or not one, are said so", async () => {
    expect((await failure(newestRun(id))).exitCode).toBe(ExitCode.notFound);
    expect((await failure(findRun("nothing"))).exitCode).toBe(ExitCode.notFound);
    expect((await failure(findRun("./nothing.json"))).exitCode).toBe(ExitCode.notFound);
    await saveRun(syntheticRun({ seed: 1 }));
    await saveRun(syntheticRun({ seed: 2 }));
    expect((await failure(findRun("2026"))).exitCode).toBe(ExitCode.usage);
    expect((await failure(findRun(dir))).exitCode).toBe(ExitCode.usage);
  });
});

it("guesses are late when a stored run of the seat had ended before, and only then", async () => {
  const guessed = (at: string, seed: number) => {
    const run = syntheticRun({ seed });
    return { ...run, prediction: run.prediction && { ...run.prediction, at } };
  };
  const late = guessed("2026-01-02T04:10:00Z", 2);
  expect(await guessedLate(late)).toBe(false); // not stored here: nothing is known of its seat
  await saveRun(guessed("2026-01-02T03:50:00Z", 1)); // while it ran, until 03:57
  await saveRun({ ...syntheticRun({ seed: 3, seat: "bob" }), endedAt: "2026-01-01T00:00:00Z" });
  await saveRun(late);
  expect(await guessedLate(late)).toBe(true);
  expect(await guessedLate(await findRun(syntheticRun({ seed: 1 }).id))).toBe(false);
  const { prediction: _, ...unguessed } = late;
  expect(await guessedLate(unguessed)).toBe(false);
});

it("guesses come back, and a damaged file says so", async () => {
  expect(await readPrediction(id)).toBeUndefined();
  const guess = { at: "now", startRatio: 10, memoryRatio: 5, duelLoser: "guest" as const, guestsThatFit: 12 };
  await savePrediction(id, guess);
  expect(await readPrediction(id)).toEqual(guess);
  await writeFile(join(dir, "trilab/seats/synthetic/test/prediction.json"), "{");
  expect((await failure(readPrediction(id))).fix).toContain("trilab predict");
});
