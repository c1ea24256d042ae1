import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  addAttempts,
  attemptsDir,
  type Entry,
  parseAttempts,
  readAttempts,
  seatKey,
} from "../../tasks/attempts.js";

const id = { lab: "web", seat: "alice" };
const entry = (task: string): Entry => ({ at: "t", kind: "check", task, outcome: "met", lab: "l", by: "me" });
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "attempts-"));
  vi.stubEnv("XDG_STATE_HOME", dir);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});
const file = () => join(attemptsDir(id), "attempts.jsonl");
const lines = async () => (await readFile(file(), "utf8")).trimEnd().split("\n");

describe("the record of attempts", () => {
  it("keeps what was added, in order, for its owner only", async () => {
    expect(await readAttempts(id)).toEqual({ entries: [], broken: [] });
    await addAttempts(id, [entry("a"), entry("b")]);
    await addAttempts(id, [entry("c")]);
    expect(await readAttempts(id)).toEqual({ entries: [entry("a"), entry("b"), entry("c")], broken: [] });
    expect((await stat(file())).mode & 0o777).toBe(0o600);
  });

  it("keeps its chain when several write at once", async () => {
    await Promise.all(["a", "b", "c", "d"].map((task) => addAttempts(id, [entry(task)])));
    const { broken, entries } = await readAttempts(id);
    expect(broken).toEqual([]);
    expect(entries.map(({ task }) => task).sort()).toEqual(["a", "b", "c", "d"]);
  });

  it("shows a line that was changed, removed or put in", async () => {
    await addAttempts(id, [entry("a"), entry("b"), entry("c")]);
    const [a = "", b = "", c = ""] = await lines();
    expect(parseAttempts([a, b.replace('"b"', '"x"'), c].join("\n")).broken).toEqual([3]);
    expect(parseAttempts([a, c].join("\n")).broken).toEqual([2]);
    expect(parseAttempts([b, c].join("\n")).broken).toEqual([1]);
    expect(parseAttempts([a, a, b, c].join("\n")).broken).toEqual([2]);
    expect(parseAttempts([a, b, c].join("\n")).broken).toEqual([]);
  });

  it("hides nothing behind a damaged line, and goes on after it", async () => {
    await addAttempts(id, [entry("a")]);
    await appendFile(file(), '{"task":"cut o');
    await addAttempts(id, [entry("b")]);
    const { broken, entries } = await readAttempts(id);
    expect(entries.map(({ task }) => task)).toEqual(["a", "b"]);
    expect(broken).toEqual([2]);
  });
});

it("a seat's key is made once, also by two at once", async () => {
  const [one, two] = await Promise.all([seatKey(id), seatKey(id)]);
  expect(one).toMatch(/^[0-9a-f]{64}$/);
  expect([two, await seatKey(id)]).toEqual([one, one]);
  await writeFile(join(attemptsDir(id), "key"), "");
  expect(await seatKey(id)).not.toBe(one);
});
