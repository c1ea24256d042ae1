import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { sideBySide } from "../../base/side-by-side.js";

/** Tasks that end when they are told to. */
function held() {
  const running = new Map<string, { done: () => void; fail: (error: Error) => void }>();
  return {
    running: () => [...running.keys()],
    task: (name: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const over = (end: () => void) => () => {
          running.delete(name);
          end();
        };
        running.set(name, {
          done: over(() => resolve(name)),
          fail: (error) => over(() => reject(error))(),
        });
      }),
    async end(name: string, error?: Error): Promise<void> {
      const it = running.get(name);
      if (it === undefined) throw new Error(`${name} does not run`);
      if (error) it.fail(error);
      else it.done();
      await turn();
    },
  };
}

const byLetter = (name: string): string => name.charAt(0);

test("no more than so many run at once, and each item's end is in its place", async () => {
  const sizes = fc.array(
    fc.record({ turns: fc.integer({ min: 1, max: 5 }), fails: fc.boolean(), group: fc.nat(3) }),
    {
      maxLength: 30,
    },
  );
  await fc.assert(
    fc.asyncProperty(sizes, fc.integer({ min: 1, max: 8 }), async (items, workers) => {
      let running = 0;
      let most = 0;
      const ends = await sideBySide(
        items,
        async ({ fails, turns }) => {
          most = Math.max(most, ++running);
          for (let i = 0; i < turns; i++) await turn();
          running--;
          if (fails) throw new Error(`${turns}`);
          return turns;
        },
        { workers, groupOf: ({ group }) => String(group) },
      );
      expect(most).toBe(Math.min(workers, items.length));
      expect(ends).toEqual(
        items.map(({ fails, turns }) =>
          fails ? { state: "failed", error: new Error(`${turns}`) } : { state: "done", result: turns },
        ),
      );
    }),
  );
});

test("a failure stops no other", async () => {
  const { end, running, task } = held();
  const all = sideBySide(["a", "b", "c"], task, { workers: 1 });
  await end("a", new Error("broken"));
  expect(running()).toEqual(["b"]);
  await end("b");
  await end("c");
  expect((await all).map(({ state }) => state)).toEqual(["failed", "done", "done"]);
});

test("a group that hangs does not take the others' workers", async () => {
  const { end, running, task } = held();
  const all = sideBySide(["x1", "x2", "x3", "x4", "y1", "y2", "y3"], task, { workers: 4, groupOf: byLetter });
  // Both groups get the same share, although all of x come first.
  expect(running()).toEqual(["x1", "y1", "x2", "y2"]);
  await end("y1");
  expect(running()).toEqual(["x1", "x2", "y2", "y3"]);
  await end("y2");
  // Where y has none left, x may have all.
  expect(running()).toEqual(["x1", "x2", "y3", "x3"]);
  for (const name of ["x1", "x2", "x3", "y3", "x4"]) await end(name);
  expect((await all).every(({ state }) => state === "done")).toBe(true);
});

test("after an abort none begins, and those that run are awaited", async () => {
  const { end, running, task } = held();
  const stop = new AbortController();
  const all = sideBySide(["a", "b", "c", "d"], task, { workers: 2, signal: stop.signal });
  stop.abort();
  await end("b", new Error("broken"));
  expect(running()).toEqual(["a"]);
  await end("a");
  expect((await all).map(({ state }) => state)).toEqual(["done", "failed", "not begun", "not begun"]);
});
