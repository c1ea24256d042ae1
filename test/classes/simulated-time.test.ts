import { expect, it } from "vitest";
import { SimulatedTime } from "../../classes/simulated-time.js";

it("CPUs are shared by all that work on a computer, and a piece of work uses at most one", async () => {
  const time = new SimulatedTime((computer) => (computer === "small" ? 1 : 4));
  const ends: [string, number][] = [];
  const work = async (computer: string, seconds: number): Promise<void> => {
    await time.work(computer, seconds);
    ends.push([`${computer} ${seconds}`, time.now]);
  };
  await time.run(Promise.all([work("small", 1), work("small", 2), work("large", 2), work("large", 3)]));
  // Until 2 s both share the small one; then the second has it alone.
  expect(ends).toEqual([
    ["small 1", 2],
    ["large 2", 2],
    ["small 2", 3],
    ["large 3", 3],
  ]);
});

it("a pause takes its time, whatever works", async () => {
  const time = new SimulatedTime(() => 1);
  await time.run(Promise.all([time.pause(5), time.work("a", 1), time.work("a", 1)]));
  expect(time.now).toBe(5);
});

it("passes on a failure, and notices when nothing can end", async () => {
  const time = new SimulatedTime(() => 1);
  const failing = async (): Promise<void> => {
    await time.pause(1);
    throw new Error("lost");
  };
  await expect(time.run(failing())).rejects.toThrow("lost");
  await expect(time.run(new Promise(() => {}))).rejects.toThrow(/waits for something that never ends/);
});
