import { describe, expect, it } from "vitest";
import type { RunDocument } from "../../probes/run-document.js";
import { html } from "../../report/html.js";
import { makePage } from "../../report/page.js";
import { ratioSpec } from "../../report/plots/ratios.js";
import { draw } from "../../report/plots/render.js";
import { syntheticRun } from "./fixture.js";

describe("the page", () => {
  it("is under a megabyte", async () => {
    expect(Buffer.byteLength(await makePage([syntheticRun()]))).toBeLessThan(1e6);
  });

  it("needs nothing else: no script, no address to load from", async () => {
    const page = await makePage([syntheticRun(), syntheticRun({ seed: 2, seat: "bob" })]);
    // A citation's link is only followed by a click.
    expect(page.replaceAll('<a href="https://arxiv.org/abs/2110.11462" rel="noreferrer">', "")).not.toMatch(
      /<script|<link(?! rel="icon" href="data:,")|<img|@import|url\(|href="http|src=/i,
    );
    expect(page).toContain("default-src 'none'");
  });

  it("reads a plot's label as text", async () => {
    const { markup } = await draw({ data: { values: [{ x: 1 }] }, mark: "point" }, `$1 and $& of "a"`);
    expect(markup).toMatch(
      /^<svg viewBox="[\d. -]+" role="img" aria-label="\$1 and \$&amp; of &quot;a&quot;">/,
    );
  });

  it("says of a rehearsed VPS that it is no cloud, and nothing of one that was rented", async () => {
    const page = (cloud: "aws" | "local") =>
      makePage([{ ...syntheticRun(), vps: { cloud, type: "t3.nano" } }]);
    expect(await page("local")).toMatch(
      /vps: t3\.nano: rehearsal, not a cloud[\s\S]*A cloud\..{0,20}The VPS is a rehearsal/,
    );
    expect(await page("aws")).toContain("vps: t3.nano from AWS");
    expect(await page("aws")).not.toContain("rehearsal");
    expect(await makePage([syntheticRun()])).not.toMatch(/rehearsal|>VPS</);
  });

  it("says in one sentence what was found", async () => {
    const found = /<p class="found">([^<]*)/;
    expect(found.exec(await makePage([syntheticRun()]))?.[1]).toBe(
      "Compared with the container, the emulated guest took 21× as long to start and cost 110× the memory.",
    );
    expect(found.exec(await makePage([syntheticRun({ emulated: false })]))?.[1]).toMatch(
      /, the guest took 2\d× as long to start, cost 1\d0× the memory and computed at 9\d\s% of its speed\.$/,
    );
    expect(found.exec(await makePage([syntheticRun({ quick: true })]))?.[1]).toMatch(
      /^In this run, compared/,
    );
    const marked = syntheticRun();
    for (const s of marked.probes.flatMap((p) => p.series)) s.representative = false;
    expect(found.exec(await makePage([marked]))?.[1]).toMatch(
      /the emulated guest took 21× as long to start \(not representative\)\.$/,
    );
    expect(await makePage([{ ...syntheticRun(), probes: [] }])).not.toMatch(found);
  });

  it("links only to what it has", async () => {
    for (const run of [syntheticRun(), { ...syntheticRun(), prediction: undefined }]) {
      const { prediction, ...rest } = run;
      const page = await makePage([prediction ? { ...rest, prediction } : rest]);
      const links = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
      expect(links.length).toBeGreaterThan(8);
      for (const id of links) expect(page.match(new RegExp(`id="${id}"`, "g")), id).toHaveLength(1);
    }
  });

  it("prints a caveat of several figures once, as a footnote", async () => {
    const page = await makePage([syntheticRun()]);
    const [, summary = ""] = /<section class="summary"(.*?)<\/section>/s.exec(page) ?? [];
    expect(summary.match(/its processor is emulated/g)).toHaveLength(1);
    expect(summary.match(/<sup><a href="#note-A-1">1<\/a><\/sup>/g)).toHaveLength(2);
  });

  it("sorts the ratios, and leaves out one that misleads", async () => {
    const page = await makePage([syntheticRun()]);
    const [, label = ""] = /aria-label="Guest compared with container\. ([^"]*)"/.exec(page) ?? [];
    const ratios = [...label.matchAll(/: ([\d.]+)×/g)].map(([, ratio]) => Number(ratio));
    expect(ratios.length).toBeGreaterThan(8);
    expect(ratios).toEqual([...ratios].sort((a, b) => b - a));
    expect(label).not.toContain("Disk cost");
    expect(page).toMatch(/Disk cost on the host has no ratio here, .*: the guest has 7\.7\sMiB more\./);
  });

  it("shows a start's parts, what root may do, and what a neighbour costs", async () => {
    const page = await makePage([syntheticRun()]);
    expect(page).toMatch(/>start \d+\sms → first command \d+\sms/);
    expect(page).toMatch(
      /call \d+\sms → kernel [\d.]+\ss → init until SSH [\d.]+\ss → firmware and first command/,
    );
    const [, matrix = ""] = /<table class="matrix">(.*?)<\/table>/s.exec(page) ?? [];
    expect(matrix.match(/aria-label="no">✗/g)).toHaveLength(3);
    expect(matrix.match(/aria-label="yes">✓/g)).toHaveLength(5);
    expect(page).toMatch(/speed lost<\/th>.*?beside a CPU hog<\/th><td>2\d\s%<\/td><td>4\d\s%/s);
    const older = syntheticRun();
    for (const p of older.probes) p.facts = p.facts.filter((fact) => !fact.ticks);
    expect(await makePage([older])).not.toContain("What root may do inside");
  });

  it("is the same for the same run", async () => {
    expect(await makePage([syntheticRun()])).toBe(await makePage([syntheticRun()]));
  });

  it("keeps digits that are no geometry", async () => {
    const page = await makePage([syntheticRun()]);
    expect(page).toContain("published: 6× the container · arXiv 2110.11462 (secondary)</text>");
  });

  it("has every sample, and where each figure comes from", async () => {
    const run = syntheticRun();
    const page = await makePage([run]);
    for (const probe of run.probes) {
      expect(page).toContain(`id="probe-${probe.id}"`);
      for (const series of probe.series) {
        expect(page).toContain(`${probe.id}/${series.metric}`);
        expect(page).toContain(series.samples.map((s) => Number(s.toPrecision(6))).join(" "));
      }
    }
  });

  it("judges what people say, with links to what decides it on the page", async () => {
    const facts = { boot: { host: "h", container: "h", guest: "g" } };
    const page = await makePage([{ ...syntheticRun(), facts }]);
    const [, section = ""] = page.split('<h2 id="claims">');
    expect(section).toMatch(/<b class="holds">holds<\/b><div><p>“A container has no kernel of its own/);
    expect(section).toContain("boot id: container h…, host h…");
    expect(section).toContain("<code>trilab compare --probes host-calls</code>");
    for (const [, id] of section.matchAll(/href="#([^"]+)"/g)) expect(page).toContain(`id="${id}"`);
    expect(await makePage([syntheticRun(), syntheticRun({ seed: 2 })])).toMatch(
      /<summary>Run B<\/summary><ul class="claims">/,
    );
  });

  it("has a learner's work to hand in: guesses, claims and points", async () => {
    const run = syntheticRun();
    const tasks = [{ id: "built", title: "It is built", standing: "met", points: 2, max: 3 }];
    const solved = new Map([[run.id, { points: 2, max: 3, tasks }]]);
    const [, section = ""] = (await makePage([run], { solved })).split('<h2 id="work">');
    expect(section).toContain("How many times as long does the guest take to start? 10×; measured 2");
    expect(section).toContain("2 of 3 points<ul><li>built, 2/3: solved. It is built</li></ul>");
    const { prediction: _, ...without } = run;
    expect(await makePage([without])).not.toContain('id="work"');
    expect(await makePage([without], { solved })).toContain('href="#work"');
  });

  it("escapes every text of a run, wherever it stands", async () => {
    const evil = `</text></style><script>alert(1)</script>"'><img src=x onerror=alert(1)>&{{datum.x}}\u0000`;
    const poison = (value: unknown, key = ""): unknown => {
      if (["target", "targets", "status", "better", "verdict", "kind", "duelLoser", "id"].includes(key))
        return value;
      if (typeof value === "string") return `${value}${evil}`;
      if (Array.isArray(value)) return value.map((v) => poison(v, key));
      if (typeof value === "object" && value !== null)
        return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, poison(v, k)]));
      return value;
    };
    const page = await makePage([poison(syntheticRun({ quick: true })) as RunDocument]);
    expect(page).not.toContain("<script");
    expect(page).not.toContain("<img");
    expect(page.match(/<\/style>/g)).toHaveLength(1);
    expect(page).toContain("&lt;script&gt;");
  });

  it("is made of whatever a run has", async () => {
    const run = syntheticRun();
    await makePage([{ ...run, probes: [], overhead: [], parity: { inTolerance: true, rows: [] } }]);
    const one = { ...run, targets: ["container" as const] };
    one.probes = run.probes.map((p) => ({ ...p, series: p.series.filter((s) => s.target === "container") }));
    expect(await makePage([one])).toContain("the guest was not running");
    for (const samples of [[], [0], [0, 0, 0], [-1, 2], [1e-12, 1e12], [5]]) {
      const odd = syntheticRun();
      for (const p of odd.probes) for (const s of p.series) s.samples = [...samples];
      const page = await makePage([odd]);
      expect(/.{60}(NaN|Infinity|undefined).{40}/.exec(page)?.[0], `samples ${samples}`).toBeUndefined();
    }
  });
});

