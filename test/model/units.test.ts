import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatDuration, formatSize, parseDuration, parseSize } from "../../model/units.js";

describe("sizes", () => {
  it.each([
    ["512MiB", 536_870_912],
    ["4GiB", 4_294_967_296],
    ["1.5GiB", 1_610_612_736],
    ["1B", 1],
    [" 8 KiB ", 8192],
  ])("%s is %i bytes", (text, bytes) => expect(parseSize(text)).toBe(bytes));

  it.each(["", "512", "512MB", "-1MiB", "0MiB", "1e3MiB", "MiB", "1 MiB 2", "99999999TiB"])(
    "%j is none",
    (text) => {
      expect(parseSize(text)).toBeUndefined();
    },
  );

  it("what is formatted parses to the same, for whole units", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1023 }), fc.constantFrom("B", "KiB", "MiB", "GiB"), (n, unit) => {
        expect(formatSize(parseSize(`${n}${unit}`) ?? 0)).toBe(`${n}${unit}`);
      }),
    );
  });
});

describe("durations", () => {
  it.each([
    ["3h", 10_800],
    ["1h30m", 5_400],
    ["90s", 90],
    ["2d", 172_800],
    ["3650d", 315_360_000],
  ])("%s is %i seconds", (text, seconds) => expect(parseDuration(text)).toBe(seconds));

  it.each(["", "3", "h", "-1h", "30m1h", "1.5h", "0s", "3651d", "999999999h"])("%j is none", (text) =>
    expect(parseDuration(text)).toBeUndefined(),
  );

  it("formats no finer than the two largest units", () => {
    expect(formatDuration(90_061)).toBe("1d1h");
    expect(formatDuration(0.4)).toBe("0s");
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10 ** 7 }), (seconds) => {
        const back = parseDuration(formatDuration(seconds)) ?? 0;
        expect(back).toBeLessThanOrEqual(seconds);
        expect(seconds - back).toBeLessThan(Math.max(1, seconds / 24));
      }),
    );
  });
});
