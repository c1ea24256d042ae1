import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../base/errors.js";
import { formatSize, MiB } from "../components/helpers/units.js";
import { PROBE_NEEDS } from "../labs/probe-needs.js";
import { type FoundFact, type Probe, ProbeProblem, type Subject } from "./probe.js";
import { runIn } from "./run-in.js";

/** Milliseconds a change gets to be seen inside. */
const SEEN_LIMIT = 15_000;

/** What bounds the machine as it can be read inside: the cgroup's files, else what the kernel has. */
const READ_MEMORY =
  "for f in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do [ -r $f ] && cat $f; done; grep MemTotal /proc/meminfo";
const READ_CPUS =
  "for f in /sys/fs/cgroup/cpu.max /sys/fs/cgroup/cpu/cpu.cfs_quota_us; do [ -r $f ] && cat $f; done; nproc";

export const elasticity: Probe = {
  id: "elasticity",
  title: "Changing size while it runs",
  teaches:
    "A container's limits are numbers in a cgroup and change at once. A guest's memory and CPUs are devices: they change only where a balloon or spare CPU sockets were built in before it started.",
  kind: "host",
  needs: PROBE_NEEDS.elasticity,
  metrics: [
    {
      id: "memory",
      title: "less memory, until it is seen inside",
      unit: "s",
      better: "lower",
      bound: "time",
    },
    { id: "cpus", title: "other CPUs, until it is seen inside", unit: "s", better: "lower", bound: "time" },
  ],
  published: [],
  runs: { full: 3, quick: 1, warmups: 0 },
  timeLimit: 90,
  alone: true,
  async measure(subject, { spec }) {
    const less = Math.floor((spec.memory * 0.75) / MiB) * MiB;
    // Half a CPU can be had of a cgroup only; a guest is offered one more.
    const cpus = subject.target === "container" ? spec.cpus / 2 : spec.cpus + 1;
    const memory = await change(subject, READ_MEMORY, { memory: less }, { memory: spec.memory });
    const cpu = await change(subject, READ_CPUS, { cpus }, { cpus: spec.cpus });
    const fact = (title: string, value: string): FoundFact => ({
      title,
      value,
      note: "tried on the running machine, and undone",
    });
    return {
      values: {
        ...(memory.seconds === undefined ? {} : { memory: memory.seconds }),
        ...(cpu.seconds === undefined ? {} : { cpus: cpu.seconds }),
      },
      facts: [
        fact(`memory from ${formatSize(spec.memory)} to ${formatSize(less)}`, memory.said),
        fact("CPU time or CPUs", cpu.said),
      ],
      output: "",
    };
  },
};

interface Changed {
  seconds?: number;
  said: string;
}

async function change(
  subject: Subject,
  script: string,
  to: { memory?: number; cpus?: number },
  back: { memory?: number; cpus?: number },
): Promise<Changed> {
  const look = (): Promise<string> => runIn(subject, ["sh", "-c", script], 10);
  const before = await look();
  try {
    const began = performance.now();
    await subject.machine.resize(to);
    for (const deadline = Date.now() + SEEN_LIMIT; (await look()) === before; await sleep(50)) {
      if (Date.now() > deadline) return { said: `accepted, and not seen inside in ${SEEN_LIMIT / 1000} s` };
    }
    return { seconds: (performance.now() - began) / 1000, said: "changed, and seen inside" };
  } catch (error) {
    if (error instanceof ProbeProblem) throw error;
    return { said: `cannot: ${messageOf(error).split("\n").at(-1)}` };
  } finally {
    await subject.machine.resize(back).catch(() => {});
  }
}
