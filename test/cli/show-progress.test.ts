import { Writable } from "node:stream";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { lineFollow, terminalFollow } from "../../cli/show-progress.js";
import { reporting, type Steps } from "../../model/events.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const wait = (ms: number): Promise<void> => vi.advanceTimersByTimeAsync(ms).then(() => {});

/** Two steps side by side: one is quick, the other takes so many milliseconds. */
const operation = (ms: number) =>
  reporting(async (steps: Steps) => {
    await Promise.all([
      steps.run({ step: "quick", title: "quick one" }, async () => {}),
      steps.run({ step: "long", title: "long one" }, async (progress) => {
        progress.update("at it");
        await new Promise((resolve) => setTimeout(resolve, ms));
        progress.note("worth keeping");
      }),
    ]);
    return "result";
  });

it("writes lines for work of more than a second, and what it waits for twice a minute", async () => {
  const lines: string[] = [];
  const running = lineFollow((line) => lines.push(line))(operation(40_000));
  await wait(40_000);
  expect(await running).toBe("result");
  expect(lines).toEqual([
    "long one …",
    "long one: at it (30s)",
    "  worth keeping",
    expect.stringMatching(/^long one: done in \d+\.\d s$/),
  ]);
});

it("says nothing of work under a second but its notes", async () => {
  const lines: string[] = [];
  const running = lineFollow((line) => lines.push(line))(operation(500));
  await wait(500);
  await running;
  expect(lines).toEqual(["  worth keeping"]);
});

it("leaves no line for a step that only passes, wherever it goes", async () => {
  const passing = () =>
    reporting((steps: Steps) =>
      steps.run({ step: "p", title: "passing", passing: true }, async () => {
        await new Promise((resolve) => setTimeout(resolve, 2000));
      }),
    );
  const lines: string[] = [];
  const running = lineFollow((line) => lines.push(line))(passing());
  await wait(2000);
  await running;
  expect(lines).toEqual([]);
  vi.useRealTimers();
  const stream = new Writable({ write: (_chunk, _encoding, done) => done() });
  const follow = terminalFollow(stream as unknown as NodeJS.WriteStream, (line) => lines.push(line));
  const about = { step: "p", title: "passing" };
  await follow(reporting((steps: Steps) => steps.run({ ...about, passing: true }, async () => {})));
  expect(lines).toEqual([]);
});

it("leaves a line for each step on a terminal, marked when it failed", async () => {
  let written = "";
  const stream = new Writable({
    write(chunk, _encoding, done) {
      written += chunk;
      done();
    },
  }) as unknown as NodeJS.WriteStream;
  stream.columns = 60;
  vi.useRealTimers();
  const failing = reporting(async (steps: Steps) => {
    await steps.run({ step: "a", title: "first" }, async () => {});
    await steps.run({ step: "b", title: "second" }, async () => {
      throw new Error("no");
    });
  });
  await expect(terminalFollow(stream, (line) => void stream.write(`${line}\n`))(failing)).rejects.toThrow(
    "no",
  );
  expect(written).toContain("✔ first\n");
  expect(written).toContain("✖ second\n");
});
