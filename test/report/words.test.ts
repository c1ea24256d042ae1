import { describe, expect, it } from "vitest";
import type { RunDocument } from "../../probes/run-document.js";
import { notShown } from "../../report/not-shown.js";
import { formatFactor, formatNumber, formatQuantity } from "../../report/quantity.js";
import { header, predictions } from "../../report/sections/opening.js";
import { letterRuns } from "../../report/shown-runs.js";
import { summarizeRun } from "../../report/summary.js";
import { compareTable, toCsv } from "../../report/table.js";
import { syntheticRun } from "./fixture.js";

const plain = (text: string): string => text;
const style = { bold: plain, dim: plain, warn: plain };
const texts = (run: RunDocument): string[] => summarizeRun(run).statements.map((s) => s.text);
const about = (run: RunDocument, probe: string) =>
  summarizeRun(run).statements.find((s) => s.trace.probe === probe);

/** The run with one metric's samples put in their place. */
function withSamples(run: RunDocument, probe: string, metric: string, container: number[], guest: number[]) {
  for (const s of run.probes.find((p) => p.id === probe)?.series.filter((x) => x.metric === metric) ?? [])
    s.samples = s.target === "container" ? container : guest;
  return run;
}

describe("numbers", () => {
  it.each([
    [0, "0"],
    [0.03124, "0.0312"],
    [4.1, "4.1"],
    [9.87, "9.87"],
    [0.999_9, "1"],
    [12_345, "12\u202f345"],
    [1_234_567, "1\u202f234\u202f567"],
    [-3.2, "−3.2"],
    [Number.NaN, "–"],
  ])("%d reads %s", (value, text) => expect(formatNumber(value)).toBe(text));

  it.each([
    [0.471, "s", "471\u00a0ms"],
    [9.87, "s", "9.87\u00a0s"],
    [2_400, "ns", "2.4\u00a0µs"],
    [2048, "MiB", "2\u00a0GiB"],
    [0.11, "MiB", "113\u00a0KiB"],
    [11 / 2 ** 20, "MiB", "11\u00a0B"],
    [8900, "MiB/s", "8.69\u00a0GiB/s"],
    [7600, "1/s", "7\u202f600/s"],
    [29, "1", "29"],
    [0, "s", "0\u00a0s"],
  ])("%d %s reads %s", (value, unit, text) => expect(formatQuantity(value, unit)).toBe(text));

  it("factors have two digits, three where gaps are small", () => {
    expect([21.4, 1.033, 0.98, 113].map(formatFactor)).toEqual(["21×", "1.03×", "0.98×", "110×"]);
  });
});

