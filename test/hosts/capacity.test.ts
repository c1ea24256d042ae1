import { describe, expect, it } from "vitest";
import { type Capacity, hostFit, hostShare } from "../../hosts/capacity.js";

const GiB = 2 ** 30;
const spec = { cpus: 2, memory: GiB / 2, disk: 4 * GiB };

it("adds up what a class takes, and holds it against the host", () => {
  expect(hostShare(spec, 30, { cpus: 8, memory: 30 * GiB, diskFree: 240 * GiB })).toEqual({
    cpus: 60,
    memory: 15 * GiB,
    disk: 120 * GiB,
    share: { cpus: 7.5, memory: 0.5, disk: 0.5 },
  });
});

it("has no share of a disk whose size is not known", () => {
  expect(hostShare(spec, 1, { cpus: 2, memory: GiB, diskFree: undefined }).share.disk).toBeNull();
});

describe("whether seats fit", () => {
  const GiB = 2 ** 30;
  const host = { cpus: 4, memory: 16 * GiB, diskFree: 100 * GiB };
  const small = { cpus: 1, memory: GiB / 2, disk: 4 * GiB };
  const fit = (seats: number, machines: number, spec = small, on: Capacity = host) =>
    hostFit(spec, { seats, machines }, on);

  it("is bounded by what is used up first, all that may be filled counted", () => {
    expect(fit(12, 2)).toEqual({ fits: true, over: [], seats: 12, by: "disk" });
    expect(fit(13, 2)).toEqual({ fits: false, over: ["disk"], seats: 12, by: "disk" });
    expect(fit(30, 2)).toMatchObject({ fits: false, over: ["cpus", "memory", "disk"] });
    expect(fit(2, 1, { ...small, memory: 10 * GiB })).toMatchObject({
      over: ["memory"],
      seats: 1,
      by: "memory",
    });
  });

  it("lets eight virtual CPUs share one, and does not count a disk that it knows nothing of", () => {
    const on = { ...host, memory: 1024 * GiB, diskFree: undefined };
    expect(fit(32, 1, small, on)).toEqual({ fits: true, over: [], seats: 32, by: "cpus" });
    expect(fit(33, 1, small, on).over).toEqual(["cpus"]);
  });

  it("may be that not even one does", () => {
    expect(fit(1, 1, { ...small, memory: 20 * GiB })).toMatchObject({ fits: false, seats: 0 });
  });
});
