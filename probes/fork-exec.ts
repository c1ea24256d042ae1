import { PROBE_NEEDS } from "../labs/probe-needs.js";
import type { Inside, Probe, Reading } from "./probe.js";
import { published } from "./published.js";
import { numberIn, runIn } from "./run-in.js";

/** Starts /bin/true a given number of times, one after the other, and prints the number and the seconds. */
const FORKS = `use Time::HiRes "time"; my $n = shift; my $t = time;
for (1 .. $n) { my $p = fork; if (!$p) { exec "/bin/true" } waitpid $p, 0 }
printf "%d processes %.6f s\\n", $n, time - $t`;

const COUNT = 60;

export const forkExec: Probe = {
  id: "fork-exec",
  title: "Start a process (fork and exec)",
  teaches:
    "To start a program, the kernel makes page tables, handles page faults, and touches new memory. In a guest, each address is translated twice, by the hardware or by an emulator. In a container, this costs the same as on the host.",
  kind: "target",
  needs: PROBE_NEEDS["fork-exec"],
  metrics: [{ id: "time", title: "fork, exec /bin/true, wait", unit: "us", better: "lower", bound: "cpu" }],
  published: [published.bootFloor],
  runs: { full: 12, quick: 3, warmups: 1 },
  timeLimit: 20,
  measure,
  baseline: measure,
};

async function measure(inside: Inside): Promise<Reading> {
  const output = await runIn(inside, ["perl", "-e", FORKS, String(COUNT)], 20);
  return { values: { time: parseForks(output) }, output };
}

/** Microseconds per process. Pure. */
export function parseForks(output: string): number {
  const count = numberIn(output, /^(\d+) processes/m, "number of processes");
  return (numberIn(output, /([\d.]+) s$/m, "time") / count) * 1e6;
}
