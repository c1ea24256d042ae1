import { expect, test } from "vitest";
import { reapLines } from "../../cli/reap-lines.js";
import { moment, timeLeft } from "../../cli/time-left.js";
import type { Orphan, ReapSeat } from "../../seats/reap.js";

const as = (text: string): string => text;
const style = { bold: as, dim: as, good: as, bad: as, warn: as };
const seat = (name: string, verdict: ReapSeat["verdict"], expires?: string): ReapSeat => ({
  ...{ lab: "l", seat: name, owner: "me@here", known: verdict !== "listed", endpoints: [], verdict },
  expires,
});
const disk = (verdict: Orphan["verdict"]): Orphan => ({
  ...{ kind: "guest disk", name: "trilab-l-x-guest.qcow2", id: "x", state: "", owner: undefined },
  verdict,
});

test("lists each seat and orphan with what happened to it", () => {
  const lines = reapLines(
    {
      dryRun: true,
      seats: [seat("a", "live", "never"), seat("b", "expired", "2026-01-01T00:00:00Z"), seat("c", "listed")],
      orphans: [disk("young")],
    },
    style,
  );
  expect(lines).toEqual([
    expect.stringMatching(/^LAB +SEAT +OWNER +ENDS +WHAT$/),
    expect.stringMatching(/^l +a +me@here +never +stays$/),
    expect.stringMatching(/^l +b +me@here +202[56]-\d\d-\d\d [\d:]+ UTC\S*, \S+ ago +would be removed$/),
    expect.stringMatching(/^l +c +me@here +left alone: .*--unknown, or --others/),
    expect.stringMatching(/^guest disk +trilab-l-x-guest.qcow2 +\? +left alone: .*in creation$/),
    expect.stringContaining("dry run"),
  ]);
});

test("what could not be removed says why", () => {
  const failed = {
    ...seat("a", "expired", "2026-01-01T00:00:00Z"),
    outcome: "failed" as const,
    why: "no\nanswer",
  };
  expect(reapLines({ dryRun: false, seats: [failed], orphans: [] }, style)[1]).toMatch(/failed: no answer$/);
});

test("with nothing there it says so", () => {
  expect(reapLines({ dryRun: false, seats: [], orphans: [] }, style)).toEqual(["There are no seats here."]);
});

test("time left is said from now", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  expect(timeLeft("2026-01-01T01:30:00Z", now)).toBe("in 1h30m");
  expect(timeLeft("2025-12-31T23:55:00Z", now)).toBe("5m ago");
  expect(timeLeft("never", now)).toBe("never");
  expect(timeLeft("", now)).toBe("");
  expect(moment("2026-01-01T01:30:00Z", now)).toMatch(/^202[56]-\d\d-\d\d \d\d:\d\d UTC\S*, in 1h30m$/);
  expect(moment("never", now)).toBe("never");
});
