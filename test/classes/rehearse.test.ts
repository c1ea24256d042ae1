import { expect, it } from "vitest";
import { type Faults, type RehearsalRequest, rehearse } from "../../classes/rehearse.js";

const faults: Faults = { lost: [], slowImage: 1, refused: 0, perSecond: Number.POSITIVE_INFINITY };
const hosts = (...names: string[]) =>
  names.map((name) => ({ name, seats: Number.POSITIVE_INFINITY, taken: 0 }));
const request = (more: Partial<RehearsalRequest> = {}): RehearsalRequest => ({
  seats: 9,
  hosts: hosts("a"),
  cpus: 2,
  costs: { control: 1, host: 4, image: 10 },
  faults,
  workers: 8,
  seed: "s",
  ...more,
});

it("takes what the work takes: an image, the first seat, then the others on all CPUs", async () => {
  const { failures, ready, seconds } = await rehearse(request());
  expect(ready[0]).toBe(10 + 1 + 4);
  // Eight seats at once: 8 × 1 s on two CPUs, then 8 × 4 s on two.
  expect(seconds).toBeCloseTo(15 + 4 + 16);
  expect([ready.length, failures]).toEqual([9, {}]);
});

it("rented machines start on CPUs of their own", async () => {
  const { seconds } = await rehearse(request({ ownCpus: true }));
  expect(seconds).toBeCloseTo(15 + 4 + 4);
});

it("two hosts take half the time of their own work, each after its image", async () => {
  const { hosts: there, seconds } = await rehearse(request({ seats: 40, hosts: hosts("a", "b") }));
  expect(there.map(({ ready }) => ready)).toEqual([20, 20]);
  expect(seconds).toBeLessThan((await rehearse(request({ seats: 40 }))).seconds);
  const slow = await rehearse(request({ hosts: hosts("a", "b"), faults: { ...faults, slowImage: 10 } }));
  expect(slow.ready[0]).toBe(105);
});

it("a lost host costs its own seats, and nobody else's", async () => {
  const lost = { ...faults, lost: [{ host: "b", at: 16 }] };
  const { failures, hosts: there } = await rehearse(
    request({ seats: 20, hosts: hosts("a", "b"), faults: lost }),
  );
  expect(there[0]).toEqual({ name: "a", placed: 10, ready: 10 });
  expect(failures).toEqual({ "b does not answer": 10 });
});

it("what does not fit is named, and refusals are tried once more", async () => {
  const few = await rehearse(request({ hosts: [{ name: "a", seats: 4, taken: 0 }] }));
  expect([few.ready.length, few.failures]).toEqual([4, { "no host has room": 5 }]);
  const refused = await rehearse(request({ seats: 400, faults: { ...faults, refused: 0.2 } }));
  const failed = refused.failures["the host refuses another machine"] ?? 0;
  // A fifth of a fifth: 16 of 400.
  expect(failed).toBeGreaterThan(4);
  expect(failed).toBeLessThan(40);
  expect(refused.ready.length + failed).toBe(400);
  expect(await rehearse(request({ seats: 400, faults: { ...faults, refused: 0.2 } }))).toEqual(refused);
});

it("requests for machines are not faster than allowed", async () => {
  const { seconds } = await rehearse(
    request({ seats: 100, cpus: 1000, workers: 64, faults: { ...faults, perSecond: 2 } }),
  );
  expect(seconds).toBeGreaterThan(100 / 2);
});

it("if nothing works, most are not begun", async () => {
  const { notBegun, ready } = await rehearse(request({ faults: { ...faults, refused: 1 } }));
  expect([ready.length, notBegun]).toEqual([0, 7]);
});

it("thousands of seats are rehearsed at once", async () => {
  const names = Array.from({ length: 50 }, (_, i) => `h${i}`);
  const { ready } = await rehearse(request({ seats: 5000, hosts: hosts(...names), workers: 64 }));
  expect(ready.length).toBe(5000);
});
