import { messageOf } from "../base/errors.js";
import { pollUntil } from "../base/poll.js";
import type { Inside } from "../drivers/machine.js";
import { PROBE_NEEDS } from "../labs/probe-needs.js";
import type { MachineSize } from "../model/machine-size.js";
import { formatSize, MiB } from "../model/units.js";
import { type FoundFact, type Probe, ProbeProblem, type Subject } from "./probe.js";
import { runIn } from "./run-in.js";

/** A change must be visible inside within this many milliseconds. */
const SEEN_LIMIT = 15_000;

/** Print the machine's limits as seen inside: the cgroup's files, or else what the kernel has. */
const READ_MEMORY =
  "for f in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do [ -r $f ] && cat $f; done; grep MemTotal /proc/meminfo";
const READ_CPUS =
  "for f in /sys/fs/cgroup/cpu.max /sys/fs/cgroup/cpu/cpu.cfs_quota_us; do [ -r $f ] && cat $f; done; nproc";

export const elasticity: Probe = {
  id: "elasticity",
  title: "Changing size while it runs",
  teaches:
    "A container's limits are numbers in a cgroup and can change at once. A guest's memory and CPUs are devices. They can only change if the guest started with a balloon device and with spare CPU slots; the facts below say whether this one did.",
  kind: "host",
  needs: PROBE_NEEDS.elasticity,
  metrics: [
    {
      id: "memory",
      title: "less memory, until visible inside",
      unit: "s",
      better: "lower",
      bound: "time",
    },
    {
      id: "cpus",
      title: "more or fewer CPUs, until visible inside",
      unit: "s",
      better: "lower",
      bound: "time",
    },
  ],
  published: [],
  runs: { full: 3, quick: 1, warmups: 0 },
  timeLimit: 90,
  alone: true,
  async measure(subject, { signal }) {
    const had = await subject.machine.size();
    const less = Math.floor((had.memory * 0.75) / MiB) * MiB;
    // A container's CPUs are CPU time, so it gets half of it. A guest's CPUs are devices, so it gets one more.
    const cpus = subject.target === "container" ? had.cpus / 2 : had.cpus + 1;
    const memory = await change(subject, READ_MEMORY, { memory: less }, { memory: had.memory }, signal);
    const cpu = await change(subject, READ_CPUS, { cpus }, { cpus: had.cpus }, signal);
    const fact = (metric: string, title: string, value: string): FoundFact => ({
      metric,
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
        fact("memory", `memory from ${formatSize(had.memory)} to ${formatSize(less)}`, memory.said),
        fact("cpus", "CPU time or CPUs", cpu.said),
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
    await subject.machine.resize(to, insideOf(subject));
  } catch (error) {
    return { said: `cannot: ${messageOf(error).split("\n").at(-1)}` };
  }
  try {
    const seen = async (): Promise<boolean> => (await look()) !== before;
    if (!(await pollUntil(seen, { limitMs: SEEN_LIMIT, everyMs: 50, signal })))
      return { said: `accepted, but not visible inside after ${SEEN_LIMIT / 1000} s` };
    return { seconds: (performance.now() - began) / 1000, said: "changed, and visible inside" };
  } finally {
    await undo(subject, back);
  }
}

const insideOf =
  (subject: Subject): Inside =>
  (line) =>
    subject.exec(["sh", "-c", line], { root: true });

/** @throws ProbeProblem if it fails: the target has another size now, so later figures would be wrong. */
async function undo(subject: Subject, back: Partial<MachineSize>): Promise<void> {
  const { machine, target } = subject;
  try {
    await machine.resize(back, insideOf(subject));
  } catch (error) {
    if (!(await machine.running())) return; // a guest's live change ends with the guest
    throw new ProbeProblem("failed", `the ${target} could not be changed back: ${messageOf(error)}`);
  }
}
