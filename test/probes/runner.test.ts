import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import type { Machine } from "../../drivers/machine.js";
import { machineSpecSchema } from "../../model/machine-spec.js";
import type { Target } from "../../model/naming.js";
import { doubts } from "../../probes/compare.js";
import { busyNote } from "../../probes/host-load.js";
import { type Probe, ProbeProblem, type Reading, type Subject } from "../../probes/probe.js";
import { runIn } from "../../probes/run-in.js";
import { type RunnerOptions, runProbes } from "../../probes/runner.js";

const spec = machineSpecSchema.parse({});
const TARGETS = ["container", "guest"] as const;

/** A machine that is only a switch. */
function fakeMachine(target: Target, up: Record<Target, boolean>): Machine {
  return {
    target,
    name: target,
    host: "",
    start: async () => {
      up[target] = true;
    },
    stop: async () => {
      up[target] = false;
    },
    running: async () => up[target],
    memory: async () => ({ own: 1, shared: 0, parts: {} }),
    process: async () => ({ name: "lifetime", numbers: [4711, 1] }),
    image: async () => ({ bytes: 1, changed: false }),
    resizeProblem: async () => undefined,
    disk: async () => 1,
    diskFree: async () => 1,
    cpuSeconds: async () => 0,
    pin: async () => undefined,
    size: async () => ({ memory: 1, cpus: 1 }),
    resize: async () => {},
    clone: async () => Promise.reject(new Error("no clones here")),
    pack: async () => Promise.reject(new Error("no clones here")),
    unpack: async () => Promise.reject(new Error("no clones here")),
  };
}

type Exec = Subject["exec"];
const answers =
  (stdout: string, exitCode = 0, stderr = ""): Exec =>
  async () => ({ exitCode, stdout, stderr });

function subjects(exec: Exec = answers(""), up = { container: true, guest: true, vps: true }): Subject[] {
  return TARGETS.map((target) => ({
    target,
    name: target,
    machine: fakeMachine(target, up),
    exec,
    running: async () => up[target],
    address: undefined,
    answer: async () => 0,
    settle: async () => {},
  }));
}

function probe(id: Probe["id"], measure: Probe["measure"], more: Partial<Probe> = {}): Probe {
  return {
    id,
    title: id,
    teaches: "",
    kind: "target",
    needs: [],
    metrics: [{ id: "m", title: "m", unit: "s", better: "lower", bound: "cpu" }],
    published: [],
    runs: { full: 5, quick: 2, warmups: 1 },
    timeLimit: 5,
    measure,
    ...more,
  };
}

const value = (m: number): Reading => ({ values: { m }, output: `m=${m}` });

const run = (probes: Probe[], more: Partial<RunnerOptions> = {}) =>
  runProbes({
    probes,
    subjects: subjects(),
    spec,
    seed: 7,
    quick: false,
    emulated: [],
    signal: new AbortController().signal,
    onStep: () => {},
    load: async () => ({ average: 0.1, busy: 0 }),
    ...more,
  });

const sound = doubts({ emulated: [], parity: { rows: [], inTolerance: true }, busy: () => undefined });

it("a series keeps what bounds its figure", async () => {
  const bounded: Probe["measure"] = async () => ({ values: { m: 4 }, limits: { m: "disk" }, output: "" });
  const { tallies } = await run([probe("density", bounded)]);
  const [density] = [...tallies.values()];
  expect(density?.result(sound, false).series.map((s) => s.limit)).toEqual(["disk", "disk"]);
});

it("interleaves: no target gets a second run before every other had its first", async () => {
  const seen: string[] = [];
  const note = (id: Probe["id"]) =>
    probe(id, async (subject, { round }) => {
      seen.push(`${round} ${id} ${subject.target}`);
      return value(1);
    });
  await run([note("cpu"), note("syscall")]);
  const rounds = seen.map((s) => Number(s.split(" ")[0]));
  expect(rounds).toEqual([...rounds].sort((a, b) => a - b));
  const byRound = Array.from({ length: 6 }, (_, r) => seen.filter((s) => s.startsWith(`${r} `)).join());
  expect(new Set(byRound.map((s) => s.replaceAll(/\d /g, ""))).size).toBeGreaterThan(1);
});

it("drops warm-ups from the samples and keeps the first output that counts verbatim", async () => {
  const { tallies } = await run([probe("cpu", async (_, { round }) => value(round))]);
  const result = [...tallies.values()][0]?.result(sound, false);
  expect(result?.series.map((s) => s.samples)).toEqual([
    [1, 2, 3, 4, 5],
    [1, 2, 3, 4, 5],
  ]);
  expect(result?.series[0]).toMatchObject({ warmups: 1, status: "ok", representative: true });
  expect(result?.raw.map((r) => r.output)).toEqual(["m=1", "m=1"]);
});

