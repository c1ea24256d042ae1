import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { poll, pollUntil } from "../../base/poll.js";

const pauses: number[] = [];
let now = 0;
vi.mock("node:timers/promises", () => ({
  setTimeout: async (ms: number, _value: undefined, { signal }: { signal?: AbortSignal }) => {
    pauses.push(ms);
    now += ms;
    signal?.throwIfAborted();
  },
}));
beforeEach(() => {
  now = 0;
  pauses.length = 0;
  vi.spyOn(Date, "now").mockImplementation(() => now);
});
afterEach(() => {
  vi.restoreAllMocks();
});

it("gives the first answer, also one that is false, empty or zero", async () => {
  for (const answer of [false, "", 0, null]) {
    const answers = [undefined, undefined, answer];
    expect(await poll(async () => answers.shift(), { limitMs: 100, everyMs: 10 })).toBe(answer);
  }
  expect(pauses).toHaveLength(8);
});

it("gives up after its limit, having looked at least once, and once when the limit was over", async () => {
  const seen: number[] = [];
  const look = async (): Promise<undefined> => {
    seen.push(now);
    return undefined;
  };
  expect(await poll(look, { limitMs: 25, everyMs: 10 })).toBeUndefined();
  expect(seen).toEqual([0, 10, 20, 30]);
  now = 0;
  expect(await pollUntil(async () => true, { limitMs: 0, everyMs: 10 })).toBe(true);
  expect(await pollUntil(async () => false, { limitMs: 0, everyMs: 10 })).toBe(false);
});

it("pauses longer and longer where it may", async () => {
  await poll(async () => undefined, { limitMs: 99, everyMs: 10, longestMs: 20 });
  expect(pauses).toEqual([10, 15, 20, 20, 20, 20]);
});

it("throws what the look throws, and the signal's reason", async () => {
  const broken = poll(() => Promise.reject(new Error("broken")), { limitMs: 100, everyMs: 10 });
  await expect(broken).rejects.toThrow("broken");
  const cancel = new AbortController();
  const look = async (): Promise<undefined> => {
    cancel.abort(new Error("enough"));
    return undefined;
  };
  const waiting = poll(look, { limitMs: 1e6, everyMs: 10, signal: cancel.signal });
  await expect(waiting).rejects.toThrow("enough");
  expect(pauses).toHaveLength(1);
});
