import { expect, it } from "vitest";
import { resultsOf } from "../../base/results-of.js";

it("gives the results in order, or throws the first failure", async () => {
  const ends = await Promise.allSettled([Promise.resolve(1), Promise.resolve("two")]);
  const [one, two]: [number, string] = resultsOf(ends);
  expect([one, two]).toEqual([1, "two"]);
  const failed = await Promise.allSettled([
    1,
    Promise.reject(new Error("a")),
    Promise.reject(new Error("b")),
  ]);
  expect(() => resultsOf(failed)).toThrow("a");
});