it("draws no conclusion from what is left where a probe was given up", async () => {
  const { tallies } = await run([
    probe("cpu", async ({ target }, { round }) => {
      if (target === "guest" && round > 2) throw new ProbeProblem("timeout", "too slow");
      return value(round);
    }),
  ]);
  const [container, guest] = [...tallies.values()][0]?.result(sound, false).series ?? [];
  expect(container).toMatchObject({ status: "ok", representative: true });
  expect(guest).toMatchObject({ samples: [1, 2], status: "timeout", representative: false });
});

it("a target that was lost is not tried again, until it runs", async () => {
  const up = { container: true, guest: true, vps: true };
  const tried: string[] = [];
  const one = { runs: { full: 1, quick: 1, warmups: 0 }, alone: true };
  const breaks = async ({ target }: Subject): Promise<Reading> => {
    tried.push(target);
    if (target === "guest") up.guest = false;
    if (!up[target]) throw new Error("connection lost");
    return value(1);
  };
  const { tallies } = await run([probe("duel", breaks, one), probe("density", breaks, one)], {
    subjects: subjects(undefined, up),
  });
  expect(tried.sort()).toEqual(["container", "container", "guest"]);
  for (const tally of tallies.values())
    expect(tally.result(sound, false).series).toMatchObject([
      { target: "container", status: "ok" },
      { target: "guest", status: "lost" },
    ]);
});

it("a target that can't be made ready is lost for that phase, and the rest goes on", async () => {
  const up = { container: true, guest: true, vps: true };
  const { partial, tallies } = await run(
    [
      probe("start", async () => value(1), { kind: "life-cycle" }),
      probe("disk", async () => value(2), { kind: "host" }),
      probe("cpu", async () => value(3)),
    ],
    {
      subjects: subjects(undefined, up),
      prepare: async (phase, target) => {
        if (target !== "guest") return;
        up.guest = phase !== "host";
        if (phase === "host") throw new Error("no domain of that name");
      },
    },
  );
  expect(partial).toBe(false);
  const [start, disk, cpu] = [...tallies.values()].map((t) => t.result(sound, false).series);
  expect(start?.map((s) => s.samples.length)).toEqual([5, 5]);
  expect(disk).toMatchObject([
    { target: "container", samples: [2, 2, 2, 2, 2] },
    { target: "guest", samples: [], status: "lost", note: "the guest is not running any more" },
  ]);
  expect(cpu?.map((s) => s.samples.length)).toEqual([5, 5]);
});

it.each([
  [
    "missing-tool",
    answers("", 127, "timeout: failed to run command ‘fio’: No such file or directory"),
    /fio is not in the image/,
  ],
  ["timeout", answers("", 124), /ended after 1 s/],
  ["failed", answers("", 3, "boom"), /boom/],
] as const)("%s: named, and the rest goes on", async (status, exec, why) => {
  const { tallies } = await run(
    [
      probe("disk-io", async (s) => value(Number(await runIn(s, ["fio"], 1)))),
      probe("cpu", async () => value(1)),
    ],
    { subjects: subjects(exec) },
  );
  const [broken, fine] = [...tallies.values()].map((t) => t.result(sound, false));
  expect(broken).toMatchObject({
    status,
    series: [
      { status, samples: [] },
      { status, samples: [] },
    ],
  });
  expect(broken?.note).toMatch(why);
  expect(fine).toMatchObject({ status: "ok" });
});

it("lost: a target that stops in the middle keeps what it gave, the other goes on", async () => {
  const up = { container: true, guest: true, vps: true };
  const { tallies } = await run(
    [
      probe("cpu", async (subject, { round }) => {
        if (subject.target === "guest" && round === 3) up.guest = false;
        if (subject.target === "guest" && !up.guest) throw new Error("connection closed");
        return value(round);
      }),
    ],
    { subjects: subjects(answers(""), up) },
  );
  const result = [...tallies.values()][0]?.result(sound, false);
  expect(result?.series).toMatchObject([
    { target: "container", status: "ok", samples: [1, 2, 3, 4, 5] },
    { target: "guest", status: "lost", samples: [1, 2] },
  ]);
});

