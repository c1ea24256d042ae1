import { expect, it } from "vitest";
import { memoryDevice } from "../../model/hot-plug.js";
import { ceilingOf } from "../../model/machine-size.js";
import { MiB } from "../../model/units.js";

const spec = { memory: 512 * MiB, cpus: 1 };
const host = { memory: 4096 * MiB, cpus: 4 };

it("a machine may become twice its spec, within its host, or what its lab says", () => {
  expect(ceilingOf(spec, undefined, host)).toEqual({ memory: 1024 * MiB, cpus: 2 });
  expect(ceilingOf(spec, undefined, { memory: 700 * MiB, cpus: 1 })).toEqual({ memory: 700 * MiB, cpus: 1 });
  expect(ceilingOf(spec, { memory: 2048 * MiB }, host)).toEqual({ memory: 2048 * MiB, cpus: 2 });
  expect(ceilingOf(spec, { cpus: 1 }, host)).toEqual({ memory: 1024 * MiB, cpus: 1 });
});

it("is never less than its spec, on a host that has less, too", () => {
  expect(ceilingOf(spec, { memory: 256 * MiB }, { memory: 256 * MiB, cpus: 1 })).toEqual(spec);
});

it("the device that it grows by has whole sections of 128 MiB, and is left out where it can't grow", () => {
  const device = (memory: number): number => memoryDevice(spec, { memory: memory * MiB, cpus: 1 }) / MiB;
  expect([512, 513, 640, 641, 1024].map(device)).toEqual([0, 128, 128, 256, 512]);
});
