import { PROBE_NEEDS } from "../labs/probe-needs.js";
import { parsePerfBench } from "./perf-bench.js";
import type { Inside, Probe, Reading } from "./probe.js";
import { published } from "./published.js";
import { runIn } from "./run-in.js";

export const syscall: Probe = {
  id: "syscall",
  title: "System call",
  teaches:
    "A container's system call goes through a filter (seccomp) to the host's kernel. A guest's system call goes to its own kernel and does not leave the guest. With KVM, both are cheap.",
  kind: "target",
  needs: PROBE_NEEDS.syscall,
  metrics: [
    { id: "time", title: "perf bench syscall basic (getppid)", unit: "us", better: "lower", bound: "cpu" },
  ],
  published: [published.syscall],
  runs: { full: 12, quick: 3, warmups: 1 },
  timeLimit: 20,
  measure,
  baseline: measure,
};

async function measure(inside: Inside): Promise<Reading> {
  const output = await runIn(inside, ["perf", "bench", "syscall", "basic", "--loop", "200000"], 20);
  return { values: { time: parsePerfBench(output) }, output };
}
