import { afterEach, beforeEach, expect, it } from "vitest";
import { localTime } from "../../base/local-time.js";

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
