import { PROBE_NEEDS } from "../labs/probe-needs.js";
import type { Inside, Probe, Reading } from "./probe.js";
import { published } from "./published.js";
import { numberIn, runIn } from "./run-in.js";

export const memoryBandwidth: Probe = {
  id: "memory-bandwidth",
  title: "Memory bandwidth",
  teaches:
    "Once pages are mapped, memory is as fast in a guest as in a container, because the hardware also reads the hypervisor's page tables. The block fits into the CPU's cache, so this measures the way to memory, not the memory chips.",
  kind: "target",
  needs: PROBE_NEEDS["memory-bandwidth"],
  metrics: [
    {
      id: "rate",
      title: "sysbench memory, writes of 1 MiB",
      unit: "MiB/s",
      better: "higher",
      bound: "cpu",
    },
  ],
  published: [published.stream],
  runs: { full: 12, quick: 3, warmups: 1 },
  timeLimit: 20,
  measure,
  baseline: measure,
};

async function measure(inside: Inside): Promise<Reading> {
  const size = ["--memory-block-size=1M", "--memory-total-size=2G"];
  const output = await runIn(inside, ["sysbench", "memory", "--threads=1", "--time=10", ...size, "run"], 20);
  return { values: { rate: parseSysbenchMemory(output) }, output };
}

/** MiB per second. Pure. */
export const parseSysbenchMemory = (output: string): number =>
  numberIn(output, /transferred \(([\d.]+) MiB\/sec\)/, "transfer rate");
