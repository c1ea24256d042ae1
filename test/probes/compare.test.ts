import { expect, it } from "vitest";
import type { Target } from "../../model/naming.js";
import { doubts } from "../../probes/compare.js";
import { PROBES } from "../../probes/index.js";

it("marks what is in doubt: emulated CPU, parity, a busy host; never a size for a busy host", () => {
  const row = (id: string) => ({
    id,
    title: id,
    wanted: "",
    values: {},
    verdict: "wrong" as const,
    note: "",
  });
  const [cpu, memory] = ["cpu", "memory"].map((id) => PROBES.find((p) => p.id === id));
  if (!cpu?.metrics[0] || !memory?.metrics[0]) throw new Error("no such probe");
  const parity = { rows: [], inTolerance: true };
  const tcg = doubts({ emulated: ["guest"], parity, busy: () => undefined });
  expect(tcg(cpu, cpu.metrics[0], "guest")).toBe("emulated, without KVM");
  expect(tcg(cpu, cpu.metrics[0], "container")).toBeUndefined();
  expect(tcg(memory, memory.metrics[0], "guest")).toBeUndefined();
  expect(tcg(cpu, cpu.metrics[0], "baseline")).toBeUndefined();
  const busy = doubts({ emulated: [], parity, busy: () => "busy" });
  expect(busy(cpu, cpu.metrics[0], "guest")).toBe("busy");
  expect(busy(cpu, cpu.metrics[0], "baseline")).toBe("busy");
  expect(busy(memory, memory.metrics[0], "guest")).toBeUndefined();
  const atStart = (phase: string) => (phase === "life-cycle" ? "busy" : undefined);
  const starts = doubts({ emulated: [], parity, busy: atStart });
  const start = PROBES.find((p) => p.id === "start");
  if (!start?.metrics[0]) throw new Error("no such probe");
  expect(starts(start, start.metrics[0], "guest")).toBe("busy");
  expect(starts(cpu, cpu.metrics[0], "guest")).toBeUndefined();
  const off = doubts({
    emulated: [],
    parity: { rows: [row("memory")], inTolerance: false },
    busy: () => undefined,
  });
  expect(off(memory, memory.metrics[0], "guest")).toContain("parity: memory");
  expect(off(cpu, cpu.metrics[0], "guest")).toBeUndefined();
});

it("targets on different hosts are no comparison of their times, but of their sizes", () => {
  const apart = doubts({
    emulated: [],
    parity: { rows: [], inTolerance: true },
    busy: () => undefined,
    apart: true,
  });
  const [cpu, memory] = ["cpu", "memory"].map((id) => PROBES.find((p) => p.id === id));
  if (!cpu?.metrics[0] || !memory?.metrics[0]) throw new Error("no such probe");
  expect(apart(cpu, cpu.metrics[0], "guest")).toBe("the targets run on different hosts");
  expect(apart(memory, memory.metrics[0], "guest")).toBeUndefined();
});

it("a duel beside an emulated neighbour, and disk I/O that the host's memory answers, are no good for conclusions", () => {
  const run = {
    emulated: ["guest"] as const,
    parity: { rows: [], inTolerance: true },
    busy: () => undefined,
  };
  const of = (
    id: string,
    metric: number,
    target: Target,
    more: Partial<Parameters<typeof doubts>[0]> = {},
  ) => {
    const it = PROBES.find((p) => p.id === id);
    return it?.metrics[metric] && doubts({ ...run, ...more })(it, it.metrics[metric], target);
  };
  expect(of("duel", 0, "container")).toBeUndefined();
  expect(of("duel", 1, "container")).toContain("neighbour is emulated");
  expect(of("duel", 1, "container", { emulated: [] })).toBeUndefined();
  expect(of("disk-io", 0, "container", { emulated: [] })).toBeUndefined();
  expect(of("disk-io", 0, "guest", { emulated: [] })).toContain("page cache");
});
