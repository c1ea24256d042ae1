import { expect, it } from "vitest";
import { printable } from "../../base/printable.js";

it("leaves words, tabs and new lines, and nothing that a terminal obeys", () => {
  expect(printable("12.15\tü 木\nnext\r\n")).toBe("12.15\tü 木\nnext\n");
  for (const hostile of [
    "\u001b[31mred\u001b[0m",
    "\u001b]0;title\u0007red",
    "\u001b]8;;http://x\u001b\\red\u001b]8;;\u001b\\",
    "\u009b31mred",
    "\u0007\b\u007fred\u0000",
    "\u001b[2J\u001b[1;1Hred",
    "\u202ered\u202c",
  ])
    expect(printable(hostile)).toBe("red");
  // A sequence that is cut off, or that we don't know, loses at least what makes it one.
  expect(printable("\u001b[")).toBe("");
  expect(printable("\u001b]0;title\nred")).toBe("0;title\nred");
  // Nothing but a sequence is taken for one: nobody can hide words in between.
  expect(printable("\u001b[2Jred\u0007")).toBe("red");
});
