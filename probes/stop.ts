import { PROBE_NEEDS } from "../labs/probe-needs.js";
import type { Probe } from "./probe.js";
import { published } from "./published.js";

export const stop: Probe = {
  id: "stop",
  title: "Stop in good order",
  teaches:
    "Stopping a container ends its processes; stopping a guest asks its init system to end every service, write out its disk and switch the machine off. Both leave what was stored.",
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
  ],
  published: [published.lifeCycle],
  runs: { full: 10, quick: 2, warmups: 0 },
  timeLimit: 180,
  async measure(subject, { signal }) {
    await subject.machine.start();
    // A guest that has not finished starting does not heed its power button yet.
    await subject.settle(signal);
    const began = performance.now();
    await subject.machine.stop();
    return { values: { total: (performance.now() - began) / 1000 }, output: "" };
  },
};