it("unparsable output is kept verbatim; after a second one the probe is left alone there", async () => {
  let calls = 0;
  const { tallies } = await run(
    [
      probe("cpu", async (subject) => {
        if (subject.target === "guest") calls += 1;
        if (subject.target === "guest") throw new ProbeProblem("unparsable", "no rate", "gibberish");
        return value(1);
      }),
    ],
    {},
  );
  const result = [...tallies.values()][0]?.result(sound, false);
  expect(calls).toBe(2);
  expect(result?.series.find((s) => s.target === "guest")).toMatchObject({
    status: "unparsable",
    samples: [],
  });
  expect(result?.raw.filter((r) => r.output === "gibberish")).toHaveLength(2);
});

it("a probe past its bound is ended and marked, even if it never settles", async () => {
  const deaf = probe("cpu", () => new Promise(() => {}), { timeLimit: 0.02 });
  const { tallies } = await run([deaf], { patience: 0.02 });
  expect([...tallies.values()][0]?.result(sound, false).status).toBe("timeout");
});

it("waits for a late probe to tidy up before the next step and before the end", async () => {
  const seen: string[] = [];
  const late = probe(
    "density",
    async (subject, { round, signal }) => {
      const step = `${subject.target} ${round}`;
      seen.push(`begin ${step}`);
      await sleep(5_000, undefined, { signal }).catch(() => {});
      await sleep(20); // clones are taken away
      seen.push(`end ${step}`);
      return value(1); // too late to count
    },
    { timeLimit: 0.02, runs: { full: 1, quick: 1, warmups: 0 } },
  );
  const { tallies, partial } = await run([late]);
  expect(seen.map((s) => s.split(" ")[0])).toEqual(["begin", "end", "begin", "end"]);
  expect(partial).toBe(false);
  const result = [...tallies.values()][0]?.result(sound, false);
  expect(result).toMatchObject({ status: "timeout", note: expect.stringContaining("ended after 0.02 s") });
  expect(result?.series.flatMap((s) => s.samples)).toEqual([]);
});

it("what a late probe itself has to say goes before the timeout", async () => {
  const { tallies } = await run([
    probe(
      "elasticity",
      async (_, { signal }) => {
        await sleep(5_000, undefined, { signal }).catch(() => {});
        throw new ProbeProblem("failed", "could not be changed back");
      },
      { timeLimit: 0.02 },
    ),
  ]);
  expect([...tallies.values()][0]?.result(sound, false)).toMatchObject({
    status: "failed",
    note: expect.stringContaining("could not be changed back"),
  });
});

it("Ctrl-C reaches the probe in hand, which tidies up before the end", async () => {
  const abort = new AbortController();
  let tidy = false;
  const density = probe("density", async (_, { signal }) => {
    setTimeout(() => abort.abort(), 10);
    await sleep(2 ** 30, undefined, { signal }).catch(() => {});
    await sleep(20);
    tidy = true;
    throw new Error("interrupted");
  });
  const { partial, tallies } = await run([density], { signal: abort.signal });
  expect({ partial, tidy }).toEqual({ partial: true, tidy: true });
  expect([...tallies.values()][0]?.result(sound, true)).toMatchObject({ status: "skipped" });
});

it("Ctrl-C while the targets are made ready keeps what was measured", async () => {
  const abort = new AbortController();
  const { partial, tallies } = await run(
    [probe("start", async () => value(1), { kind: "life-cycle" }), probe("cpu", async () => value(1))],
    {
      signal: abort.signal,
      prepare: async (phase) => {
        if (phase === "life-cycle") return;
        abort.abort();
        throw new Error("no answer");
      },
    },
  );
  expect(partial).toBe(true);
  const [start, cpu] = [...tallies.values()].map((t) => t.result(sound, true));
  expect(start?.series.map((s) => s.samples.length)).toEqual([5, 5]);
  expect(cpu?.status).toBe("skipped");
});

it("Ctrl-C keeps what was measured, lets CPUs go and tidies up", async () => {
  const abort = new AbortController();
  const done: string[] = [];
  const { partial, tallies } = await run(
    [
      probe(
        "cpu",
        async (_, { round }) => {
          if (round === 3) abort.abort();
          return value(round);
        },
        { cleanup: async (s) => void done.push(`clean ${s.target}`) },
      ),
      probe("isolation", async () => value(1), { alone: true }),
    ],
    { signal: abort.signal, leave: async (phase) => void done.push(`leave ${phase}`) },
  );
  expect(partial).toBe(true);
  const [cpu, isolation] = [...tallies.values()].map((t) => t.result(sound, partial));
  expect(cpu?.series.every((s) => s.samples.length >= 2 && s.samples.length <= 3)).toBe(true);
  expect(isolation).toMatchObject({ status: "skipped", note: "the run ended before it" });
  expect(done).toEqual(["leave target", "clean container", "clean guest"]);
});

