import { execFileSync } from "node:child_process";
import { lstat, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ExitCode, UserError } from "../../base/errors.js";
import type { Context } from "../../cli/context.js";
import { main } from "../../cli/main.js";
import { lineFollow } from "../../cli/show-progress.js";
import { readPrediction } from "../../report/prediction-file.js";
import { saveRun } from "../../report/run-store.js";
import { writeRecord } from "../../seats/seat-record.js";
import { syntheticRun } from "../report/fixture.js";
import { seatRecord } from "../seats/record.js";

let dir = "";
const before = process.env.XDG_STATE_HOME;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "trilab-report-"));
  process.env.XDG_STATE_HOME = dir;
});
afterEach(async () => {
  if (before === undefined) delete process.env.XDG_STATE_HOME;
  else process.env.XDG_STATE_HOME = before;
  await rm(dir, { recursive: true, force: true });
});

/** Runs a command line in process; `answers` are typed when it asks, no answers means no terminal. */
async function run(argv: string[], answers?: string[]) {
  const [out, told, asked]: [string[], string[], string[]] = [[], [], []];
  const plain = (text: string): string => text;
  const ctx = (json: boolean): Context => ({
    json,
    print: (line) => out.push(line),
    tell: (line) => told.push(line),
    confirm: async () => undefined,
    ask: async (question) => {
      asked.push(question);
      return answers?.shift();
    },
    signal: new AbortController().signal,
    follow: lineFollow(() => {}),
    style: { bold: plain, dim: plain, good: plain, bad: plain, warn: plain },
  });
  try {
    return { exitCode: await main(argv, ctx), out: out.join("\n"), told, asked, error: undefined };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { exitCode: error.exitCode, out: out.join("\n"), told, asked, error };
  }
}

it("trilab compare history says when each run was, in words for people", async () => {
  await saveRun(syntheticRun({ seed: 1 }));
  const { out } = await run(["compare", "history"]);
  expect(out).toMatch(/^RUN +STARTED +TARGETS/);
  expect(out).toMatch(/-synthetic-test +2026-01-0\d \d\d:\d\d UTC\S*, \S+ ago +container,guest/);
});

describe("trilab report", () => {
  it("makes a page of the seat's newest run, of a run named, and of several", async () => {
    await saveRun(syntheticRun({ seed: 1 }));
    const path = await saveRun(syntheticRun({ seed: 2 }));
    const file = join(dir, "new/page.html");
    const first = await run(["report", "-o", file, "--json"]);
    expect(first.exitCode).toBe(0);
    const page = await readFile(file, "utf8");
    expect(JSON.parse(first.out)).toEqual({
      schema: 1,
      kind: "report",
      file,
      bytes: Buffer.byteLength(page),
      runs: [syntheticRun({ seed: 2 }).id],
    });
    expect((await run(["report", path, "2026-01-02", "-o", file])).exitCode).toBe(0);
    expect(await readFile(file, "utf8")).toContain("container B");
    expect((await run(["report", "-o", "-"])).out).toMatch(/^<!doctype html>[\s\S]*<\/html>$/);
  });

  it("writes over nothing but its own pages", async () => {
    await saveRun(syntheticRun());
    const file = join(dir, "thesis.html");
    await writeFile(file, "years of work");
    expect((await run(["report", "-o", file])).exitCode).toBe(ExitCode.usage);
    expect(await readFile(file, "utf8")).toBe("years of work");
    const fifo = join(dir, "fifo");
    execFileSync("mkfifo", [fifo]);
    for (const special of [dir, fifo]) {
      const refused = await run(["report", "-o", special]);
      expect(refused.exitCode).toBe(ExitCode.usage);
      expect(refused.error?.message).toContain("not a regular file");
    }
    expect((await lstat(fifo)).isFIFO()).toBe(true);
    expect((await run(["report", fifo])).exitCode).toBe(ExitCode.usage);
  });

  it("writes to standard output by every name that it has", async () => {
    await saveRun(syntheticRun());
    for (const name of ["-", "/dev/stdout", "/dev/fd/1"]) {
      const { exitCode, out } = await run(["report", "-o", name]);
      expect([name, exitCode, out.slice(0, 15)]).toEqual([name, 0, "<!doctype html>"]);
      expect((await run(["report", "-o", name, "--json"])).exitCode).toBe(ExitCode.usage);
    }
  });

  it.each([
    [["report"], ExitCode.notFound, "trilab compare"],
    [["report", "--seat", "nobody"], ExitCode.notFound, "trilab compare"],
    [["report", "2025"], ExitCode.notFound, "history"],
    [["report", "./none.json"], ExitCode.notFound, "history"],
    [["report", "--out", "x"], ExitCode.usage, "--output"],
  ])("%j ends with %i and helps", async (argv, exitCode, help) => {
    const result = await run(argv);
    expect(result.exitCode).toBe(exitCode);
    expect(`${result.error?.why} ${result.error?.fix}`).toContain(help);
  });

  it("asks which seat when several have runs", async () => {
    await saveRun(syntheticRun({ seat: "alice" }));
    await saveRun(syntheticRun({ seat: "bob" }));
    expect((await run(["report", "-o", "-"])).error?.why).toContain("seat bob");
    expect((await run(["report", "--seat", "bob", "-o", "-"])).out).toContain("<b>bob</b>");
  });
});

