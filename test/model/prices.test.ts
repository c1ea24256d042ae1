import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  costOf,
  formatUsd,
  mergePrices,
  type PriceTable,
  quote,
  type RegionPrices,
  runningCost,
} from "../../model/prices.js";

const GiB = 2 ** 30;
const prices = (over: Partial<RegionPrices> = {}): RegionPrices => ({
  date: "2026-01-01",
  source: "a test",
  diskGiBMonth: 0.073,
  addressHour: 0.005,
  instanceHour: { "t3.micro": 0.01, "t3.small": 0.02 },
  ...over,
});
const table: PriceTable = {
  schema: 1,
  sources: [],
  regions: { "us-east-1": prices(), "eu-west-1": prices() },
};
const rental = { region: "us-east-1", size: "t3.micro", disk: 10 * GiB };

describe("a quote", () => {
  it("adds machine, disk and address", () => {
    const { perHour } = quote(table, rental);
    expect(perHour?.disk).toBeCloseTo(0.001, 10);
    expect(perHour?.total).toBeCloseTo(0.016, 10);
    expect(perHour).toMatchObject({ instance: 0.01, address: 0.005 });
  });

  it("counts a volume in whole GiB, as it is sold", () => {
    expect(quote(table, { ...rental, disk: 9 * GiB + 1 })).toEqual(quote(table, rental));
  });

  it("says what is known when the region or the size is not", () => {
    expect(quote(table, { ...rental, region: "us-east-11" })).toEqual({
      perHour: null,
      unknown: {
        what: "region",
        given: "us-east-11",
        known: ["eu-west-1", "us-east-1"],
        nearest: "us-east-1",
      },
    });
    expect(quote(table, { ...rental, size: "t3.smal" }).unknown).toEqual({
      what: "size",
      given: "t3.smal",
      known: ["t3.micro", "t3.small"],
      nearest: "t3.small",
    });
    expect(quote(table, { ...rental, region: "constructor" }).perHour).toBeNull();
    expect(quote({ ...table, regions: {} }, rental).unknown).toEqual({
      what: "region",
      given: "us-east-1",
      known: [],
    });
  });
});

describe("the cost of a class", () => {
  const perHour = { instance: 0.01, disk: 0.001, address: 0.005, total: 0.016 };

  it("is that of a seat as often as there are seats, for as long as they run", () => {
    const cost = costOf(perHour, 30, 3 * 3600);
    expect(cost.hour).toBeCloseTo(0.48, 10);
    expect(cost.session).toBeCloseTo(1.44, 10);
    expect(cost.day).toBeCloseTo(11.52, 10);
    expect(cost.month).toBeCloseTo(350.4, 10);
  });

  it("has no sum for what never ends, and a minute's at least for what does", () => {
    expect(costOf(perHour, 1, Number.POSITIVE_INFINITY).session).toBeNull();
    expect(costOf(perHour, 1, 1).session).toBe(costOf(perHour, 1, 60).session);
  });

  it("never falls with more seats or more time", () => {
    const seats = fc.integer({ min: 1, max: 1000 });
    const seconds = fc.integer({ min: 1, max: 10 ** 7 });
    fc.assert(
      fc.property(seats, seconds, seats, seconds, (n, ttl, moreSeats, moreTime) => {
        const sum = costOf(perHour, n, ttl).session ?? Number.NaN;
        expect(costOf(perHour, n + moreSeats, ttl + moreTime).session).toBeGreaterThan(sum);
      }),
    );
  });
});

describe("merging tables", () => {
  const newer = (date: string): PriceTable => ({
    schema: 1,
    sources: [],
    regions: { "us-east-1": prices({ date, addressHour: 1 }), "sa-east-1": prices() },
  });

  it("takes a region's later prices, and of the same day the newer table's", () => {
    expect(mergePrices(table, newer("2026-01-01")).regions["us-east-1"]?.addressHour).toBe(1);
    expect(mergePrices(table, newer("2025-12-31")).regions["us-east-1"]?.addressHour).toBe(0.005);
  });

  it("keeps regions that only one has", () => {
    expect(Object.keys(mergePrices(table, newer("2026-02-01")).regions).sort()).toEqual([
      "eu-west-1",
      "sa-east-1",
      "us-east-1",
    ]);
  });
});

describe("the cost of a seat that is up", () => {
  const seat = { since: "2026-03-01T10:00:00Z", expires: "2026-03-01T13:00:00Z", rental };
  const at = (time: string) => new Date(`2026-03-01T${time}Z`);

  it("is what it has cost, and will have at its end", () => {
    const cost = runningCost(table, seat, at("11:30:00"));
    expect(cost?.perHour).toBeCloseTo(0.016, 10);
    expect(cost?.soFar).toBeCloseTo(0.024, 10);
    expect(cost?.untilEnd).toBeCloseTo(0.048, 10);
  });

  it("is that of its disk alone while it is stopped", () => {
    const { disk = 0, total = 0 } = quote(table, rental).perHour ?? {};
    expect(disk).toBeGreaterThan(0);
    const before = { ...seat, stoppedSeconds: 1800 };
    expect(runningCost(table, before, at("11:30:00"))).toEqual({
      perHour: total,
      soFar: expect.closeTo(total + disk / 2, 10),
      untilEnd: expect.closeTo(2.5 * total + disk / 2, 10),
    });
    const now = { ...before, stopped: "2026-03-01T11:00:00Z" };
    expect(runningCost(table, now, at("11:30:00"))).toEqual({
      perHour: disk,
      soFar: expect.closeTo(total / 2 + disk, 10),
      untilEnd: expect.closeTo(total / 2 + 2.5 * disk, 10),
    });
    // Clocks that were set never make more of a stop than there was time.
    const early = { ...seat, stopped: "2026-03-01T09:00:00Z" };
    expect(runningCost(table, early, at("11:00:00"))?.soFar).toBeLessThan(disk + total / 59);
    expect(runningCost(table, { ...now, expires: "never" }, at("11:30:00"))?.untilEnd).toBeNull();
  });

  it("goes to the end it was extended to", () => {
    const longer = { ...seat, extendedTo: "2026-03-01T15:00:00Z" };
    expect(runningCost(table, longer, at("11:00:00"))?.untilEnd).toBeCloseTo(0.08, 10);
    expect(runningCost(table, { ...seat, extendedTo: "never" }, at("11:00:00"))?.untilEnd).toBeNull();
  });

  it("runs on past its end while it is there", () => {
    expect(runningCost(table, seat, at("20:00:00"))).toMatchObject({
      soFar: expect.closeTo(0.16, 10),
      untilEnd: expect.closeTo(0.16, 10),
    });
  });

  it("has no end where there is none, and no negative start", () => {
    expect(runningCost(table, { ...seat, expires: "never" }, at("11:00:00"))?.untilEnd).toBeNull();
    expect(runningCost(table, seat, at("09:00:00"))?.soFar).toBeGreaterThan(0);
  });

  it("is null for a seat that rents nothing, and at a price that is not known", () => {
    expect(runningCost(table, { ...seat, rental: undefined }, at("11:00:00"))).toBeNull();
    expect(runningCost(table, { ...seat, rental: { ...rental, size: "z9" } }, at("11:00:00"))).toBeNull();
  });
});

it.each([
  [12.3, "$12.30"],
  [1, "$1.00"],
  [0.5, "$0.50"],
  [0.0158, "$0.0158"],
  [0, "$0.00"],
])("%d dollars are written %s", (dollars, text) => expect(formatUsd(dollars)).toBe(text));
