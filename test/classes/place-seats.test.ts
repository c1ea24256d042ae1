import fc from "fast-check";
import { expect, it } from "vitest";
import { placeSeats } from "../../classes/place-seats.js";

const any = Number.POSITIVE_INFINITY;
const place = (name: string, seats: number, taken = 0) => ({ name, seats, taken });

it("fills hosts evenly, by how many seats each may have", () => {
  expect(placeSeats(3, [place("a", any)])).toEqual(["a", "a", "a"]);
  expect(placeSeats(4, [place("a", any), place("b", any)]).sort()).toEqual(["a", "a", "b", "b"]);
  expect(placeSeats(6, [place("large", 20), place("small", 10)]).sort()).toEqual([
    ...["large", "large", "large", "large"],
    ...["small", "small"],
  ]);
});

it("counts the seats that a host has already", () => {
  expect(placeSeats(2, [place("a", 10, 8), place("b", 10)])).toEqual(["b", "b"]);
});

it("never gives a host more than it may have, and leaves a seat without one only when all are full", () => {
  const hosts = fc.array(
    fc.record({ seats: fc.integer({ min: 1, max: 9 }), taken: fc.integer({ min: 0, max: 9 }) }),
    {
      minLength: 1,
      maxLength: 5,
    },
  );
  fc.assert(
    fc.property(hosts, fc.integer({ min: 0, max: 50 }), (rooms, count) => {
      const places = rooms.map((room, i) => ({ name: `h${i}`, ...room }));
      const placed = placeSeats(count, places);
      const room = places.map(({ seats, taken }) => Math.max(0, seats - taken));
      for (const [i, { name }] of places.entries())
        expect(placed.filter((each) => each === name).length).toBeLessThanOrEqual(room[i] ?? 0);
      const total = room.reduce((sum, each) => sum + each, 0);
      expect(placed.filter((each) => each === undefined).length).toBe(Math.max(0, count - total));
    }),
  );
});
