import type { Probe } from "./probe.js";
import { runIn } from "./run-in.js";

/** Asks for nothing: what asking itself costs. Its series are the document's `overhead`. */
export const empty: Probe = {
  id: "empty",
  title: "The price of asking",
  teaches:
    "Every probe is a command sent into a target. This one does nothing, so its time is that of the sending.",
  kind: "target",
  needs: [],
  metrics: [{ id: "total", title: "an empty probe", unit: "s", better: "lower", bound: "time" }],
  published: [],
  runs: { full: 30, quick: 3, warmups: 1 },
  timeLimit: 20,
  async measure(subject) {
    const began = performance.now();
    await runIn(subject, ["true"], 20);
    return { values: { total: (performance.now() - began) / 1000 }, output: "" };
  },
};
