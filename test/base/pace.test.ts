import { expect, it } from "vitest";
import { pace } from "../../base/pace.js";

it("the first passes at once, the others one after the other", async () => {
  const pass = pace(50);
  const began = Date.now();
  const passed = await Promise.all(
    [1, 2, 3].map(async () => {
      await pass();
      return Date.now() - began;
    }),
  );
  expect(passed[0]).toBeLessThan(45);
  // A timer may be a millisecond early.
  expect(passed[1]).toBeGreaterThanOrEqual(49);
  expect(passed[2]).toBeGreaterThanOrEqual(99);
});
