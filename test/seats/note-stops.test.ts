import { expect, it } from "vitest";
import { startsNoted, stopsNoted } from "../../seats/note-stops.js";
import type { SeatRecord } from "../../seats/seat-record.js";
import { seatRecord } from "./record.js";

const at = (minute: number): Date => new Date(Date.UTC(2026, 0, 1, 10, minute));
const stops = ({ machines }: SeatRecord) => machines.map(({ stopped }) => stopped);
const record = seatRecord({
  targets: ["container", "guest", "vps"],
  vps: { cloud: "aws", type: "t3.nano", credits: "standard" },
  rentedAt: { kind: "ec2", region: "eu-west-1", address: "203.0.113.9" },
});

it("a stop is noted once for each target, and forgotten when that starts", () => {
  const one = stopsNoted(["guest"], at(0), ["guest"])(record);
  expect(stops(one)).toEqual([undefined, at(0).toISOString(), undefined]);
  const two = stopsNoted(["container", "guest"], at(5), ["container"])(one);
  expect(stops(two)).toEqual([at(5).toISOString(), at(0).toISOString(), undefined]);
  expect(stops(startsNoted(["guest"], at(6), ["guest"])(two))).toEqual([
    at(5).toISOString(),
    undefined,
    undefined,
  ]);
  expect(startsNoted(["container", "guest", "vps"], at(6), ["container", "guest"])(two)).toEqual(record);
});

it("how long a rented machine was stopped is added up: meanwhile only its disk costs", () => {
  const stopped = (from: number, to: number) => (known: SeatRecord) =>
    startsNoted(["vps"], at(to), ["vps"])(stopsNoted(["vps"], at(from), ["vps"])(known));
  expect(stopped(0, 10)(record).vps).toEqual({ ...record.vps, stoppedSeconds: 600 });
  expect(stopped(20, 25)(stopped(0, 10)(record)).vps?.stoppedSeconds).toBe(900);
  // A clock that was set back makes no stop shorter.
  expect(stopped(10, 0)(record).vps).toEqual(record.vps);
  const guest = startsNoted(["guest"], at(10), ["guest"])(stopsNoted(["vps"], at(0), ["vps"])(record));
  expect(guest.vps).toEqual(record.vps);
});

it("a rented machine that somebody else has started is paid for all of its time", () => {
  const stopped = stopsNoted(["vps"], at(0), ["vps"])(record);
  expect(startsNoted(["vps"], at(600), [])(stopped)).toEqual(record);
  // As after a stop that was killed before AWS heard of it: the machine ran on.
  expect(stops(stopsNoted(["vps"], at(600), ["vps"])(stopped))[2]).toEqual(at(600).toISOString());
  expect(stops(stopsNoted(["vps"], at(600), [])(stopped))[2]).toEqual(at(0).toISOString());
});
