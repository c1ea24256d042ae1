import { messageOf } from "../base/errors.js";
import { pollUntil } from "../base/poll.js";
import type { MachineSize } from "../drivers/machine.js";
import { PROBE_NEEDS } from "../labs/probe-needs.js";
import { formatSize, MiB } from "../model/units.js";
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
    "A container's limits are numbers in a cgroup and change at once. A guest's memory and CPUs are devices: they change only where a balloon or spare CPU sockets were built in before it started, and this lab's guests have neither.",
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
  async measure(subject, { signal }) {
    const had = await subject.machine.size();
    const less = Math.floor((had.memory * 0.75) / MiB) * MiB;
    // A container's CPUs are time, so it gets half of it; a guest's are devices, so it is offered one more.
    const cpus = subject.target === "container" ? had.cpus / 2 : had.cpus + 1;
    const memory = await change(subject, READ_MEMORY, { memory: less }, { memory: had.memory }, signal);
    const cpu = await change(subject, READ_CPUS, { cpus }, { cpus: had.cpus }, signal);
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
        fact(`memory from ${formatSize(had.memory)} to ${formatSize(less)}`, memory.said),
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
  to: Partial<MachineSize>,
  back: Partial<MachineSize>,
  signal: AbortSignal,
): Promise<Changed> {
  const look = (): Promise<string> => runIn(subject, ["sh", "-c", script], 10);
  const before = await look();
  const began = performance.now();
  try {
    await subject.machine.resize(to);
  } catch (error) {
    return { said: `cannot: ${messageOf(error).split("\n").at(-1)}` };
  }
  try {
    const seen = async (): Promise<boolean> => (await look()) !== before;
    if (!(await pollUntil(seen, { limitMs: SEEN_LIMIT, everyMs: 50, signal })))
      return { said: `accepted, and not seen inside in ${SEEN_LIMIT / 1000} s` };
    return { seconds: (performance.now() - began) / 1000, said: "changed, and seen inside" };
  } finally {
    await undo(subject, back);
  }
}

/** @throws ProbeProblem when it fails: the target is not as it was, and every figure after this one is of another. */
async function undo({ machine, target }: Subject, back: Partial<MachineSize>): Promise<void> {
  try {
    await machine.resize(back);
  } catch (error) {
    if (!(await machine.running())) return; // a guest's change went with it
    throw new ProbeProblem("failed", `the ${target} could not be changed back: ${messageOf(error)}`);
  }
}
