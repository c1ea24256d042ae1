import { expect, it } from "vitest";
import { machineSpecSchema } from "../../components/machine-spec.js";
import type { Facts } from "../../environments/facts.js";
import { compareFacts } from "../../environments/parity.js";

const spec = machineSpecSchema.parse({});
const MiB = 2 ** 20;
const container: Facts = {
  kernel: "h",
  system: "Linux",
  hostname: "c",
  debian: "12.11",
  release: "bookworm",
  init: "docker-init",
  virtualisation: "docker",
  cpus: 1,
  cpusVisible: 8,
  memory: 512 * MiB,
  memoryUsable: 512 * MiB,
  memoryVisible: 16_384 * MiB,
  swap: 0,
  disk: 99 * MiB,
  diskBounded: false,
  packages: "abc",
  packageCount: 142,
  clockOffset: 0,
};
const guest: Facts = {
  ...container,
  kernel: "g",
  init: "systemd",
  virtualisation: "kvm",
  memory: 512 * MiB - 4096,
  memoryUsable: 460 * MiB,
  disk: 4096 * MiB,
  diskBounded: true,
};

const verdict = (id: string, facts: { container?: Facts; guest?: Facts }) =>
  compareFacts(spec, facts).rows.find((row) => row.id === id);

it("is in tolerance for two machines of one image", () => {
  const report = compareFacts(spec, { container, guest });
  expect(report.inTolerance).toBe(true);
  expect(report.rows.filter((r) => r.verdict === "nature").map((r) => r.id)).toEqual([
    "disk",
    "memory_usable",
    "memory_visible",
    "cpus_visible",
    "kernel",
    "init",
    "virtualisation",
  ]);
});

it.each<[string, Partial<Facts>]>([
  ["cpus", { cpus: 2 }],
  ["memory", { memory: 500 * MiB }],
  ["memory", { memory: Number.NaN }],
  ["swap", { swap: 1 }],
  ["release", { release: "trixie" }],
  ["packages", { packages: "abd" }],
  ["debian", { debian: "12.12" }],
  ["clock", { clockOffset: -2.5 }],
  ["clock", { clockOffset: Number.NaN }],
  ["disk", { disk: 8192 * MiB }],
])("finds %s wrong when the guest says %j", (id, change) => {
  const report = compareFacts(spec, { container, guest: { ...guest, ...change } });
  expect(report.inTolerance).toBe(false);
  expect(report.rows.filter((r) => r.verdict === "wrong").map((r) => r.id)).toEqual([id]);
});

it("allows the firmware 1 % of the memory, and no more", () => {
  expect(verdict("memory", { guest: { ...guest, memory: 512 * MiB * 0.991 } })?.verdict).toBe("match");
  expect(verdict("memory", { guest: { ...guest, memory: 512 * MiB * 0.989 } })?.verdict).toBe("wrong");
});

it("names the target that is off", () => {
  expect(verdict("memory", { container: { ...container, memory: 1 }, guest })?.note).toMatch(/^container: /);
});

it("says nothing of a container's disk where there is no container", () => {
  expect(verdict("disk", { guest })).toMatchObject({ verdict: "match", note: "" });
});
