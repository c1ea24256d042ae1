import { expect, it } from "vitest";
import { columns } from "../../base/columns.js";
import { widthOf, wrapLine } from "../../base/wrap.js";

it("wraps between words, with the line's indentation, whatever its colours", () => {
  expect(wrapLine("short", 20)).toEqual(["short"]);
  expect(wrapLine("  one two three four", 11)).toEqual(["  one two", "  three", "  four"]);
  expect(wrapLine("a-very-long-word here", 6)).toEqual(["a-very-long-word", "here"]);
  expect(wrapLine("a   b  cc", 7)).toEqual(["a   b", "cc"]);
  const green = "\u001b[32mgreen words\u001b[39m";
  expect(wrapLine(green, 11)).toEqual([green]);
});

it("counts the columns that a terminal uses: two for a wide character, none for a colour or a joined accent", () => {
  expect(widthOf("課題")).toBe(4);
  expect(widthOf("e\u0301")).toBe(1);
  expect(widthOf("\u001b[1mbold\u001b[22m")).toBe(4);
  expect(
    columns([
      ["課", "a"],
      ["abcd", "b"],
    ]),
  ).toEqual(["課    a", "abcd  b"]);
});
