import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Kind } from "../../model/kinds.js";
import { judge, type ReapScope } from "../../seats/reap.js";
import { owner } from "../../seats/seat-record.js";

const NOW = Date.parse("2026-01-01T12:00:00.000Z");
const PAST = "2026-01-01T11:59:59.000Z";
const OURS: ReapScope = { unknown: false, others: false };
const everything: ReapScope = { unknown: true, others: true };

describe("judge", () => {
  it("finds a seat of this state directory expired the moment its time is up", () => {
    const seat = { owner: owner(), known: true, things: [] };
    expect(judge({ ...seat, expires: PAST }, OURS, NOW)).toBe("expired");
    expect(judge({ ...seat, expires: "2026-01-01T12:00:00.000Z" }, OURS, NOW)).toBe("expired");
    expect(judge({ ...seat, expires: "2026-01-01T12:00:01.000Z" }, OURS, NOW)).toBe("live");
  });

  it.each([
    ["ours, unknown here", owner(), OURS, "listed"],
    ["ours, unknown here, asked for", owner(), { unknown: true, others: false }, "expired"],
    ["somebody else's", "you@there", OURS, "listed"],
    ["somebody else's, with --unknown", "you@there", { unknown: true, others: false }, "listed"],
    ["somebody else's, asked for", "you@there", { unknown: false, others: true }, "expired"],
    ["nobody's", undefined, { unknown: true, others: false }, "listed"],
  ])("of one that is %s", (_, whose, scope, verdict) => {
    expect(judge({ owner: whose, known: false, expires: PAST, things: [] }, scope, NOW)).toBe(verdict);
  });

  it("takes a guest of an unknown seat that outlives its labels for extended, unless its container says otherwise", () => {
    const guest = { kind: "domain" as const, state: "running" };
    const seat = { owner: owner(), known: false, expires: PAST };
    const verdict = (...things: { kind: Kind; state: string }[]) =>
      judge({ ...seat, things }, everything, NOW);
    expect(verdict(guest)).toBe("listed");
    expect(verdict({ ...guest, state: "shut off" })).toBe("expired");
    expect(verdict(guest, { kind: "container", state: "exited" })).toBe("expired");
    expect(judge({ ...seat, known: true, things: [guest] }, OURS, NOW)).toBe("expired");
  });

  it("never lets a seat go that has time left, no end, or an end nobody can read", () => {
    const expires = fc.oneof(
      fc.constantFrom("never", undefined, "soon", ""),
      fc.integer({ min: 1, max: 10 ** 11 }).map((ms) => new Date(NOW + ms).toISOString()),
    );
    fc.assert(
      fc.property(
        expires,
        fc.boolean(),
        fc.constantFrom(owner(), "you@there", undefined),
        (end, known, whose) => {
          expect(judge({ owner: whose, known, expires: end, things: [] }, everything, NOW)).toBe("live");
        },
      ),
    );
  });
});
