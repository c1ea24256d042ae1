import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { randomNumbers } from "../../base/random.js";
import {
  differs,
  excludes,
  inverted,
  MIN_FOR_INTERVAL,
  medianInterval,
  RESAMPLES,
  ratioOfMedians,
  summarize,
} from "../../report/statistics.js";

const positive = fc.double({ min: 1e-3, max: 1e6, noNaN: true });
const samples = fc.array(positive, { minLength: MIN_FOR_INTERVAL, maxLength: 60 });

describe("a summary", () => {
  it("has the known values", () => {
    // Quartiles by type 7 of Hyndman & Fan; MAD: deviations 3.5 2.5 1.5 0.5 0.5 1.5 2.5 3.5.
    expect(summarize([8, 1, 7, 2, 6, 3, 5, 4], "s")).toMatchObject({
      n: 8,
      median: 4.5,
      quartiles: [2.75, 6.25],
      mad: 2,
      min: 1,
      max: 8,
    });
    expect(summarize([1, 1, 2, 2, 4, 6, 9], "s")).toMatchObject({ median: 2, mad: 1 });
    expect(summarize([], "s")).toBeUndefined();
    expect(summarize([7], "s")).toMatchObject({ n: 1, median: 7, mad: 0, interval: { kind: "range" } });
  });

  it("depends on no order, and leaves the samples alone", () => {
    fc.assert(
      fc.property(samples, (list) => {
        const before = [...list];
        expect(summarize([...list].reverse(), "s")).toEqual(summarize(list, "s"));
        expect(list).toEqual(before);
      }),
      { numRuns: 20 },
    );
  });
});

describe("the interval of the median", () => {
  it("holds the median, lies within the extremes, and is the same for the same seed", () => {
    fc.assert(
      fc.property(samples, fc.string(), (list, seed) => {
        const summary = summarize(list, seed);
        if (summary === undefined) throw new Error("no summary");
        const { interval, median, min, max } = summary;
        expect(interval.kind).toBe("bootstrap");
        expect(interval.low).toBeLessThanOrEqual(median);
        expect(interval.high).toBeGreaterThanOrEqual(median);
        expect(interval.low).toBeGreaterThanOrEqual(min);
        expect(interval.high).toBeLessThanOrEqual(max);
        expect(medianInterval(list, seed)).toEqual(interval);
      }),
      { numRuns: 30 },
    );
  });

  it("is what the bootstrap distribution says, which for the median is known exactly", () => {
    // P(median* <= x(k)) = P(Binomial(n, k/n) >= (n+1)/2) for odd n (Efron 1979, §3).
    const n = 11;
    const binomial = (k: number, p: number): number => {
      let choose = 1;
      for (let i = 0; i < k; i++) choose = (choose * (n - i)) / (i + 1);
      return choose * p ** k * (1 - p) ** (n - k);
    };
    const atMost = (rank: number): number =>
      Array.from({ length: n + 1 }, (_, k) => (k >= (n + 1) / 2 ? binomial(k, rank / n) : 0)).reduce(
        (a, b) => a + b,
      );
    const ranks = Array.from({ length: n }, (_, i) => i + 1);
    const low = ranks.find((rank) => atMost(rank) >= 0.025);
    const high = ranks.find((rank) => atMost(rank) >= 0.975);
    // 2.5 % lies far from a step (0.9 %, 6 %), so 4000 resamples must hit it.
    expect(medianInterval(ranks, "known")).toEqual({ low, high, kind: "bootstrap" });
  });

  it("covers the true median in about 95 of 100 trials", () => {
    const random = randomNumbers("coverage");
    let hits = 0;
    const trials = 300;
    for (let i = 0; i < trials; i++) {
      const drawn = Array.from({ length: 30 }, () => -Math.log(1 - random()));
      if (!excludes(medianInterval(drawn, `trial ${i}`), Math.LN2)) hits += 1;
    }
    expect(hits / trials).toBeGreaterThan(0.9);
    expect(hits / trials).toBeLessThan(0.99);
  });

  it("is only a range below six samples", () => {
    expect(medianInterval([3, 1, 2, 5, 4], "s")).toEqual({ low: 1, high: 5, kind: "range" });
    expect(medianInterval([3, 1, 2, 5, 4, 6], "s").kind).toBe("bootstrap");
    expect(RESAMPLES).toBeGreaterThanOrEqual(1000);
  });
});

describe("a ratio of medians", () => {
  it("has the known value, and its interval turns over with it", () => {
    const [a, b] = [
      [20, 21, 22, 20, 21, 22],
      [1, 1, 1, 1, 1, 1],
    ];
    expect(ratioOfMedians(a ?? [], b ?? [], "s")).toMatchObject({
      value: 21,
      n: 6,
      interval: { kind: "bootstrap" },
    });
    fc.assert(
      fc.property(samples, samples, (above, below) => {
        const ratio = ratioOfMedians(above, below, "s");
        const turned = ratioOfMedians(below, above, "s");
        expect((ratio?.value ?? 0) * (turned?.value ?? 0)).toBeCloseTo(1, 6);
        expect(ratio?.interval.low).toBeLessThanOrEqual((ratio?.value ?? 0) * (1 + 1e-9));
        expect(ratio?.interval.high).toBeGreaterThanOrEqual((ratio?.value ?? 0) * (1 - 1e-9));
      }),
      { numRuns: 20 },
    );
  });

  it("scales with its sides", () => {
    fc.assert(
      fc.property(samples, samples, (above, below) => {
        const once = ratioOfMedians(above, below, "s");
        const twice = ratioOfMedians(
          above.map((x) => x * 2),
          below,
          "s",
        );
        expect(twice?.value).toBeCloseTo((once?.value ?? 0) * 2, 6);
        expect((twice?.interval.high ?? 0) / (once?.interval.high ?? 1)).toBeCloseTo(2, 6);
      }),
      { numRuns: 20 },
    );
  });

  it("differs where its interval leaves out 1, and, of ranges, from four a side", () => {
    const ratio = (above: number[], below: number[]) => {
      const made = ratioOfMedians(above, below, "s");
      if (made === undefined) throw new Error("no ratio");
      return made;
    };
    expect(differs(ratio([9], [1]))).toBe(false);
    expect(differs(ratio([7, 8, 9], [1, 2, 3]))).toBe(false);
    expect(differs(ratio([6, 7, 8, 9], [1, 2, 3]))).toBe(false);
    expect(differs(ratio([6, 7, 8, 9], [1, 2, 3, 4]))).toBe(true);
    expect(differs(ratio([3, 7, 8, 9], [1, 2, 3, 4]))).toBe(false);
    const many = ratio([6, 7, 8, 9, 6, 7], [1, 2, 3, 1, 2, 3]);
    expect([differs(many), differs(inverted(many))]).toEqual([true, true]);
  });

  it("is absent where there is none, and a range where samples are few", () => {
    expect(ratioOfMedians([], [1], "s")).toBeUndefined();
    expect(ratioOfMedians([1], [0], "s")).toBeUndefined();
    expect(ratioOfMedians([8, 10, 12], [2, 2, 4], "s")).toEqual({
      value: 5,
      n: 3,
      interval: { low: 2, high: 6, kind: "range" },
    });
  });
});