describe("what is read out in a plot's place", () => {
  it("has intervals, and the mark of what is not representative", async () => {
    const page = await makePage([syntheticRun({ emulated: true })]);
    const labels = [...page.matchAll(/aria-label="([^"]*)"/g)].map(([, label]) => label ?? "");
    expect(labels.find((l) => l.startsWith("Guest compared"))).toMatch(
      /Start: \d+× \(471\sms → 9\.87\ss; 95\s% interval [^)]*×\);.*System call: [\d.]+× \([^)]*; not representative\)/u,
    );
    expect(labels.find((l) => l.startsWith("getppid"))).toMatch(
      /container [^(]*\(30 samples; 95\s% interval [^;)]*\), guest [^(]*\([^)]*; not representative\)/u,
    );
  });
});

it("an interval without a bound is drawn to the plot's edge", () => {
  const ratio = (low: number, high: number) => ({
    value: 4,
    n: 9,
    interval: { low, high, kind: "range" as const },
  });
  const row = (low: number, high: number) => ({
    title: "x",
    points: [{ name: "A", ratio: ratio(low, high), representative: true, change: "1 s → 4 s" }],
    published: [],
  });
  const spec = JSON.stringify(ratioSpec([row(2, 10), row(0, Number.POSITIVE_INFINITY)]));
  const [, ...edges] = /"domain":\[([\d.]+),([\d.]+)\]/.exec(spec) ?? [];
  expect(edges.map(Number)).toEqual([0.5, 12.5]);
  expect(spec).toContain(`"x":4,"low":2,"high":10`);
  expect(spec).toContain(`"x":4,"low":${edges[0]},"high":${edges[1]}`);
});

it("the template escapes values, not markup", () => {
  expect(html`<b title="${'"<'}">${["&", html`<i>`, 1]}${undefined}${false}</b>`.markup).toBe(
    '<b title="&quot;&lt;">&amp;<i>1</b>',
  );
});
