import type { Inside, Probe, Reading } from "./probe.js";
import { runIn } from "./run-in.js";

/** A probe that does nothing: its time is the overhead of every probe. Its series are the document's `overhead`. */
export const empty: Probe = {
  id: "empty",
  title: "Overhead of a probe",
  teaches:
    "Every probe is a command that runs in a target. This command does nothing, so its time is the time to send it and to get the answer.",
  kind: "target",
  needs: [],
  metrics: [{ id: "total", title: "an empty probe", unit: "s", better: "lower", bound: "time" }],
  published: [],
  runs: { full: 12, quick: 3, warmups: 1 },
  timeLimit: 20,
  measure,
  baseline: measure,
};

async function measure(inside: Inside): Promise<Reading> {
  const began = performance.now();
  await runIn(inside, ["true"], 20);
  return { values: { total: (performance.now() - began) / 1000 }, output: "" };
}
