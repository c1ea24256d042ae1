import { expect, it } from "vitest";
import { canaryFirst } from "../../classes/canary-first.js";

/** Brings up seats, of which these fail at their first attempts. @returns the ends, and what was brought up together. */
async function bringUp(
  seats: readonly string[],
  failing: Readonly<Record<string, number>> = {},
  signal?: AbortSignal,
) {
  const groups: string[][] = [];
  const left = { ...failing };
  const ends = await canaryFirst<string, string>(seats, {
    isNew: (seat) => !seat.startsWith("old"),
    bringUp: async (some) => {
      groups.push([...some]);
      return some.map((seat) => {
        const failures = left[seat] ?? 0;
        left[seat] = failures - 1;
        return failures > 0 ? "failed" : "done";
      });
    },
    isDone: (end) => end === "done",
    isWorthAnother: (end) => end === "failed",
    renew: async (some) => some,
    signal,
  });
  return { ends, groups };
}

it("one new seat first, then all others at once", async () => {
  expect(await bringUp(["old1", "a", "b", "c"])).toEqual({
    ends: ["done", "done", "done", "done"],
    groups: [["a"], ["old1", "b", "c"]],
  });
  expect((await bringUp(["old1", "old2"])).groups).toEqual([["old1", "old2"]]);
  expect(await bringUp([])).toEqual({ ends: [], groups: [] });
});

it("a seat that fails is tried once more, and no other suffers", async () => {
  expect(await bringUp(["a", "b", "c"], { b: 1, c: 2 })).toEqual({
    ends: ["done", "done", "failed"],
    groups: [["a"], ["b", "c"], ["b", "c"]],
  });
});

it("if the first fails, a second one decides whether the others are begun", async () => {
  expect((await bringUp(["a", "b", "c"], { a: 2 })).ends).toEqual(["failed", "done", "done"]);
  const broken = await bringUp(["a", "b", "c", "d"], { a: 2, b: 2 });
  expect(broken.ends).toEqual(["failed", "failed", undefined, undefined]);
});

it("begins nothing more after an interrupt", async () => {
  const abort = new AbortController();
  abort.abort();
  expect(await bringUp(["a", "b"], { a: 1 }, abort.signal)).toEqual({
    ends: ["failed", undefined],
    groups: [["a"]],
  });
});
