import { PROBE_NEEDS } from "../labs/probe-needs.js";
import type { Inside, Probe, Reading } from "./probe.js";
import { published } from "./published.js";
import { numberIn, runIn } from "./run-in.js";

export const cpu: Probe = {
  id: "cpu",
  title: "CPU: prime numbers (the control)",
  teaches:
    "Arithmetic runs directly on the CPU, in a container and (with KVM) in a guest. So there should be no difference. A difference above 5 % under KVM means that the measurement is unfair, not that guests are slow.",
  kind: "target",
  control: true,
  needs: PROBE_NEEDS.cpu,
  metrics: [
    {
      id: "rate",
      title: "sysbench cpu, one thread, primes to 10 000",
      unit: "1/s",
      better: "higher",
      bound: "cpu",
    },
  ],
  published: [published.linpack],
  runs: { full: 12, quick: 3, warmups: 1 },
  timeLimit: 20,
  measure,
  baseline: measure,
};

async function measure(inside: Inside): Promise<Reading> {
  const output = await runIn(
    inside,
    ["sysbench", "cpu", "--threads=1", "--events=400", "--time=0", "run"],
    20,
  );
  return { values: { rate: parseSysbenchCpu(output) }, output };
}

/** Events per second. Pure. */
export const parseSysbenchCpu = (output: string): number =>
  numberIn(output, /events per second:\s+([\d.]+)/, "rate of events");
