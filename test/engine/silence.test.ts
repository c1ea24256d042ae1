import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ExitCode, UserError } from "../../base/errors.js";
import { hasEnded } from "../../base/processes.js";
import { openStack } from "../../engine/automation.js";
import { watchDaemons } from "../../engine/silence.js";
import { ownState, script, stackName, tempDir } from "./helpers.js";

const silence = new UserError("libvirt has stopped answering", { exitCode: ExitCode.hostNotReady });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

test("a daemon that is silent twice in a row is reported, and not asked again", async () => {
  const ask = vi.fn(async () => silence);
  const found = vi.fn();
  watchDaemons(ask, found);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(found).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(found).toHaveBeenCalledExactlyOnceWith(silence);
  await vi.advanceTimersByTimeAsync(100_000);
  expect(ask).toHaveBeenCalledTimes(2);
});

test("a daemon that answers in between has not stopped answering", async () => {
  const answers = [silence, undefined, silence, undefined];
  const found = vi.fn();
  const end = watchDaemons(async () => answers.shift(), found);
  await vi.advanceTimersByTimeAsync(80_000);
  expect(answers).toEqual([]);
  expect(found).not.toHaveBeenCalled();
  end();
});

test("after its end, nobody is asked, and an answer that is still awaited changes nothing", async () => {
  const found = vi.fn();
  let answer: (silence: UserError) => void = () => {};
  const ask = vi.fn(async () => silence);
  const end = watchDaemons(ask, found);
  await vi.advanceTimersByTimeAsync(20_000);
  ask.mockReturnValue(
    new Promise((resolve) => {
      answer = resolve;
    }),
  );
  await vi.advanceTimersByTimeAsync(20_000);
  end();
  answer(silence);
  await vi.advanceTimersByTimeAsync(100_000);
  expect(ask).toHaveBeenCalledTimes(2);
  expect(found).not.toHaveBeenCalled();
});

test("an engine that waits for a silent daemon is ended with its plugins, and the command says why", async () => {
  await ownState();
  const dir = await tempDir();
  // A plugin is in a process group of its own.
  const pulumi = await script(join(dir, "pulumi"), `setsid sleep 60 & echo $! $$ >'${dir}/pids'; wait`);
  const engine = { pulumi, version: "3.228.0", home: dir, path: [] };
  const up = openStack({ stack: stackName(), engine, askDaemons: async () => silence }).up();
  const ended = expect(up).rejects.toBe(silence);
  await vi.waitFor(async () => expect(await readFile(join(dir, "pids"), "utf8")).toMatch(/\n/), 10_000);
  await vi.advanceTimersByTimeAsync(40_000);
  await ended;
  const pids = (await readFile(join(dir, "pids"), "utf8")).trim().split(" ");
  expect(pids.length).toBe(2);
  for (const pid of pids) await vi.waitFor(() => expect(hasEnded(Number(pid))).toBe(true));
});
