import { pollUntil } from "../base/poll.js";
import type { MemoryCost } from "../drivers/machine.js";
import { PROBE_NEEDS } from "../labs/probe-needs.js";
import { MiB } from "../model/units.js";
import type { Metric, Probe, Subject } from "./probe.js";
import { published } from "./published.js";
import { numberIn, runIn } from "./run-in.js";

/** MiB that are touched and then freed. */
const TOUCH = 128;

/** A guest reports its free pages two seconds after they are freed; milliseconds to wait for that. */
const REPORTED_MS = 6_000;

/** Holds memory until it is killed, at most 60 s. Prints its process id when all of it is touched. */
const HOLD = `rm -f /tmp/.trilab-held
perl -e 'my $n = shift; my $x = "x" x ($n << 20); open my $f, ">", "/tmp/.trilab-held"; close $f; sleep 60' ${TOUCH} >/dev/null 2>&1 </dev/null &
pid=$!
until [ -e /tmp/.trilab-held ]; do kill -0 $pid || exit 1; sleep 0.1; done
rm -f /tmp/.trilab-held
echo $pid`;

export const memory: Probe = {
  id: "memory",
  title: "Memory on the host",
  teaches:
    "A container costs what its processes use, and returns memory when they free it. A guest costs its kernel and all memory that it ever touched. What it frees stays with QEMU: the host does not know that it is free, unless the guest reports its free pages.",
  kind: "host",
  needs: PROBE_NEEDS.memory,
  metrics: [
    metric("idle", "while nothing runs in it"),
    metric("touched", `while ${TOUCH} MiB are in use`),
    metric("kept", `still held after ${TOUCH} MiB were freed`),
    { ...metric("shared", "cached files, which all machines share"), better: "none" },
    { ...metric("promised", "memory in the spec"), better: "none" },
    { ...metric("seen", "MemTotal as seen inside"), better: "none" },
  ],
  published: [published.vmmMemory, published.kataMemory],
  // A guest keeps what it touched, so without a restart the second run would begin with the first run's memory.
  fresh: true,
  runs: { full: 6, quick: 1, warmups: 0 },
  timeLimit: 60,
  async measure(subject, { restarted, round, signal, spec }) {
    if (!restarted) {
      if (round > 0) await subject.machine.stop();
      await subject.machine.start(); // the stop probe leaves it off
      await subject.answer(180_000, signal);
    }
    await subject.settle(signal);
    const idle = await cost(subject);
    const seen = numberIn(
      await runIn(subject, ["cat", "/proc/meminfo"], 10),
      /^MemTotal:\s+(\d+) kB/m,
      "MemTotal",
    );
    const pid = (await runIn(subject, ["sh", "-c", HOLD], 30)).trim();
    const touched = await cost(subject);
    await runIn(
      subject,
      ["sh", "-c", `kill ${pid}; while kill -0 ${pid} 2>/dev/null; do sleep 0.1; done`],
      10,
    );
    let freed = await cost(subject);
    const isBack = async (): Promise<boolean> => {
      freed = await cost(subject);
      return touched.own - freed.own > 0.75 * TOUCH;
    };
    await pollUntil(isBack, { limitMs: REPORTED_MS, everyMs: 200, signal });
    return {
      values: {
        idle: idle.own,
        touched: touched.own,
        kept: Math.max(0, freed.own - idle.own),
        shared: idle.shared,
        promised: spec.memory / MiB,
        seen: seen / 1024,
      },
      facts: [
        {
          title: "what is counted",
          value:
            subject.target !== "container"
              ? "QEMU's memory without files; if it is emulated, with the translated code"
              : "the memory of its cgroup and of its shim, both without files",
          note: "read on the host from /proc and the cgroups; files (programs, libraries, cache) are counted separately, because other machines share them",
        },
      ],
      output: JSON.stringify({ idle, touched, freed }),
    };
  },
};

function metric(id: string, title: string): Metric {
  return { id, title, unit: "MiB", better: "lower", bound: "size" };
}

/** In MiB. */
async function cost({ machine }: Subject): Promise<MemoryCost> {
  const { own, shared, parts } = await machine.memory();
  return {
    own: own / MiB,
    shared: shared / MiB,
    parts: Object.fromEntries(Object.entries(parts).map(([part, bytes]) => [part, bytes / MiB])),
  };
}
