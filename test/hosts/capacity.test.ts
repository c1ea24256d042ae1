import { expect, it } from "vitest";
import { hostShare } from "../../hosts/capacity.js";

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
