import { existsSync } from "node:fs";
import { HostCostError } from "../drivers/machine.js";
import { PROBE_NEEDS } from "../labs/probe-needs.js";
import type { Probe } from "./probe.js";
import { published } from "./published.js";

export const stop: Probe = {
  id: "stop",
  title: "Stop cleanly",
  teaches:
    "To stop a container, its processes are ended. To stop a guest, its init system ends every service, writes the disk's cache out, and switches the machine off. Both keep what was stored.",
  kind: "life-cycle",
  needs: PROBE_NEEDS.stop,
  metrics: [
    {
      id: "total",
      title: "from the API call until it is off",
      unit: "s",
      better: "lower",
      bound: "time",
    },
    {
      id: "left",
      title: "processes left on the host when it is off",
      unit: "1",
      better: "lower",
      bound: "size",
    },
  ],
  published: [published.lifeCycle],
  runs: { full: 6, quick: 2, warmups: 0 },
  timeLimit: 180,
  async measure(subject, { signal }) {
    await subject.machine.start();
    // A guest ignores its power button until it has finished starting.
    await subject.settle(signal);
    const process = await subject.machine.process().catch((error: unknown) => {
      if (error instanceof HostCostError) return undefined; // its host can't be looked at
      throw error;
    });
    const began = performance.now();
    await subject.machine.stop();
    const total = (performance.now() - began) / 1000;
    return {
      values: { total, ...(process && { left: existsSync(`/proc/${process.numbers[0]}`) ? 1 : 0 }) },
      output: "",
    };
  },
};
