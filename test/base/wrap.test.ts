import { expect, it } from "vitest";
import { wrapLine } from "../../base/wrap.js";

it("wraps between words, with the line's indentation, whatever its colours", () => {
  expect(wrapLine("short", 20)).toEqual(["short"]);
  expect(wrapLine("  one two three four", 11)).toEqual(["  one two", "  three", "  four"]);
  expect(wrapLine("a-very-long-word here", 6)).toEqual(["a-very-long-word", "here"]);
  expect(wrapLine("a   b  cc", 7)).toEqual(["a   b", "cc"]);
  const green = "\u001b[32mgreen words\u001b[39m";
  expect(wrapLine(green, 11)).toEqual([green]);
});
