import { expect, test } from "vitest";
import { freeRange, hasRange, parseRanges } from "../../hosts/subordinate-ids.js";

const TEXT = "alice:100000:65536\nbob:165536:1000\nbob:200000:65536\n\n";

test("an account has what its first line gives it, as mmdebstrap reads it", () => {
  const ranges = parseRanges(TEXT);
  expect(hasRange(ranges, "alice")).toBe(true);
  expect(hasRange(ranges, "bob")).toBe(false);
  expect(hasRange(ranges, "carol")).toBe(false);
});

test("a new range overlaps no other", () => {
  expect(freeRange(parseRanges(TEXT))).toBe("265536-331071");
  expect(freeRange([])).toBe("100000-165535");
});
