import { setTimeout as sleep } from "node:timers/promises";
import { median } from "simple-statistics";
import { shuffled } from "../base/random.js";
import { MiB } from "../components/helpers/units.js";
import { PROBE_NEEDS } from "../labs/probe-needs.js";
import { parseSysbenchCpu } from "./cpu.js";
import type { FoundFact, Metric, Probe, Subject } from "./probe.js";
import { ProbeProblem } from "./probe.js";
import { runIn } from "./run-in.js";

/** Every hog ends by itself after the seconds it is given; processes it started end with it. */
const HOGS = {
  cpu: {
    title: "beside a CPU hog (4 busy loops)",
    script: `my ($seconds) = @ARGV; my $end = time + $seconds;
for (1 .. 3) { last if !fork } 1 while time < $end; 1 while wait > 0; print "4 loops\\n"`,
  },
  memory: {
    title: "beside a memory hog (up to its limit)",
    script: `my ($seconds, $mib) = @ARGV; my $end = time + $seconds; $| = 1;
if (open my $f, ">", "/proc/self/oom_score_adj") { print $f 1000; close $f }
my @held; while (16 * @held < 0.6 * $mib && time < $end) { push @held, "x" x (16 << 20) }
while (time < $end) { for my $x (@held) { for (my $i = 0; $i < length $x; $i += 4096) { substr($x, $i, 1) = "y" } last if time >= $end } }
while (16 * @held < 1.25 * $mib) { push @held, "x" x (16 << 20); printf "%d MiB\\n", 16 * @held }`,
  },
  forks: {
    title: "beside a fork bomb (up to 400 processes)",
    script: `my ($seconds) = @ARGV; my $end = time + $seconds; my $n = 0; $| = 1;
for (1 .. 400) { my $p = fork; last if !defined $p; if (!$p) { sleep 1 while time < $end; exit } $n++ }
print "$n processes\\n"; while (time < $end) { my $p = fork; if (defined $p) { exit if !$p; waitpid $p, 0 } }
1 while wait > 0`,
  },
} as const;

type Hog = keyof typeof HOGS;
const HOG_NAMES = Object.keys(HOGS) as Hog[];

const ALONE = "alone";

/** How long each hog rages. */
const HOG_SECONDS = 3;

export const duel: Probe = {
  id: "duel",
  title: "Duel: work beside a greedy neighbour",
  teaches:
    "One target computes while the other takes all the CPU, then all the memory, then all the processes it can get. Who suffers, and what stops the neighbour, is what limits are for.",
  kind: "target",
  needs: PROBE_NEEDS.duel,
  metrics: [metric(ALONE, "with nobody beside it"), ...HOG_NAMES.map((hog) => metric(hog, HOGS[hog].title))],
  published: [],
  runs: { full: 6, quick: 1, warmups: 0 },
  timeLimit: 90,
  alone: true,
  async measure(victim, { others, random, signal, spec }) {
    const [neighbour] = others;
    if (neighbour === undefined) throw new ProbeProblem("skipped", "it takes two targets");
    const values: Record<string, number> = {};
    const facts = new Map<Hog, FoundFact>();
    // In an order of its own each run, so that no phase always has what the one before it left behind.
    for (const phase of shuffled([ALONE, ...HOG_NAMES] as const, random)) {
      signal.throwIfAborted();
      const samples =
        phase === ALONE
          ? await work(victim, Date.now() + 1000, signal)
          : await besideHog(phase, victim, neighbour);
      // Those of one run share its circumstances, so that together they are one sample.
      if (samples.length > 0) values[phase] = median(samples.map((s) => s.rate));
    }
    const found = HOG_NAMES.flatMap((hog) => facts.get(hog) ?? []);
    return { values, facts: found, output: found.map((f) => `${f.title}: ${f.value}`).join("\n") };

    async function besideHog(hog: Hog, victim: Subject, neighbour: Subject): Promise<Sample[]> {
      const command = ["perl", "-e", HOGS[hog].script, String(HOG_SECONDS), String(spec.memory / MiB)];
      // Perl's clock counts whole seconds: a hog ends up to one early.
      const until = Date.now() + (HOG_SECONDS - 1) * 1000;
      // Ended from without well after it should have ended by itself.
      const raging = neighbour.exec(["timeout", "-k", "1", String(HOG_SECONDS + 15), ...command], {
        timeoutMs: (HOG_SECONDS + 30) * 1000,
      });
      const ended = raging.catch(() => undefined);
      let beside: Sample[] = [];
      try {
        await sleep(700);
        beside = (await work(victim, until, signal)).filter((s) => s.ended <= until);
      } finally {
        const result = await ended;
        const fact = stoppedBy(hog, neighbour, result?.stdout ?? "", result?.exitCode);
        const nothing = `; the ${victim.target} finished nothing meanwhile`;
        facts.set(hog, beside.length > 0 ? fact : { ...fact, value: fact.value + nothing });
        await reset(neighbour);
      }
      return beside;
    }
  },
};

function metric(id: string, title: string): Metric {
  return { id, title, unit: "1/s", better: "higher", bound: "cpu" };
}

interface Sample {
  rate: number;
  /** Our clock, in milliseconds. */
  ended: number;
}

/** The victim's own work, again and again until then; once at least. */
async function work(victim: Subject, until: number, signal: AbortSignal): Promise<Sample[]> {
  const samples: Sample[] = [];
  do {
    const command = ["sysbench", "cpu", "--threads=1", "--events=200", "--time=0", "run"];
    const rate = parseSysbenchCpu(await runIn(victim, command, 30));
    samples.push({ rate, ended: Date.now() });
  } while (Date.now() < until && !signal.aborted);
  return samples;
}

/** What became of a hog, from what it said and how it ended. */
export function stoppedBy(
  hog: Hog,
  { target }: { target: Subject["target"] },
  output: string,
  exitCode: number | undefined,
): FoundFact {
  const last = output.trim().split("\n").at(-1) ?? "";
  const said = {
    cpu: "ended with its time; its CPU limit held it meanwhile",
    memory:
      exitCode === 137 || exitCode === 255
        ? `killed by the kernel's memory killer after ${last || "less than the limit"}`
        : `got ${last} and was not stopped`,
    forks:
      Number.parseInt(last, 10) >= 400
        ? "got all 400 processes it wanted"
        : `got ${last || "no process"}, then was refused more`,
  }[hog];
  return {
    title: hog === "forks" ? "its fork bomb" : `its ${hog} hog`,
    value: said,
    note: "what stopped the hog that ran in it",
    target,
  };
}

/** Waits until the hog's processes are gone and the target answers as before. */
async function reset(neighbour: Subject): Promise<void> {
  for (let i = 0; i < 40; i++) {
    const left = await neighbour.exec(["sh", "-c", "pgrep -c -x perl || true"]);
    if (left.exitCode === 0 && left.stdout.trim() === "0") return;
    await sleep(500);
  }
  throw new ProbeProblem("failed", `the hog in the ${neighbour.target} did not go away`);
}
