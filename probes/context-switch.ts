import { PROBE_NEEDS } from "../labs/probe-needs.js";
import { parsePerfBench } from "./perf-bench.js";
import type { Inside, Probe, Reading } from "./probe.js";
import { runIn } from "./run-in.js";

export const contextSwitch: Probe = {
  id: "context-switch",
  title: "Context switch",
  teaches:
    "When two processes wait for each other, the kernel switches between them. In a guest, the guest's own kernel does this. If it has more than one CPU, it must wake another virtual CPU, and that costs an exit to the hypervisor.",
  kind: "target",
  needs: PROBE_NEEDS["context-switch"],
  metrics: [
    {
      id: "time",
      title: "perf bench sched pipe, one round trip",
      unit: "us",
      better: "lower",
      bound: "cpu",
    },
  ],
  published: [],
  runs: { full: 12, quick: 3, warmups: 1 },
  timeLimit: 20,
  measure,
  baseline: measure,
};

async function measure(inside: Inside): Promise<Reading> {
  const output = await runIn(inside, ["perf", "bench", "sched", "pipe", "--loop", "5000"], 20);
  return { values: { time: parsePerfBench(output) }, output };
}
