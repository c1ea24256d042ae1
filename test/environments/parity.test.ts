import { expect, it } from "vitest";
import { machineSpecSchema } from "../../components/machine-spec.js";
import { compareFacts, type Facts } from "../../environments/parity.js";

const spec = machineSpecSchema.parse({});
const MiB = 2 ** 20;
const common = {
  release: "bookworm",
  debian: "12.11",
  packages: "abc",
  package_count: "142",
  cpus: "1",
  swap: "0",
  clock_offset: "0.000",
};
const container: Facts = { ...common, memory: String(512 * MiB), memory_usable: String(512 * MiB), disk: "99", kernel: "h", init: "docker-init" };
const guest: Facts = { ...common, memory: String(512 * MiB - 4096), memory_usable: String(460 * MiB), disk: String(4096 * MiB), kernel: "g", init: "systemd" };

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

it.each([
  ["cpus", { cpus: "2" }],
  ["memory", { memory: String(500 * MiB) }],
  ["memory", { memory: "" }],
  ["swap", { swap: "1" }],
  ["release", { release: "trixie" }],
  ["packages", { packages: "abd" }],
  ["debian", { debian: "12.12" }],
  ["clock", { clock_offset: "-2.5" }],
  ["clock", { clock_offset: "NaN" }],
  ["disk", { disk: String(8192 * MiB) }],
])("finds %s wrong when the guest says %j", (id, change) => {
  const report = compareFacts(spec, { container, guest: { ...guest, ...change } });
  expect(report.inTolerance).toBe(false);
  expect(report.rows.filter((r) => r.verdict === "wrong").map((r) => r.id)).toEqual([id]);
});

it("allows the firmware 1 % of the memory, and no more", () => {
  expect(verdict("memory", { guest: { ...guest, memory: String(512 * MiB * 0.991) } })?.verdict).toBe("match");
  expect(verdict("memory", { guest: { ...guest, memory: String(512 * MiB * 0.989) } })?.verdict).toBe("wrong");
});

it("names the target that is off", () => {
  expect(verdict("memory", { container: { ...container, memory: "1" }, guest })?.note).toMatch(/^container: /);
});

it("says nothing of a container's disk where there is no container", () => {
  expect(verdict("disk", { guest })).toMatchObject({ verdict: "match", note: "" });
});
