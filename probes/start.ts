import { randomBytes } from "node:crypto";
import { ContainerMachine } from "../drivers/docker/container-machine.js";
import { PROBE_NEEDS } from "../labs/probe-needs.js";
import { type FoundFact, type Probe, ProbeProblem, type Subject } from "./probe.js";
import { published } from "./published.js";
import { numberIn } from "./run-in.js";

/** Milliseconds in which a target must answer. */
const WAIT = 180_000;

/** The guest's own times. They begin with its kernel; the short firmware before that is part of "the rest". */
const SHOW = [
  "systemctl show -p UserspaceTimestampMonotonic",
  "systemctl show ssh.service -p ActiveEnterTimestampMonotonic",
].join("; ");

export const start: Probe = {
  id: "start",
  title: "Start, until the first command is answered",
  teaches:
    "A container is a process that the running kernel starts. A guest first boots its own kernel and init system. Nearly all of the difference is this boot.",
  kind: "life-cycle",
  needs: PROBE_NEEDS.start,
  metrics: [
    metric("total", "from the API call to the first answer"),
    metric("call", "until the daemon says it runs"),
    metric("kernel", "the guest's kernel, by systemd's clock"),
    metric("userspace", "init until SSH listens, by systemd's clock"),
    metric("answer", "the rest: until the first command is answered"),
    metric("create", "docker create of another container; not part of the total"),
  ],
  published: [published.bootFloor, published.firecrackerBoot, published.kataStart, published.ec2],
  runs: { full: 6, quick: 2, warmups: 0 },
  timeLimit: 240,
  async measure(subject, { signal }) {
    const { machine } = subject;
    await machine.stop();
    const began = performance.now();
    await machine.start();
    const call = (performance.now() - began) / 1000;
    await subject.answer(WAIT, signal);
    const total = (performance.now() - began) / 1000;
    await subject.settle(signal); // a target that still starts services would slow the next measurement
    if (subject.target === "container") {
      const create = await timeCreate(subject);
      return {
        values: { total, call, answer: total - call, ...(create === undefined ? {} : { create }) },
        facts: [kernelFact("none boots: the host's kernel is already running")],
        output: "",
      };
    }
    const result = await subject.exec(["sh", "-c", SHOW], { root: true });
    if (result.exitCode !== 0) throw new ProbeProblem("failed", "systemctl failed", result.stderr);
    const split = parseBoot(result.stdout);
    return {
      values: { total, call, ...split, answer: Math.max(0, total - call - split.kernel - split.userspace) },
      facts: [kernelFact("its own; a short firmware starts it without a boot loader (direct boot)")],
      output: result.stdout,
    };
  },
};

function metric(id: string, title: string) {
  return { id, title, unit: "s", better: "lower", bound: "time" } as const;
}

const kernelFact = (value: string): FoundFact => ({
  title: "kernel",
  value,
  note: "what must boot before the first command",
});

/** Seconds of kernel, and of userspace until SSH listens, from systemd's monotonic times (µs). Pure. */
export function parseBoot(output: string): { kernel: number; userspace: number } {
  const userspace = numberIn(output, /^UserspaceTimestampMonotonic=(\d+)/m, "time of userspace");
  const ssh = numberIn(output, /^ActiveEnterTimestampMonotonic=(\d+)/m, "time of ssh.service");
  if (ssh <= userspace) throw new ProbeProblem("unparsable", "SSH was not active yet", output);
  return { kernel: userspace / 1e6, userspace: (ssh - userspace) / 1e6 };
}

async function timeCreate({ machine }: Subject): Promise<number | undefined> {
  if (!(machine instanceof ContainerMachine)) return undefined;
  const began = performance.now();
  const container = await machine.create(`${machine.name}-${randomBytes(3).toString("hex")}`);
  const seconds = (performance.now() - began) / 1000;
  await container.remove({ force: true, v: true });
  return seconds;
}
