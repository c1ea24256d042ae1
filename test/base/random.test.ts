import { expect, it } from "vitest";
import { randomNumbers, shuffled } from "../../base/random.js";

it("random numbers are spread evenly and told apart by their seed", () => {
  const random = randomNumbers("a");
  const drawn = Array.from({ length: 10_000 }, random);
  expect(drawn.every((x) => x >= 0 && x < 1)).toBe(true);
  expect(drawn.reduce((a, b) => a + b) / drawn.length).toBeCloseTo(0.5, 1);
  expect(randomNumbers("b")()).not.toBe(randomNumbers("a")());
});

it("a shuffle keeps every item, reaches every order, and repeats itself for a seed", () => {
  const items = ["a", "b", "c"];
  const orders = new Set(
    Array.from({ length: 200 }, (_, i) => shuffled(items, randomNumbers(`${i}`)).join("")),
  );
  expect(orders.size).toBe(6);
  expect(shuffled(items, randomNumbers("7"))).toEqual(shuffled(items, randomNumbers("7")));
  expect(items).toEqual(["a", "b", "c"]);
});