it("says of guesses whether a run had been seen before", async () => {
  const guessedAt = (at: string, seed: number) => {
    const run = syntheticRun({ seed });
    return { ...run, prediction: run.prediction && { ...run.prediction, at } };
  };
  await saveRun(guessedAt("2026-01-02T03:40:00Z", 1)); // ended at 03:57
  expect((await run(["report", "-o", "-"])).out).not.toContain("Guessed after a run");
  await saveRun(guessedAt("2026-01-02T04:10:00Z", 2));
  expect((await run(["report", "-o", "-"])).out).toContain("Guessed after a run could be seen");
});

describe("trilab predict", () => {
  const id = { lab: "first-boot", seat: "alice" };
  beforeEach(() => writeRecord(seatRecord(id)));
  const guesses = { startRatio: 10, memoryRatio: 5.5, duelLoser: "guest", guestsThatFit: 12 };

  it("takes flags without asking", async () => {
    const flags = ["--start-ratio", "10x", "--memory-ratio=5.5", "--duel-loser", "guest", "--fit", "12"];
    const { exitCode, asked } = await run(["predict", "--seat", "alice", ...flags]);
    expect([exitCode, asked]).toEqual([0, []]);
    expect(await readPrediction(id)).toMatchObject(guesses);
  });

  it("takes neither for the duel's loser", async () => {
    const { exitCode, asked } = await run(["predict"], ["10", "5.5", "n", "12"]);
    expect([exitCode, asked.length]).toEqual([0, 4]);
    expect(await readPrediction(id)).toMatchObject({ ...guesses, duelLoser: "neither" });
  });

  it("asks for what was not given, until it is an answer", async () => {
    const { asked, told } = await run(["predict", "--fit", "12"], ["ten", "10", "5.5", "g"]);
    expect(asked).toHaveLength(4);
    expect(told).toHaveLength(1);
    expect(await readPrediction(id)).toMatchObject(guesses);
    // A number named in a question would draw the guess to itself.
    expect(asked.join("\n")).not.toMatch(/such as|[2-9]|1\d/);
  });

  it.each([
    [["--start-ratio", "0"], "above 0"],
    [["--duel-loser", "both"], "container, guest or neither"],
    [["--fit", "-1"], "0 or more"],
    [[], "--start-ratio FACTOR"],
  ])("%j ends with 2 and stores nothing", async (flags, help) => {
    const { exitCode, error } = await run(["predict", ...flags]);
    expect(exitCode).toBe(ExitCode.usage);
    expect(error?.fix).toContain(help);
    expect(await readPrediction(id)).toBeUndefined();
  });
});
