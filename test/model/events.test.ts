import { expect, it } from "vitest";
import { reporting, type StepEvent, settled } from "../../model/events.js";

const about = { step: "image", title: "image: building" };

it("reports the steps in order, and returns the result", async () => {
  const events: StepEvent[] = [];
  const result = await settled(
    reporting(async (steps) => {
      steps.note("before");
      return steps.run(about, async (progress) => {
        progress.update("half");
        await Promise.resolve();
        progress.note("kept");
        return 7;
      });
    }),
    (event) => events.push(event),
  );
  expect(result).toBe(7);
  expect(events.map(({ step, state, text }) => [step, state, text])).toEqual([
    ["", "note", "before"],
    ["image", "started", undefined],
    ["image", "progress", "half"],
    ["image", "note", "kept"],
    ["image", "done", undefined],
  ]);
  for (const { at } of events) expect(new Date(at).toISOString()).toBe(at);
  expect(events.at(-1)?.seconds).toBeGreaterThanOrEqual(0);
});

it("gives every event of a failure before it throws", async () => {
  const states: string[] = [];
  const failing = reporting((steps) =>
    steps.run(about, async () => {
      throw new Error("no space");
    }),
  );
  await expect(settled(failing, ({ state }) => states.push(state))).rejects.toThrow("no space");
  expect(states).toEqual(["started", "failed"]);
});

it("runs on while nobody takes its events, and leaves no rejection unhandled", async () => {
  let over = false;
  const events = reporting(async (steps) => {
    steps.note("one");
    await Promise.resolve();
    over = true;
    throw new Error("late");
  });
  expect((await events.next()).value).toMatchObject({ text: "one" });
  await new Promise((resolve) => setImmediate(resolve));
  expect(over).toBe(true);
  await expect(events.next()).rejects.toThrow("late");
});
