import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { loginTurn } from "../../drivers/login-turns.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Takes a turn. @returns whether it has begun. */
function take(daemon: string): () => boolean {
  let begun = false;
  void loginTurn(daemon).then(() => {
    begun = true;
  });
  return () => begun;
}

it("a long command keeps others waiting only while it may still log in", async () => {
  const turns = Array.from({ length: 4 }, () => take("one"));
  const other = take("two");
  await vi.advanceTimersByTimeAsync(9_000);
  expect(turns.map((begun) => begun())).toEqual([true, true, true, false]);
  expect(other()).toBe(true);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(turns[3]?.()).toBe(true);
});

it("a turn that ends late gives no second place away", async () => {
  const ends = await Promise.all([1, 2, 3].map(() => loginTurn("three")));
  await vi.advanceTimersByTimeAsync(11_000);
  for (const end of ends) end();
  const turns = Array.from({ length: 4 }, () => take("three"));
  await vi.advanceTimersByTimeAsync(0);
  expect(turns.filter((begun) => begun())).toHaveLength(3);
});
