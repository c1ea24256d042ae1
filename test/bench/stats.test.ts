import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { median, summarize } from "../../bench/stats.js";

const values = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 });

describe("the median", () => {
  it("is the middle value, or the mean of the middle two", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([7])).toBe(7);
    expect(() => median([])).toThrow(RangeError);
  });

  it("has half of the values on either side, whatever their order", () => {
    fc.assert(
      fc.property(values, (list) => {
        const middle = median(list);
        expect(list.filter((v) => v <= middle).length * 2).toBeGreaterThanOrEqual(list.length);
        expect(list.filter((v) => v >= middle).length * 2).toBeGreaterThanOrEqual(list.length);
        expect(median([...list].reverse())).toBe(middle);
      }),
    );
  });

  it("stands between the extremes, and leaves the samples as they were taken", () => {
    expect(summarize([])).toBeUndefined();
    expect(summarize([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3, samples: [3, 1, 2] });
  });
});
