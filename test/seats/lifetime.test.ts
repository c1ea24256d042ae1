import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expiresFromMachine, expiresInMachine } from "../../model/lifetime.js";
import { endOf, expiresAt, expiryInForce, extended, revived } from "../../seats/lifetime.js";
import type { SeatRecord } from "../../seats/seat-record.js";
import { seatRecord } from "./record.js";

const NOON = Date.parse("2026-01-01T12:00:00.000Z");
const record = (expires: string, extendedTo?: string): SeatRecord =>
  seatRecord({
    created: "2026-01-01T09:00:00.000Z",
    expires,
    ...(extendedTo === undefined ? {} : { extendedTo }),
  });
/** Whole seconds of this century, as milliseconds. */
const time = fc.integer({ min: 1_767_000_000, max: 4_000_000_000 }).map((s) => s * 1000);

describe("the expiry in force", () => {
  it("is the one made by extending, where there is one", () => {
    expect(expiryInForce(record("2026-01-01T12:00:00.000Z"))).toBe("2026-01-01T12:00:00.000Z");
    expect(expiryInForce(record("2026-01-01T12:00:00.000Z", "never"))).toBe("never");
  });

  it("is the same in a machine as in the record", () => {
    fc.assert(
      fc.property(time, (end) => {
        expect(expiresFromMachine(`${expiresInMachine(expiresAt(end))}\n`)).toBe(expiresAt(end));
      }),
    );
    expect(expiresFromMachine(expiresInMachine("never"))).toBe("never");
  });

  it.each(["", "soon", "-1", "1e3", "0"])("can't be read from %j", (text) => {
    expect(expiresFromMachine(text)).toBe(undefined);
  });
});

describe("extending", () => {
  it("counts from the end while there is time, from now when it is past", () => {
    expect(extended(record("2026-01-01T12:30:00.000Z"), 3600, NOON)).toBe("2026-01-01T13:30:00.000Z");
    expect(extended(record("2026-01-01T11:00:00.000Z"), 3600, NOON)).toBe("2026-01-01T13:00:00.000Z");
    expect(extended(record("2026-01-01T11:00:00.000Z", "2026-01-01T14:00:00.000Z"), 60, NOON)).toBe(
      "2026-01-01T14:01:00.000Z",
    );
  });

  it("takes the end away when asked to, and can't move one that is not there", () => {
    expect(extended(record("2026-01-01T12:30:00.000Z"), Number.POSITIVE_INFINITY, NOON)).toBe("never");
    expect(extended(record("never"), Number.POSITIVE_INFINITY, NOON)).toBe("never");
    expect(() => extended(record("never"), 3600, NOON)).toThrow(/no end to move/);
  });

  it("never makes a seat's life shorter, and always gives at least what was asked", () => {
    fc.assert(
      fc.property(time, time, fc.integer({ min: 1, max: 10 ** 7 }), (end, now, seconds) => {
        const moved = endOf(extended(record(expiresAt(end)), seconds, now));
        expect(moved).toBeGreaterThan(end);
        expect(moved).toBeGreaterThanOrEqual(now + seconds * 1000);
      }),
    );
  });
});

describe("up on a seat", () => {
  it("whose time is up gives it a whole life from now", () => {
    expect(revived(record("2026-01-01T11:00:00.000Z"), 3600, NOON)?.extendedTo).toBe(
      "2026-01-01T13:00:00.000Z",
    );
    expect(revived(record("2026-01-01T11:00:00.000Z"), undefined, NOON)?.extendedTo).toBe("never");
  });
  it("that has time leaves it alone", () => {
    expect(revived(record("2026-01-01T12:00:01.000Z"), 3600, NOON)).toBe(undefined);
    expect(revived(record("never"), 3600, NOON)).toBe(undefined);
  });
  it("never touches what its labels say", () => {
    expect(revived(record("2026-01-01T11:00:00.000Z"), 3600, NOON)?.expires).toBe("2026-01-01T11:00:00.000Z");
  });
});
