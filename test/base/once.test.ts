import { expect, test } from "vitest";
import { Once } from "../../base/once.js";

test("what is asked for at the same time and later is made once", async () => {
  const once = new Once();
  let made = 0;
  const make = async (): Promise<number> => ++made;
  expect(await Promise.all([once.get("a", make), once.get("a", make)])).toEqual([1, 1]);
  expect(await once.get("a", make)).toBe(1);
  expect(await once.get("b", make)).toBe(2);
});

test("everybody who waits gets a failure, and the next one tries again", async () => {
  const once = new Once();
  const fail = async (): Promise<string> => {
    throw new Error("no");
  };
  const ends = await Promise.allSettled([once.get("a", fail), once.get("a", async () => "not called")]);
  expect(ends.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(await once.get("a", async () => "made")).toBe("made");
});
