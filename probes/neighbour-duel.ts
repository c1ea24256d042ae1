import { median } from "simple-statistics";
import { pollUntil } from "../base/poll.js";
import { shuffled } from "../base/random.js";
import { PROBE_NEEDS } from "../labs/probe-needs.js";
import { MiB } from "../model/units.js";
import { parseSysbenchCpu } from "./cpu.js";
import type { FoundFact, Metric, Probe, Subject } from "./probe.js";
import { ProbeProblem } from "./probe.js";
import { runIn } from "./run-in.js";

/** A hog prints this when it begins to use all it can, and does so for the given seconds. */
const WORKING = "working";

/** Every hog ends by itself, together with its processes. Its last line says how far it got. */
const HOGS = {
  cpu: {
    title: "beside a CPU hog (4 busy loops)",
    script: `my ($seconds) = @ARGV; my $main = $$; $| = 1;
for (1 .. 3) { last if !fork } print "${WORKING}\\n" if $$ == $main;
my $end = time + $seconds; 1 while time < $end; 1 while wait > 0; print "4 loops\\n" if $$ == $main`,
  },
  memory: {
    title: "beside a memory hog (writing to 60 % of its limit)",
    script: `my ($seconds, $mib) = @ARGV; $| = 1;
if (open my $f, ">", "/proc/self/oom_score_adj") { print $f 1000; close $f }
my @held; while (16 * @held < 0.6 * $mib) { push @held, "x" x (16 << 20) }
print "${WORKING}\\n"; my $end = time + $seconds;
while (time < $end) { for my $x (@held) { for (my $i = 0; $i < length $x; $i += 4096) { substr($x, $i, 1) = "y" } last if time >= $end } }
while (16 * @held < 1.25 * $mib) { push @held, "x" x (16 << 20); printf "%d MiB\\n", 16 * @held }`,
  },
  forks: {
    title: "beside a fork bomb (up to 400 processes)",
    script: `my ($seconds) = @ARGV; $| = 1;
my @all; for (1 .. 400) { my $p = fork; last if !defined $p; if (!$p) { sleep 15; exit } push @all, $p }
print "${WORKING}\\n"; my $end = time + $seconds;
while (time < $end) { my $p = fork; if (defined $p) { exit if !$p; waitpid $p, 0 } }
kill "TERM", @all; 1 while wait > 0; print scalar(@all), " processes\\n"`,
  },
} as const;

type Hog = keyof typeof HOGS;
const HOG_NAMES = Object.keys(HOGS) as Hog[];

const ALONE = "alone";

/** Seconds that each hog works. */
const HOG_SECONDS = 3;
/**
 * Milliseconds after its message in which the hog certainly works. Perl's clock counts whole seconds, so it may end one
 * second early, and its message needs a moment to reach us.
 */
const SURE = (HOG_SECONDS - 1) * 1000 - 300;

/** Counts the OOM killer's victims: in the container's cgroup, or else in the guest's kernel. */
const OOM_KILLS =
  "grep -hs '^oom_kill ' /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control /proc/vmstat | head -n1";

export const duel: Probe = {
  id: "duel",
  title: "Duel: work beside a greedy neighbour",
  teaches:
    "One target computes while the other takes all the CPU, then all the memory, then all the processes it can get. Limits exist for this: to stop the neighbour, so that the first target does not suffer.",
  kind: "target",
  needs: PROBE_NEEDS.duel,
  metrics: [metric(ALONE, "with no neighbour"), ...HOG_NAMES.map((hog) => metric(hog, HOGS[hog].title))],
  published: [],
  runs: { full: 6, quick: 1, warmups: 0 },
  timeLimit: 90,
  alone: true,
  doubt: (metric, target, { emulated }) =>
    metric.id !== ALONE && emulated.some((other) => other !== target)
      ? "its neighbour is emulated, without KVM"
      : undefined,
  async measure(victim, { others, random, signal, spec }) {
    const neighbour = others.find(({ machine }) => machine.host === victim.machine.host);
    if (neighbour === undefined) throw new ProbeProblem("skipped", "it needs two targets on one host");
    if (!(await neighbour.machine.running()))
      throw new ProbeProblem("skipped", `its neighbour, the ${neighbour.target}, is not running`);
    const values: Record<string, number> = {};
    const doubts: Record<string, string> = {};
    const facts = new Map<Hog, FoundFact>();
    // Each run has another order, so that no phase always follows the same one.
    for (const phase of shuffled([ALONE, ...HOG_NAMES] as const, random)) {
      signal.throwIfAborted();
      const samples =
        phase === ALONE
          ? await work(victim, Date.now() + 1000, signal)
          : await besideHog(phase, victim, neighbour);
      // The samples of one run are not independent of each other, so together they count as one.
      if (samples.length > 0) values[phase] = median(samples.map((s) => s.rate));
    }
    const found = HOG_NAMES.flatMap((hog) => facts.get(hog) ?? []);
    return { values, doubts, facts: found, output: found.map((f) => `${f.title}: ${f.value}`).join("\n") };

    async function besideHog(hog: Hog, victim: Subject, neighbour: Subject): Promise<Sample[]> {
      const kills = await oomKills(neighbour);
      const { working, ended } = release(hog, neighbour, spec.memory);
      let beside: Sample[] = [];
      try {
        if (await working) {
          const until = Date.now() + SURE;
          const all = await work(victim, until, signal);
          beside = all.filter((s) => s.ended <= until);
          // What ended later also ran without the hog, so beside it the rate was lower still.
          if (beside.length === 0 && all[0]) {
            values[hog] = all[0].rate;
            doubts[hog] =
              "in at least one run, no work was finished beside the hog: the figure is an upper limit";
          }
        }
      } finally {
        const { stdout = "", exitCode } = (await ended) ?? {};
        const killed = (await oomKills(neighbour)) > kills;
        const fact = { ...stoppedBy(hog, { stdout, exitCode, killed }), target: neighbour.target };
        const nothing = `; the ${victim.target} finished nothing at that time`;
        facts.set(hog, beside.length > 0 ? fact : { ...fact, value: fact.value + nothing });
        await reset(neighbour);
      }
      return beside;
    }
  },
};

