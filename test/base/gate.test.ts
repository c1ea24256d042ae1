import { expect, it } from "vitest";
import { Gate } from "../../base/gate.js";

it("lets so many in, and the next when one leaves, in the order in which they came", async () => {
  const gate = new Gate(2);
  const inside: number[] = [];
  const leave = await Promise.all([gate.enter(), gate.enter()]);
  const waiting = [1, 2].map(async (n) => {
    const left = await gate.enter();
    inside.push(n);
    return left;
  });
  await new Promise(setImmediate);
  expect(inside).toEqual([]);
  leave[0]?.();
  await waiting[0];
  expect(inside).toEqual([1]);
  leave[1]?.();
  await waiting[1];
  expect(inside).toEqual([1, 2]);
});

it("gives one place back for one that leaves, however often that is said", async () => {
  const gate = new Gate(1);
  const leave = await gate.enter();
  leave();
  leave();
  await gate.enter();
  let second = false;
  void gate.enter().then(() => {
    second = true;
  });
  await new Promise(setImmediate);
  expect(second).toBe(false);
});
