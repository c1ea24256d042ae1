import fc from "fast-check";
import { expect, it } from "vitest";
import { randomNumbers } from "../../base/random.js";
import { compareForecast } from "../../probes/compare.js";
import { planSeconds, TimeLeft } from "../../probes/forecast.js";
import { PROBES } from "../../probes/index.js";
import { plan } from "../../probes/order.js";

const TARGETS = ["container", "guest"] as const;
const EMULATED = ["guest"] as const;
const steps = plan(PROBES, TARGETS, { seed: 4, quick: true });

/** A run in which each step takes what is expected of it, times `pace` and a factor of its own; what is shown before each. */
function shown(pace: number, spread: number, seed: string): { left: number; real: number }[] {
  const random = randomNumbers(seed);
  const durations = steps.map((step) => planSeconds([step], EMULATED) * pace * spread ** (2 * random() - 1));
  let clock = 0;
  const time = new TimeLeft(steps, EMULATED, () => clock * 1000);
  return durations.map((seconds, index) => {
    const real = durations.slice(index).reduce((a, b) => a + b, 0);
    const left = time.left(index);
    clock += seconds;
    time.took(index, seconds);
    return { left, real };
  });
}
const total = planSeconds(steps, EMULATED);

it("starts with what the plan says, and counts down with the clock when that is true", () => {
  const said = shown(1, 1, "a");
  expect(said[0]?.left).toBeCloseTo(total);
  for (const { left, real } of said) expect(left).toBeCloseTo(real);
});

it("can be believed on a host of another speed, whose steps stray: seldom up, and close by the middle", () => {
  fc.assert(
    fc.property(fc.double({ min: 0.5, max: 3, noNaN: true }), fc.nat().map(String), (pace, seed) => {
      const said = shown(pace, 1.5, seed);
      const rises = said.filter(({ left }, i) => i > 0 && left > (said[i - 1]?.left ?? 0) + 1);
      expect(rises.length).toBeLessThanOrEqual(8);
      const middle = said.find(({ real }) => real < (said[0]?.real ?? 0) / 2);
      expect(middle?.left).toBeGreaterThan((middle?.real ?? 0) * 0.4);
      expect(middle?.left).toBeLessThan((middle?.real ?? 0) * 2.5);
    }),
    { numRuns: 200 },
  );
});

it("counts nothing for the rest of a probe that was given up in a target", () => {
  const time = new TimeLeft(steps, EMULATED, () => 0);
  const before = time.left(0);
  const [first] = steps;
  const same = steps.filter((s) => s.probe === first?.probe && s.target === first.target);
  time.took(0, undefined);
  expect(time.left(0)).toBeCloseTo(before - planSeconds(same, EMULATED));
});

it("foresees more for a full run, for more targets and for an emulated one, less for fewer probes", () => {
  const seconds = (more: Partial<Parameters<typeof compareForecast>[0]>) =>
    compareForecast({ probes: PROBES, targets: TARGETS, emulated: EMULATED, quick: true, ...more }).seconds;
  expect(seconds({ quick: false })).toBeGreaterThan(seconds({}));
  expect(seconds({ targets: [...TARGETS, "vps"] })).toBeGreaterThan(seconds({}));
  expect(seconds({ emulated: [] })).toBeLessThan(seconds({}));
  expect(seconds({ probes: PROBES.slice(0, 2) })).toBeLessThan(seconds({}));
});