describe("the summary in words", () => {
  it("is made from the figures", () => {
    const flat = (value: number): number[] => Array.from({ length: 10 }, () => value);
    const run = withSamples(syntheticRun({ emulated: false }), "start", "total", flat(0.5), flat(10.5));
    expect(about(run, "start")).toEqual({
      figure: "21×",
      text: "A guest took 21× as long as a container from the call to the first command answered (guest 10.5\u00a0s, container 500\u00a0ms).",
      trace: { probe: "start", metric: "total", n: "10 + 10" },
      certainty: "95\u00a0% interval 21\u2009–\u200921×",
      notes: [],
    });
  });

  it("says what emulation does to a figure, where it does", () => {
    const [tcg, kvm] = [syntheticRun({ emulated: true }), syntheticRun({ emulated: false })];
    const notes = (run: RunDocument, probe: string): string => about(run, probe)?.notes?.join() ?? "";
    for (const probe of ["start", "stop"])
      expect(notes(tcg, probe)).toContain("emulated guest: its processor is emulated");
    expect(notes(tcg, "memory")).toMatch(/emulated guest: up to 128\sMiB/);
    expect(notes(tcg, "density")).toMatch(/128\sMiB; its CPU time is not counted, a container's is/);
    expect(notes(tcg, "disk")).toBe("");
    for (const probe of ["start", "stop", "memory", "density"]) expect(notes(kvm, probe)).toBe("");
    expect(texts(kvm).join()).not.toContain("emulated");
    const guesses = (run: RunDocument) => predictions(letterRuns([run])).markup;
    expect(guesses(tcg).match(/\(emulated guest: /g)).toHaveLength(3);
    expect(guesses(kvm)).not.toContain("emulated");
  });

  it("concludes a difference from four runs a side, not from fewer", () => {
    const said = (container: number[], guest: number[]) =>
      about(withSamples(syntheticRun(), "start", "total", container, guest), "start")?.text;
    expect(said([1], [1.01])).toMatch(/^In this run a guest took /);
    expect(said([1, 2, 3], [4, 5, 6])).toMatch(/^In this run a guest took /);
    expect(said([1, 2, 3, 3], [4, 5, 6, 7])).toMatch(/^A guest took 2\.2× as long .*\)\.$/);
    const io = withSamples(syntheticRun(), "disk-io", "read-qd1", [1, 2], [8, 9]);
    expect(about(io, "disk-io")?.text).toMatch(/^Disk I\/O \(random.*\): in this run a guest did/);
  });

  it("says a difference where a ratio would mislead", () => {
    expect(about(syntheticRun(), "disk")).toMatchObject({
      figure: "+7.7\u00a0MiB",
      text: expect.stringMatching(/: the guest needed 7\.7\sMiB more than the container \(guest 7\.8/),
    });
    const run = withSamples(syntheticRun(), "disk", "own", [2, 2, 2, 2], [8, 8, 8, 8]);
    expect(about(run, "disk")).toMatchObject({
      figure: "4×",
      text: expect.stringMatching(/^The guest's own disk use was 4× that of the container/),
    });
  });

  it("always has the start, with a mark if it is not representative", () => {
    const run = syntheticRun();
    for (const s of run.probes.flatMap((p) => p.series))
      Object.assign(s, { representative: false, note: "the host was busy" });
    expect(summarizeRun(run).statements.map((s) => s.trace.probe)).toEqual(["start"]);
    expect(about(run, "start")?.notes).toEqual(
      expect.arrayContaining(["guest: the host was busy", "container: the host was busy"]),
    );
  });

  it("turns round with the figures", () => {
    const flat = (value: number): number[] => Array.from({ length: 10 }, () => value);
    expect(about(withSamples(syntheticRun(), "start", "total", flat(10), flat(5)), "start")?.text).toMatch(
      /^A container took 2× as long as a guest/,
    );
    expect(
      about(withSamples(syntheticRun(), "disk-io", "read-qd1", flat(10), flat(30)), "disk-io")?.text,
    ).toContain("a guest did 3× what a container did");
  });

  it("claims no difference that the interval does not carry", () => {
    const noise = [1, 9, 2, 8, 3, 7, 4, 6, 5, 5];
    const found = about(withSamples(syntheticRun(), "stop", "total", noise, [...noise].reverse()), "stop");
    expect(found?.figure).toBe("≈");
    expect(found?.text).toContain("no difference");
  });

  it("leaves out what is not representative, and says so", () => {
    const summary = summarizeRun(syntheticRun({ emulated: true }));
    const probes = summary.statements.map((s) => s.trace.probe);
    for (const probe of ["cpu", "syscall", "fork-exec", "context-switch", "memory-bandwidth"])
      expect(probes).not.toContain(probe);
    expect(probes).toEqual(expect.arrayContaining(["start", "stop", "memory", "disk", "duel", "density"]));
    expect(summary.leftOut).toHaveLength(1);
    expect(summary.leftOut[0]?.why).toContain("emulated");
    expect(summary.leftOut[0]?.probes).toContain("CPU (guest)");
  });

  it("concludes nothing from a fit that is not representative", () => {
    const run = syntheticRun();
    expect(about(run, "density")?.text).toMatch(
      /^About 29 more guests \(by memory\) or 900 more containers \(by CPU\) /,
    );
    const fits = run.probes.find((p) => p.id === "density")?.series.filter((s) => s.metric === "fit") ?? [];
    for (const s of fits.filter((s) => s.target === "guest"))
      Object.assign(s, { representative: false, note: "the targets are out of parity: memory" });
    expect(about(run, "density")).toMatchObject({ figure: "900", trace: { n: "1" } });
    expect(about(run, "density")?.text).toMatch(/^About 900 more containers \(by CPU\) of/);
    expect(summarizeRun(run).leftOut.map((l) => l.why)).toContain("the targets are out of parity: memory");
    for (const s of fits) s.representative = false;
    expect(about(run, "density")).toBeUndefined();
  });

  it("takes what runs out first from its field, whatever the fact's words say", () => {
    const run = syntheticRun();
    const density = run.probes.find((p) => p.id === "density");
    for (const fact of density?.facts ?? []) fact.values = { guest: "by 3 o'clock", container: "by chance" };
    expect(about(run, "density")?.text).toMatch(
      /^About 29 more guests \(by memory\) or 900 more containers \(by CPU\) /,
    );
    for (const series of density?.series ?? []) delete series.limit;
    expect(about(run, "density")?.text).toMatch(/^About 29 more guests or 900 more containers of/);
  });

  it("judges no guess by what is not representative", () => {
    const run = syntheticRun();
    const shown = () => predictions(letterRuns([run])).markup;
    expect(shown()).toContain("29, limited by memory; extrapolated");
    for (const s of run.probes.flatMap((p) => p.series))
      Object.assign(s, { representative: false, note: "the host was busy" });
    expect(shown().match(/not decided: the host was busy</g)).toHaveLength(4);
    expect(shown()).not.toMatch(/close|than guessed|as guessed|suffered more|was hurt/);
    expect(shown().match(/not decided/g)).toHaveLength(4);
  });

  it("lets the negative control judge the set-up, by its whole interval", () => {
    const flat = (value: number): number[] => Array.from({ length: 10 }, () => value);
    const wide = [800, 850, 900, 940, 980, 1000, 1020, 1060, 1100, 1200];
    const cases: [number[], number[], string, string][] = [
      [flat(1000), flat(990), "fair", "fair"],
      [flat(1000), flat(900), "unfair", "unfair"],
      [flat(1000), wide, "?", "undecided"],
      [wide, flat(1060), "?", "undecided"],
      // The gap is 6 %, the extremes 0.98 to 1.13: three runs a side tell nothing.
      [[1000, 1030, 1060], [1039, 1092, 1130], "?", "undecided"],
      [[1000], [1000], "?", "undecided"],
    ];
    for (const [container, guest, figure, word] of cases) {
      const run = withSamples(syntheticRun({ emulated: false }), "cpu", "events", container, guest);
      expect(about(run, "cpu")?.figure).toBe(figure);
      const line = compareTable(run, style)
        .join(" ")
        .match(/negative control, CPU: .*/)?.[0];
      expect(line).toMatch(new RegExp(`: ${word} \\(guest : container `));
    }
    const unfair = withSamples(syntheticRun({ emulated: false }), "cpu", "events", flat(1000), flat(900));
    expect(about(unfair, "cpu")?.text).toContain("10\u00a0%");
    expect(compareTable(syntheticRun(), style).join("\n")).toContain("CPU: not judged, not representative");
  });

  it("says what a container costs, compared with a plain process on the host", () => {
    const run = syntheticRun({ baseline: true });
    const cost = summarizeRun(run).statements.find((s) => s.text.includes("plain process on the host"));
    expect(cost).toMatchObject({ figure: "1.25×", trace: { probe: "syscall" } });
    expect(cost?.text).toMatch(
      /^Compared with a plain process on the host .*, a container needed: System call 1\.25×; no difference was shown for Fork and exec, /,
    );
    const control = summarizeRun(run).statements.filter((s) => s.trace.probe === "cpu");
    expect(control).toHaveLength(1); // the guest is emulated, and the container is judged by the baseline
    expect(control[0]?.text).toMatch(/negative control is fair.*container : baseline 1×/);
    for (const s of run.probes.flatMap((p) => p.series))
      if (s.target === "baseline") s.representative = false;
    expect(texts(run).join()).not.toContain("plain process on the host");
    expect(texts(syntheticRun()).join()).not.toContain("plain process on the host");
  });

  describe("the duel", () => {
    const around = (value: number): number[] => [0.99, 0.995, 1, 1, 1.005, 1.01].map((x) => x * value);
    /** How many times worse off each is, with samples about that. */
    const duel = (container: number, guest: number, samples: (value: number) => number[] = around) => {
      const run = syntheticRun();
      withSamples(run, "duel", "alone", samples(1000), samples(1000));
      for (const hog of ["memory-hog", "fork-bomb"])
        withSamples(run, "duel", hog, samples(1000), samples(1000));
      return withSamples(run, "duel", "cpu-hog", samples(1000 / container), samples(1000 / guest));
    };
    const verdict = (run: RunDocument, guess: string): string | undefined => {
      Object.assign(run.prediction ?? {}, { duelLoser: guess });
      return /in the duel\?.*?<td class="muted">([^<]*)/s.exec(predictions(letterRuns([run])).markup)?.[1];
    };

    it("is decided only where the worst suffers, and more than the other", () => {
      expect(verdict(duel(1.1, 2), "guest")).toBe("as guessed");
      expect(verdict(duel(1.1, 2), "container")).toBe("the guest suffered more");
      expect(verdict(duel(1.1, 2), "neither")).toBe("the guest suffered more");
      expect(verdict(duel(2, 2.01), "guest")).toBe("not decided: the intervals overlap");
      expect(
        verdict(
          duel(1.02, 1.02, (value) => [value]),
          "guest",
        ),
      ).toBe("not decided: too few runs");
      expect(
        verdict(
          duel(1, 3, (value) => [value, value, value]),
          "guest",
        ),
      ).toBe("not decided: too few runs");
    });

    it("may hurt neither", () => {
      expect(verdict(duel(1, 1.01), "neither")).toBe("as guessed");
      expect(verdict(duel(1, 1.01), "guest")).toBe("neither was hurt");
    });

    it("says who suffers most only where that was shown", () => {
      expect(about(duel(1.1, 2), "duel")?.text).toMatch(
        /the guest suffered most: beside a CPU hog it lost 50\s% of its speed\. The container lost at most 9\s%/,
      );
      expect(about(duel(2, 2.01), "duel")?.text).toMatch(
        /suffered: .*Which of them suffers more was not shown/,
      );
      expect(
        about(
          duel(1, 3, (value) => [value]),
          "duel",
        ),
      ).toMatchObject({
        figure: "?",
        text: expect.stringMatching(/neither was shown to suffer.* Too few runs to conclude/),
      });
    });
  });

  it("names in the duel what was shown, before what was worse but was not", () => {
    const run = syntheticRun();
    const flat = [1000, 1000, 1000, 1000, 1000, 1000];
    for (const metric of ["alone", "memory-hog", "fork-bomb"]) withSamples(run, "duel", metric, flat, flat);
    const wild = [100, 200, 500, 800, 1500, 2000];
    withSamples(
      run,
      "duel",
      "cpu-hog",
      flat.map((x) => x / 1.2),
      wild,
    );
    expect(about(run, "duel")?.text).toMatch(
      /the container suffered: beside a CPU hog it lost 17\s%.*The guest lost at most 35\s%.*was not shown\.$/,
    );
  });

  it("says of guesses that they came late", () => {
    const run = syntheticRun();
    expect(predictions(letterRuns([run])).markup).not.toContain("Guessed after");
    expect(predictions(letterRuns([run], { late: new Set([run.id]) })).markup).toContain(
      "Guessed after a run could be seen",
    );
  });

  it("says what was not measured, and of a short run that it has no interval", () => {
    const run = syntheticRun({ quick: true });
    const duel = run.probes.find((p) => p.id === "duel");
    if (duel) Object.assign(duel, { status: "lost", note: "the guest was gone", series: [] });
    expect(summarizeRun(run).leftOut).toContainEqual({ why: "lost: the guest was gone", probes: ["Duel"] });
    expect(about(run, "start")?.certainty).toMatch(/^extremes/);
  });

  it("survives a run with nothing in it", () => {
    const empty = { ...syntheticRun(), probes: [], overhead: [] };
    expect(summarizeRun(empty)).toEqual({ statements: [], leftOut: [] });
    expect(notShown(empty).length).toBeGreaterThan(2);
  });
});

it("what it does not show follows from the run", () => {
  const all = (run: RunDocument): string => notShown(run).join("\n");
  expect(all(syntheticRun({ emulated: true }))).toContain("no KVM");
  expect(all(syntheticRun({ emulated: false }))).not.toContain("KVM here");
  expect(all(syntheticRun({ quick: true }))).toContain("quick run");
  expect(all({ ...syntheticRun(), targets: ["container"] })).toContain("the guest was not running");
  expect(all(syntheticRun())).toContain("the worst of 3 hogs");
  expect(all(syntheticRun())).toContain("each round changed the disk");
  expect(all(syntheticRun())).not.toContain("CPUs of their own");
});

it("a busy host is told by its rounds, not by the load average", () => {
  const loaded = syntheticRun();
  loaded.host.loadBefore = 9;
  const told = (run: RunDocument): string => notShown(run).join("\n") + header(letterRuns([run])).markup;
  expect(told(loaded)).not.toContain("busy");
  const busy = syntheticRun();
  Object.assign(busy.host, { busyRounds: 1, rounds: 8 });
  expect(told(busy)).not.toContain("busy");
  Object.assign(busy.host, { busyRounds: 5, rounds: 8 });
  expect(told(busy)).toContain("An idle host: the host was busy before 5 of 8 rounds, so");
  expect(told(busy)).toContain("<li>the host was busy before 5 of 8 rounds</li>");
  const [quiet, loud] = [
    { busyRounds: 0, rounds: 30 },
    { busyRounds: 5, rounds: 6 },
  ];
  Object.assign(busy.host, { rounds: 36, phases: { "life-cycle": loud, target: quiet, alone: loud } });
  expect(told(busy)).toContain(
    "<li>the host was busy before 5 of 6 rounds of life-cycle probes and before 5 of 6 rounds of probes that run alone</li>",
  );
});

it("targets on other hosts are named, and what is told about this one is not theirs", () => {
  const run = { ...syntheticRun(), elsewhere: { container: "lab1" } };
  const told = notShown(run).join("\n");
  expect(told).toContain("these targets were on other hosts: container on lab1.");
  expect(told).toContain("figures of these machines (container on lab1)");
  expect(told).not.toContain("one machine");
  expect(header(letterRuns([run])).markup).toContain("<li>not on this machine: container on lab1</li>");
  expect(notShown(syntheticRun()).join("\n")).not.toContain("other hosts:");
});

it("two kernels are named as a difference of their own", () => {
  const run = syntheticRun();
  const all = (): string => notShown(run).join("\n");
  expect(all()).toContain("the container Linux 6.1.0-host, the guest Linux 6.1.0-guest");
  for (const row of run.parity.rows) row.values = { container: "Linux 6.1", guest: "Linux 6.1" };
  expect(all()).not.toContain("another kernel");
});

describe("the terminal's table", () => {
  it("has every probe and metric, medians with intervals, and marks", () => {
    const run = syntheticRun();
    const lines = compareTable(run, style);
    for (const probe of run.probes)
      expect(lines.find((line) => line.startsWith(probe.title))).toMatch(/ {2}n = \d+(–\d+)?$/);
    const total = lines.find((line) => line.includes("to the first command answered"));
    expect(total).toMatch(/\d\sms \[\d+–\d+\] +[\d.]+\ss \[[\d.]+–[\d.]+\] +\d+×$/u);
    expect(lines.find((line) => line.includes("getppid"))).toMatch(/ \* +\([\d.]+×\)$/);
    expect(lines.join("\n")).toContain("* not representative: emulated");
    expect(lines.join("\n")).toContain("a virtual machine was emulated, without KVM");
    expect(compareTable(syntheticRun({ emulated: false }), style).join("\n")).not.toContain("emulated");
  });

  it("hides an interval that is a point", () => {
    const flat = Array.from({ length: 10 }, () => 0.5);
    const lines = compareTable(withSamples(syntheticRun(), "stop", "total", flat, flat), style);
    expect(lines.find((line) => line.includes("until all is returned"))).toMatch(/500\sms +500\sms +1×$/);
  });

  it("fits 100 columns, and loses no word for it", () => {
    const run = syntheticRun();
    const long = "a title of many words that nobody cut short when the probe was written, and which goes on";
    const failed =
      "the Docker daemon is on another machine, where nobody can read what this probe has to read";
    const [start, stop, memory] = run.probes;
    for (const series of start?.series ?? []) if (series.metric === "total") series.title = long;
    Object.assign(stop ?? {}, { status: "skipped", note: failed });
    const rented = structuredClone(run);
    rented.vps = { cloud: "local", type: "t3.micro" };
    rented.targets.push("vps");
    for (const probe of rented.probes)
      for (const series of probe.series.filter((s) => s.target === "guest"))
        probe.series.push({ ...series, target: "vps" });
    for (const shown of [run, rented]) {
      const lines = compareTable(shown, style);
      expect(lines.filter((line) => [...line].length > 100)).toEqual([]);
      expect(lines.filter((line) => line.includes("\n"))).toEqual([]);
      const words = lines.join(" ").replaceAll(/ +/g, " ");
      expect(words).toContain(`skipped: ${failed}`);
      if (shown === rented) expect(words).toContain(long);
      else for (const word of long.split(" ")) expect(words).toContain(word);
      expect(lines).toContain(`${memory?.title}  n = 10`);
    }
    expect(compareTable(rented, style).join(" ")).toContain("the vps: t3.micro: rehearsal, not a cloud");
  });
});

describe("the baseline", () => {
  const block = (run: RunDocument): string[] => {
    const lines = compareTable(run, style);
    const from = lines.indexOf("What a container costs");
    return from < 0 ? [] : lines.slice(from, lines.indexOf("", from));
  };

  it("stands beside the container, with their ratio", () => {
    const run = syntheticRun({ baseline: true });
    const lines = block(run);
    expect(lines.join("\n")).toMatch(/baseline +container +container : baseline/);
    expect(lines.join("\n")).toMatch(/getppid +[\d.]+\sns \[\S+ +\d+\sns \[\S+ +1\.25× \[1\.\d+–1\.\d+\]/u);
    expect(lines.join(" ")).toContain("a plain process on the host");
    expect(compareTable(run, style)[0]).not.toContain("baseline");
    expect(compareTable(run, style).filter((line) => [...line].length > 100)).toEqual([]);
    expect(toCsv(run)).toMatch(/,syscall,getppid,baseline,ns,/);
  });

  it("has a reason where it was not measured, and nothing in an older run", () => {
    const run = { ...syntheticRun(), baseline: { measured: false, note: "not measured: it needs root" } };
    expect(block(run)).toEqual(["What a container costs", "  not measured: it needs root"]);
    const early = { ...syntheticRun({ baseline: true }), probes: [] };
    expect(block(early)).toEqual([
      "What a container costs",
      "  no figures of the baseline and the container",
    ]);
    expect(block(syntheticRun())).toEqual([]);
  });
});

describe("the CSV", () => {
  it("has a line a sample, quotes what needs it, and disarms formulas", () => {
    const run = syntheticRun({ quick: true });
    const [first] = run.probes[0]?.series ?? [];
    if (first) first.note = '=1+1, "said" she';
    const lines = toCsv(run).trimEnd().split("\r\n");
    const series = [...run.probes.flatMap((p) => p.series), ...run.overhead];
    const samples = series.reduce((n, s) => n + s.samples.length, 0);
    expect(run.overhead.length).toBeGreaterThan(0);
    expect(lines).toHaveLength(samples + 1);
    expect(lines[0]?.split(",")).toHaveLength(22);
    expect(lines[1]).toContain(`"'=1+1, ""said"" she",1,${first?.samples[0]}`);
  });

  it("keeps a line for what gave no sample", () => {
    const run = syntheticRun({ quick: true });
    const [first] = run.probes[0]?.series ?? [];
    if (first) Object.assign(first, { samples: [], status: "timeout", note: "took too long" });
    expect(toCsv(run)).toMatch(
      /start,total,container,s,lower,timeout,true,true,false,0,,,,,,,took too long,,\r\n/,
    );
  });
});
