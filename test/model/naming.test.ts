import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { freeSlot, overlaps, SEAT_SLOTS, seatBlock, subnetOf } from "../../model/cidr.js";
import {
  bridgeName,
  consoleLogName,
  diskName,
  hostKeyName,
  labelProblem,
  MAX_LAB_LENGTH,
  MAX_SEAT_LENGTH,
  macAddress,
  machineName,
  namedAsBefore,
  seatPrefix,
  seedName,
  TARGETS,
} from "../../model/naming.js";

const label = (max: number) =>
  fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$/).filter((s) => labelProblem(s, max) === undefined);
const id = fc.record({ lab: label(MAX_LAB_LENGTH), seat: label(MAX_SEAT_LENGTH) });
/** Seats whose names are alike: of few letters and many hyphens. */
const alike = fc.record({
  lab: fc.stringMatching(/^a[a-]{0,6}$/).filter((s) => labelProblem(s, MAX_LAB_LENGTH) === undefined),
  seat: fc.stringMatching(/^a[a-]{0,6}$/).filter((s) => labelProblem(s, MAX_SEAT_LENGTH) === undefined),
});
const target = fc.constantFrom(...TARGETS);

describe("names", () => {
  it("stay within what Linux and DNS allow, for every valid lab and seat", () => {
    fc.assert(
      fc.property(id, target, (seat, t) => {
        expect(machineName(seat, t)).toMatch(/^[a-z0-9-]{1,63}$/);
        expect(bridgeName(seat, t)).toMatch(/^tl[0-9a-f]{12}$/);
        expect(macAddress(seat, t)).toMatch(/^52:54:00(:[0-9a-f]{2}){3}$/);
      }),
    );
  });

  it("are what they have always been: running seats depend on them", () => {
    const seat = { lab: "first-boot", seat: "alice" };
    expect(machineName(seat, "guest")).toBe("trilab-first-boot-alice-guest");
    expect(bridgeName(seat, "guest")).toBe("tle465837edba4");
    expect(macAddress(seat, "guest")).toBe("52:54:00:ab:95:23");
    expect(diskName(seat, "guest")).toBe("trilab-first-boot-alice-guest.qcow2");
    expect(consoleLogName(seat, "vps")).toBe("trilab-first-boot-alice-vps.console.log");
    expect(seedName(seat)).toBe("trilab-first-boot-alice-vps.seed.iso");
    expect(hostKeyName(seat)).toBe("trilab-first-boot-alice-guest.host-key");
  });

  it("are no two seats' at once, also if lab and seat have hyphens", () => {
    fc.assert(
      fc.property(alike, alike, (one, other) => {
        fc.pre(one.lab !== other.lab || one.seat !== other.seat);
        expect(seatPrefix(one)).not.toBe(seatPrefix(other));
      }),
      { numRuns: 2000 },
    );
    expect(seatPrefix({ lab: "web", seat: "lab-1" })).toBe("trilab-web-lab--1");
    expect(seatPrefix({ lab: "web-lab", seat: "1" })).toBe("trilab-web-lab-1");
    const long = "a-b-c-d-e-f-g-h-i-j-k-l-m";
    expect(seatPrefix({ lab: "web", seat: long })).not.toBe(
      seatPrefix({ lab: "web", seat: `${long.slice(0, -1)}n` }),
    );
  });

  it("are an older trilab's for a seat that it made", () => {
    const seat = namedAsBefore({ lab: "web", seat: "lab-1" });
    expect(machineName(seat, "guest")).toBe("trilab-web-lab-1-guest");
    expect(diskName(seat, "guest")).toBe("trilab-web-lab-1-guest.qcow2");
  });

  it.each(["", "A", "a b", "-a", "a-", "ä", "a_b", "x".repeat(64)])("%j is no DNS label", (name) => {
    expect(labelProblem(name, MAX_SEAT_LENGTH)).toBeDefined();
  });
});

describe("addresses", () => {
  it("a slot's subnets lie in its block and apart from each other and every other slot's", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: SEAT_SLOTS - 1 }),
        fc.integer({ min: 0, max: SEAT_SLOTS - 1 }),
        (a, b) => {
          for (const t of TARGETS) {
            expect(overlaps(subnetOf(a, t).cidr, seatBlock(a))).toBe(true);
            for (const other of TARGETS)
              expect(overlaps(subnetOf(a, t).cidr, subnetOf(a, other).cidr)).toBe(t === other);
          }
          if (a !== b) expect(overlaps(seatBlock(a), seatBlock(b))).toBe(false);
        },
      ),
    );
  });

  it("overlap where one block holds the other, or a single address; other text overlaps nothing", () => {
    for (const [a, b, shared] of [
      ["10.213.0.0/16", "10.213.4.0/26", true],
      ["10.213.4.63/32", "10.213.4.0/26", true],
      ["10.213.4.64", "10.213.4.0/26", false],
      ["10.213.4.7", "10.213.4.0/26", true],
      ["0.0.0.0/0", "10.213.4.0/26", true],
      ["10.213.4.0/26", "10.213.4.64/26", false],
      ["fe80::/10", "0.0.0.0/0", false],
      ["default", "0.0.0.0/0", false],
      ["10.213/16", "10.213.0.0/16", false],
      ["10.213.0.0/33", "10.213.0.0/16", false],
    ] as const) {
      expect(overlaps(a, b), `${a} ${b}`).toBe(shared);
      expect(overlaps(b, a), `${b} ${a}`).toBe(shared);
    }
  });

  it("gives the first and the last slot their place in 10.213.0.0/16", () => {
    expect(subnetOf(0, "container")).toEqual({
      cidr: "10.213.0.0/28",
      prefix: 28,
      gateway: "10.213.0.1",
      address: "10.213.0.2",
    });
    expect(subnetOf(1023, "guest")).toEqual({
      cidr: "10.213.255.208/28",
      prefix: 28,
      gateway: "10.213.255.209",
      address: "10.213.255.210",
    });
  });

  it("finds a slot nobody uses, or says that there is none", () => {
    const seat = { lab: "l", seat: "s" };
    const first = freeSlot(seat, []);
    expect(first).toBeDefined();
    const next = freeSlot(seat, [seatBlock(first ?? 0)]);
    expect(next).toBe(((first ?? 0) + 1) % SEAT_SLOTS);
    expect(freeSlot(seat, ["10.213.0.0/16"])).toBeUndefined();
    expect(freeSlot(seat, ["0.0.0.0/0"])).toBeUndefined();
    expect(freeSlot(seat, ["nonsense", "192.168.0.0/24"])).toBe(first);
  });
});
