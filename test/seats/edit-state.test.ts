import { expect, it } from "vitest";
import type { RawDeployment, RawResource } from "../../engine/index.js";
import { containerIn, editSeatState, renumberContainer } from "../../seats/edit-state.js";

const container = (outputs: object, inputs: object = {}) => ({
  urn: "urn:c",
  type: "docker:index/container:Container",
  inputs: { name: "c", ...inputs },
  outputs: { name: "c", ...outputs },
});
const current = {
  stdinOpen: false,
  tty: false,
  memoryReservation: 0,
  containerReadRefreshTimeoutMilliseconds: 15_000,
};

it("a container that an older stand-in made gets what the official plugin would replace it for", () => {
  const old = { resources: [container({ cgroupnsMode: "host" })] };
  expect(editSeatState(old, { protect: false })).toBe(true);
  expect(old.resources[0]?.outputs).toEqual({ name: "c", ...current });
  expect(editSeatState(old, { protect: false })).toBe(false);
});

it("what the official plugin wrote, and what was asked for, stays", () => {
  const official = container({ ...current, cgroupnsMode: null, tty: true });
  const asked = container({ ...current, cgroupnsMode: "private" }, { cgroupnsMode: "private" });
  expect(editSeatState({ resources: [official, asked] }, { protect: false })).toBe(false);
  expect(official.outputs).toMatchObject({ tty: true });
  expect(asked.outputs).toMatchObject({ cgroupnsMode: "private" });
});

it("what holds work is protected, and no longer where it is to go", () => {
  const of = (type: string, name: string) => ({ urn: name, type, inputs: { name }, protect: false });
  const disk = of("libvirt:index/volume:Volume", "g.qcow2");
  const others = [
    of("libvirt:index/volume:Volume", "v.seed.iso"),
    of("libvirt:index/domain:Domain", "g"),
    of("docker:index/network:Network", "c"),
  ];
  const machines = [of("docker:index/volume:Volume", "home"), of("aws:ec2/instance:Instance", "i")];
  const resources = [disk, ...others, ...machines];
  expect(editSeatState({ resources }, { protect: true })).toBe(true);
  expect([disk, ...machines].map((r) => r.protect)).toEqual([true, true, true]);
  expect(others.map((r) => r.protect)).toEqual([false, false, false]);
  expect(editSeatState({ resources }, { protect: true })).toBe(false);
  expect(editSeatState({ resources }, { protect: false })).toBe(true);
  expect([disk, ...machines].map((r) => r.protect)).toEqual([false, false, false]);
  expect(editSeatState({ resources: null }, { protect: true })).toBe(false);
});

it("a container that was made anew has its new id wherever the old one was", () => {
  const made = { ...container({ id: "old" }), id: "old" };
  const other = { ...container({ name: "d" }, { name: "d" }), id: "old2" };
  const seat = { urn: "urn:s", type: "trilab:index:MatchedLab", outputs: { targets: { c: { id: "old" } } } };
  const state: RawDeployment & { resources: RawResource[] } = { resources: [made, other, seat] };
  expect(renumberContainer(state, "c", "new")).toBe(true);
  expect(containerIn(state.resources, "c")).toMatchObject({ id: "new", outputs: { id: "new", name: "c" } });
  expect(containerIn(state.resources, "d")?.id).toBe("old2");
  expect(state.resources[2]).toEqual({ ...seat, outputs: { targets: { c: { id: "new" } } } });
  expect(renumberContainer(state, "c", "new")).toBe(false);
  expect(renumberContainer(state, "e", "new")).toBe(false);
  expect(renumberContainer({ resources: null }, "c", "new")).toBe(false);
});