/** Starts a hog. `working` becomes true when it begins to work, or false if it ended before that. */
function release(hog: Hog, neighbour: Subject, memory: number) {
  let heard = "";
  let begun = (_: boolean): void => {};
  const working = new Promise<boolean>((resolve) => {
    begun = resolve;
  });
  const command = ["perl", "-e", HOGS[hog].script, String(HOG_SECONDS), String(memory / MiB)];
  // It ends by itself. The timeout is for a hog that does not.
  const ended = neighbour
    .exec(["timeout", "-k", "1", String(HOG_SECONDS + 15), ...command], {
      timeoutMs: (HOG_SECONDS + 30) * 1000,
      onOutput: (text) => {
        heard += text;
        if (heard.includes(WORKING)) begun(true);
      },
    })
    .catch(() => undefined)
    .finally(() => begun(false));
  return { working, ended };
}

/** 0 if it can't be read. */
async function oomKills(subject: Subject): Promise<number> {
  const { stdout } = await subject.exec(["sh", "-c", OOM_KILLS], { timeoutMs: 10_000 });
  return Number(/^oom_kill (\d+)/.exec(stdout)?.[1] ?? 0);
}

function metric(id: string, title: string): Metric {
  return { id, title, unit: "1/s", better: "higher", bound: "cpu" };
}

interface Sample {
  rate: number;
  /** Our clock, in milliseconds. */
  ended: number;
}

/** Repeats the victim's own work until then, but at least once. */
async function work(victim: Subject, until: number, signal: AbortSignal): Promise<Sample[]> {
  const samples: Sample[] = [];
  do {
    const command = ["sysbench", "cpu", "--threads=1", "--events=200", "--time=0", "run"];
    const rate = parseSysbenchCpu(await runIn(victim, command, 30));
    samples.push({ rate, ended: Date.now() });
  } while (Date.now() < until && !signal.aborted);
  return samples;
}

/** What stopped a hog: from its output, its exit code, and whether the OOM killer acted meanwhile. Pure. */
export function stoppedBy(
  hog: Hog,
  { stdout, exitCode, killed }: { stdout: string; exitCode: number | undefined; killed: boolean },
): FoundFact {
  const last = stdout.trim().split("\n").at(-1) ?? "";
  const far = last === WORKING ? "60 % of its limit" : last || "less than 60 % of its limit";
  const said = {
    cpu: "ran to its end, within its CPU limit",
    memory: `went on to ${far} and was not stopped`,
    forks: last.startsWith("400 ")
      ? "got all 400 processes it wanted"
      : `got ${last}, then no more were allowed`,
  }[hog];
  return {
    title: hog === "forks" ? "its fork bomb" : `its ${hog} hog`,
    value: killed
      ? `killed by the kernel's OOM killer after ${far}`
      : exitCode === 0
        ? said
        : `ended for an unknown reason (${exitCode === undefined ? "no exit code" : `exit ${exitCode}`})`,
    note: "what stopped the hog that ran in it",
  };
}

/** Waits until the hog's processes are gone and the target answers again. */
async function reset(neighbour: Subject): Promise<void> {
  const gone = async (): Promise<boolean> => {
    const left = await neighbour.exec(["sh", "-c", "pgrep -c -x perl || true"], { timeoutMs: 10_000 });
    return left.exitCode === 0 && left.stdout.trim() === "0";
  };
  if (await pollUntil(gone, { limitMs: 30_000, everyMs: 500 })) return;
  throw new ProbeProblem("failed", `the hog in the ${neighbour.target} did not go away`);
}
