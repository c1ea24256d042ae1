import { expect, it } from "vitest";
import { pace } from "../../base/pace.js";

it("the first passes at once, the others one after the other", async () => {
  const pass = pace(20);
  const passed = await Promise.all(
    Array.from({ length: 9 }, async () => {
      await pass();
      return performance.now();
    }),
  );
  const [first = 0] = passed;
  // A timer may be a millisecond early.
  for (const [i, at] of passed.entries())
    if (i > 0) expect(at - (passed[i - 1] ?? 0)).toBeGreaterThanOrEqual(18);
  // Eight waits of 20 ms, and not each longer than the one before.
  expect((passed.at(-1) ?? 0) - first).toBeLessThan(2000);
});
