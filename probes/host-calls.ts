import { randomBytes } from "node:crypto";
import { execa } from "execa";
import { poll } from "../base/poll.js";
import { isRoot, which } from "../base/privilege.js";
import { processWithArgument } from "../drivers/host-cost.js";
import { isOnThisHost } from "../drivers/machine.js";
import { PROBE_NEEDS } from "../labs/probe-needs.js";
import { type Probe, ProbeProblem, type Reading, type Run, type Subject } from "./probe.js";
import { runIn } from "./run-in.js";

/** Calls that the target makes. Fewer in a container, because strace stops its process at every single one. */
const CALLS = { container: 20_000, other: 200_000 };
/** Seconds after which strace ends by itself, also if trilab was killed. */
const TRACE_LIMIT = 40;

/** Waits for a file, then makes $ARGV[1] getpid calls. Its own name lets the host find it. */
const CALLER = `$0 = "running-$ARGV[0]"; until (-e "/tmp/$ARGV[0]") { select undef, undef, undef, 0.1 }
unlink "/tmp/$ARGV[0]"; syscall 39 for 1 .. $ARGV[1]`;

export const hostCalls: Probe = {
  id: "host-calls",
  title: "System calls that reach the host",
  teaches:
    "Each system call of a container is a system call to the host's kernel. A guest's system calls go to the guest's kernel. QEMU makes system calls of its own, for timers and devices, but not one for each of the guest's.",
  kind: "host",
  needs: PROBE_NEEDS["host-calls"],
  metrics: [
    {
      id: "calls",
      title: "host system calls for 1000 getpid calls inside",
      unit: "1",
      better: "none",
      bound: "size",
    },
  ],
  published: [],
  runs: { full: 3, quick: 1, warmups: 0 },
  slow: true,
  timeLimit: 120,
  alone: true,
  measure,
};

async function measure(subject: Subject, { signal }: Run): Promise<Reading> {
  if (!isOnThisHost(subject.machine)) throw new ProbeProblem("skipped", "its host can't be looked at");
  if (!isRoot()) throw new ProbeProblem("skipped", "strace on the host needs root");
  if (which("strace") === undefined)
    throw new ProbeProblem("missing-tool", "strace is not on this host: apt-get install strace");
  const token = `trilab-calls-${randomBytes(4).toString("hex")}`;
  const count = subject.target === "container" ? CALLS.container : CALLS.other;
  const calling = runIn(subject, ["perl", "-e", CALLER, token, String(count)], 60);
  const running = calling.then(
    () => undefined,
    (error: unknown) => error,
  );
  const argument = subject.target === "container" ? `running-${token}` : `guest=${subject.name},`;
  const process = await poll(() => processWithArgument(argument), { limitMs: 10_000, everyMs: 100, signal });
  if (process === undefined) throw new ProbeProblem("failed", "its process was not found on this host");
  const trace = execa(
    "timeout",
    ["-s", "INT", String(TRACE_LIMIT), "strace", "-c", "-f", "-p", String(process)],
    { reject: false, stdin: "ignore" },
  );
  try {
    await attached(trace.stderr);
    await runIn(subject, ["touch", `/tmp/${token}`], 20);
    const error = await running;
    if (error !== undefined) throw error;
  } finally {
    trace.kill("SIGINT");
  }
  const { stderr } = await trace;
  const made = parseStrace(stderr);
  const total = made.reduce((sum, { calls }) => sum + calls, 0);
  const most = made.sort((a, b) => b.calls - a.calls).slice(0, 3);
  return {
    values: { calls: (total * 1000) / count },
    facts: [
      {
        title: "most frequent on the host",
        value: most.map(({ name, calls }) => `${name} ${calls}`).join(", ") || "none",
        note: `system calls that strace counted on the host, while ${CALLS.container} (container) or ${CALLS.other} (guest) were made inside`,
      },
    ],
    output: stderr,
  };
}

/** Waits until strace says that it is attached, or ends. */
const attached = (stderr: NodeJS.ReadableStream): Promise<void> =>
  new Promise((resolve) => {
    let text = "";
    stderr.on("data", (more) => {
      text += String(more);
      if (text.includes("attached")) resolve();
    });
    stderr.on("end", () => resolve());
  });

/** The calls by name, from the summary of `strace -c`. @throws ProbeProblem if there is no summary. Pure. */
export function parseStrace(output: string): { name: string; calls: number }[] {
  const rows = [...output.matchAll(/^ *[\d.]+ +[\d.]+ +\d+ +(\d+)(?: +\d+)? +(\w+)$/gm)]
    .map(([, calls, name]) => ({ name: name ?? "", calls: Number(calls) }))
    .filter(({ name }) => name !== "total");
  if (!/^ *% time/m.test(output))
    throw new ProbeProblem("unparsable", "strace printed no summary: it may not be allowed here", output);
  return rows;
}
