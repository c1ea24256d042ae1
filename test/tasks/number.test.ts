import { expect, it } from "vitest";
import { readNumber } from "../../tasks/number.js";

it.each([
  ["3.5", "", 3.5],
  ["3,5", "", 3.5],
  [" 12 ", "", 12],
  ["4x", "", 4],
  ["4 times", "", 4],
  ["1.2e3", "", 1200],
  ["-2", "", -2],
  ["3,5 s", "s", 3.5],
  ["0,125", "", 0.125],
])("reads %j with unit %j", (text, unit, value) => {
  expect(readNumber(text, unit)).toBe(value);
});

it.each([
  ["many", "", /not a number/],
  ["", "", /not a number/],
  ["1,234", "", /two ways: write 1234 or 1\.234/],
  ["3 ms", "s", /in s, without "ms"/],
  ["3 s", "", /alone, without "s"/],
  ["3x", "s", /in s, without "x"/],
  ["0x10", "", /without "x10"/],
  ["1.2.3", "", /without/],
])("refuses %j with unit %j", (text, unit, why) => {
  expect(readNumber(text, unit)).toMatch(why);
});