it("tells the run, of how many, and the time left", async () => {
  const said: number[][] = [];
  await run([probe("cpu", async () => value(1))], { onStep: (_, i, n, left) => said.push([i, n, left]) });
  expect(said[0]?.slice(0, 2)).toEqual([1, 12]);
  expect(said.at(-1)?.slice(0, 2)).toEqual([12, 12]);
  // Twelve runs that take no time, of which more was expected: it goes down all the way.
  const left = said.map(([, , seconds = 0]) => Math.ceil(seconds));
  expect(left).toEqual([...left].sort((a, b) => b - a));
  expect(left[0]).toBeGreaterThan(left.at(-1) ?? 0);
});

it("a busy host is asked again, then flagged", async () => {
  let asked = 0;
  const measured = await run(
    [probe("cpu", async () => value(1), { runs: { full: 1, quick: 1, warmups: 0 } })],
    {
      load: async () => {
        asked += 1;
        return { average: 9, busy: 0.9 };
      },
    },
  );
  expect([asked, measured.busyRounds, measured.rounds, measured.load]).toEqual([2, 1, 1, [9]]);
});

it("a metric that a run itself doubts is not representative in that target, and the others are", async () => {
  const doubtful = probe("duel", async (subject) => ({
    ...value(1),
    ...(subject.target === "guest" ? { doubts: { m: "an upper limit" } } : {}),
  }));
  const { tallies } = await run([doubtful]);
  const series = tallies.get(doubtful)?.series(sound) ?? [];
  expect(series.map(({ note, representative, target }) => [target, representative, note])).toEqual([
    ["container", true, ""],
    ["guest", false, "an upper limit"],
  ]);
});

it("a host that is busy during one phase is busy in that phase, however long the others are", async () => {
  let starting = true;
  const start = probe("start", async () => value(1), { kind: "life-cycle" });
  const cpu = probe("cpu", async () => value(1), { runs: { full: 40, quick: 1, warmups: 0 } });
  const measured = await run([start, cpu], {
    enter: async (phase) => {
      starting = phase === "life-cycle";
    },
    load: async () => ({ average: 1, busy: starting ? 0.9 : 0 }),
    quick: false,
    onStep: () => {},
  });
  expect(measured.phases).toEqual({
    "life-cycle": { busyRounds: 6, rounds: 6 },
    target: { busyRounds: 0, rounds: 40 },
  });
  expect(busyNote(measured)).toBe("the host was busy before 6 of 6 rounds of life-cycle probes");
  expect(busyNote({ busyRounds: 6, rounds: 46 })).toBeUndefined(); // an older run
}, 20_000);

it("ends when its time is up, and keeps what was measured", async () => {
  const seen: string[] = [];
  const { partial, tallies } = await run(
    [
      probe("cpu", async ({ target }, { round, signal }) => {
        seen.push(`${round} ${target}`);
        if (seen.length > 3) await sleep(2 ** 30, undefined, { signal }).catch(() => {});
        return value(round);
      }),
    ],
    { limit: 1 },
  );
  expect(partial).toBe(true);
  expect(seen.length).toBe(4);
  const result = [...tallies.values()][0]?.result(sound, partial);
  expect(result?.series.flatMap(({ samples }) => samples)).toContain(1);
});

it("measures the baseline with the probes that can, and hands it to no others", async () => {
  const asked: string[] = [];
  const baseline = { target: "baseline", exec: answers(""), running: async () => true } as const;
  const both = probe("cpu", async () => value(1), {
    baseline: async (inside) => {
      asked.push(inside.target);
      return value(2);
    },
    cleanup: async (inside) => {
      asked.push(`cleanup ${inside.target}`);
    },
  });
  const other = probe("syscall", async (_, { others }) => value(others.length));
  const { tallies } = await run([both, other], { baseline, quick: true });
  const series = (of: Probe) =>
    tallies
      .get(of)
      ?.series(sound)
      .map(({ target, samples }) => ({ target, samples }));
  expect(series(both)).toEqual([
    { target: "container", samples: [1, 1] },
    { target: "guest", samples: [1, 1] },
    { target: "baseline", samples: [2, 2] },
  ]);
  expect(series(other)?.map((s) => s.target)).toEqual(["container", "guest"]);
  expect(series(other)?.flatMap((s) => s.samples)).toEqual([1, 1, 1, 1]);
  expect(asked.sort()).toEqual([
    ...["baseline", "baseline", "baseline", "cleanup baseline", "cleanup container", "cleanup guest"],
  ]);
});
