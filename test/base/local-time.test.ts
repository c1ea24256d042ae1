import { afterEach, beforeEach, expect, it } from "vitest";
import { localTime, parseMoment } from "../../base/local-time.js";

const before = process.env.TZ;
beforeEach(() => {
  process.env.TZ = "UTC";
});
afterEach(() => {
  if (before === undefined) delete process.env.TZ;
  else process.env.TZ = before;
});

it.each([
  ["UTC", "2026-11-26 08:13 UTC"],
  ["Europe/Berlin", "2026-11-26 09:13 UTC+1"],
  ["Asia/Kolkata", "2026-11-26 13:43 UTC+5:30"],
  ["America/St_Johns", "2026-11-26 04:43 UTC−3:30"],
])("in %s a time reads %s", (zone, text) => {
  process.env.TZ = zone;
  expect(localTime("2026-11-26T08:13:59.116Z")).toBe(text);
});

it("leaves what is no time as it is", () => {
  for (const text of ["never", "", "yesterday"]) expect(localTime(text)).toBe(text);
});

it("a time is read with its zone, or in this process's; what is none is none", () => {
  process.env.TZ = "Europe/Berlin";
  expect(parseMoment("2026-11-30T09:00+02:00")).toBe(Date.UTC(2026, 10, 30, 7));
  expect(parseMoment("2026-11-30T09:00")).toBe(Date.UTC(2026, 10, 30, 8));
  for (const text of ["tomorrow", "9:00", "2026-13-30T09:00", "2026-02-30T09:00", "2026-11-30", "1"])
    expect(parseMoment(text)).toBeUndefined();
});
