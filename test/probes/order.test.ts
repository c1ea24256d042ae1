import { expect, it } from "vitest";
import { PROBE_IDS, PROBE_NEEDS } from "../../labs/probe-needs.js";
import { PROBES } from "../../probes/index.js";
import { plan } from "../../probes/order.js";
import { MIN_FOR_INTERVAL } from "../../report/statistics.js";

const TARGETS = ["container", "guest"] as const;

it("has a probe for every id that a lab may name, each with what its image needs", () => {
  expect(new Set(PROBES.map((p) => p.id))).toEqual(new Set(PROBE_IDS));
  for (const p of PROBES) {
    expect(p.needs).toEqual(PROBE_NEEDS[p.id as keyof typeof PROBE_NEEDS]);
    expect(p.teaches.split(/[.:;] /).length, p.id).toBeGreaterThan(1);
    expect(new Set(p.metrics.map((m) => m.id)).size).toBe(p.metrics.length);
  }
  expect(PROBES.filter((p) => p.control).map((p) => p.id)).toEqual(["cpu"]);
});

it("plans enough runs for an interval of every figure that a sentence is made of", () => {
  for (const p of PROBES.filter(({ id }) => ["start", "stop", "memory", "disk", "duel"].includes(id)))
    expect(p.runs.full, p.id).toBeGreaterThanOrEqual(MIN_FOR_INTERVAL);
  for (const p of PROBES.filter(({ kind, runs }) => kind === "target" && runs.warmups > 0))
    expect(p.runs.full, p.id).toBeGreaterThanOrEqual(2 * MIN_FOR_INTERVAL);
});

it("plans the baseline only for probes that can measure it", () => {
  const steps = plan(PROBES, [...TARGETS, "baseline"], { seed: 1, quick: true });
  const measured = new Set(steps.filter((s) => s.target === "baseline").map((s) => s.probe.id));
  expect([...measured].sort()).toEqual([
    ...["context-switch", "cpu", "disk-io", "fork-exec", "memory-bandwidth", "syscall"],
  ]);
  expect(steps.filter((s) => s.target !== "baseline")).toHaveLength(
    plan(PROBES, TARGETS, { seed: 1, quick: true }).length,
  );
});

it("marks the slow probes, which a quick run leaves out unless they are named", () => {
  expect(PROBES.filter((p) => p.slow).map((p) => p.id)).toEqual(["downtime", "host-calls", "moving"]);
});

it("gives the same order for the same seed, another for another", () => {
  const order = (seed: number) =>
    plan(PROBES, TARGETS, { seed, quick: true }).map((s) => `${s.probe.id} ${s.target} ${s.round}`);
  expect(order(3)).toEqual(order(3));
  expect(order(3)).not.toEqual(order(4));
  expect([...order(3)].sort()).toEqual([...order(4)].sort());
});
