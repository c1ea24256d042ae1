import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cannotBecome } from "../../drivers/libvirt/resize-guest.js";
import { parseXml } from "../../drivers/libvirt/xml.js";
import { type Claim, loadClaims, parseClaims } from "../../labs/claims.js";
import type { Fact, RunDocument, Series } from "../../probes/run-document.js";
import { countVerdicts, type Evidence, judgeClaims, judgeRange } from "../../report/judge-claims.js";
import { syntheticRun } from "./fixture.js";

const parsed = (...parts: string[]): Claim[] =>
  parseClaims(
    [
      "claims:",
      "  - id: a",
      "    claim: It is so.",
      "    source: { kind: slide }",
      "    explain: It is not.",
      "    parts:",
      ...parts.map((part, i) => `      - { what: part ${i + 1}, ${part} }`),
    ].join("\n"),
    "claims.yaml",
  );

const judge = (evidence: readonly Evidence[], ...parts: string[]) => {
  const [judged] = judgeClaims(parsed(...parts), evidence);
  if (judged === undefined) throw new Error("no claim");
  return judged;
};

/** A run with one probe that has these samples, in a unit that needs many runs (s) or few (MiB). */
function runWith(
  samples: Partial<Record<Series["target"], readonly number[]>>,
  {
    unit = "s",
    id = "start",
    metric = "total",
    more = {} as Partial<Series>,
    run = {} as Partial<RunDocument>,
  } = {},
): Evidence {
  const base = syntheticRun({ emulated: false });
  const [probe] = base.probes;
  if (probe === undefined) throw new Error("no probe");
  const series = Object.entries(samples).map(
    ([target, values]): Series => ({
      ...{ target: target as Series["target"], metric, title: metric, unit, better: "lower", warmups: 0 },
      ...{ samples: [...values], status: "ok", representative: true, note: "" },
      ...more,
    }),
  );
  return { facts: {}, run: { ...base, probes: [{ ...probe, id, series, facts: [] }], ...run } };
}

const RATIO = "metric: start.total, ratio: guest/container, over: 2";
const many = (value: number): number[] => Array.from({ length: 8 }, (_, i) => value * (1 + i / 1000));

describe("a part decided by facts", () => {
  const facts = { boot: { host: "h", container: "h", guest: "g" }, "memory-seen": { container: "2048" } };

  it.each([
    ["fact: boot, same: [container, host]", "holds"],
    ["fact: boot, same: [guest, host]", "does-not-hold"],
    ["fact: boot, differ: [guest, host]", "holds"],
    ["fact: boot, of: guest, is: g", "holds"],
    ["fact: boot, of: guest, not: g", "does-not-hold"],
    ["fact: memory-seen, of: container, over: 1024", "holds"],
    ["fact: boot, of: vps, is: g", "not-measured"],
    ["fact: memory-seen, of: container, per: memory-given, under: 1", "not-measured"],
  ])("%s: %s", (part, verdict) => expect(judge([{ facts }], part).verdict).toBe(verdict));

  it("uses the newest evidence that has all of it", () => {
    const older = { facts: { boot: { guest: "h", host: "h" } } };
    const part = "fact: boot, differ: [guest, host]";
    expect(judge([{ facts: { boot: { host: "h" } } }, older], part).verdict).toBe("does-not-hold");
    expect(judge([{ facts }, older], part).verdict).toBe("holds");
  });

  it("names what is not known, and how to find out", () =>
    expect(judge([{ facts }], "fact: kernel, of: guest, is: x")).toMatchObject({
      parts: [{ outcome: "missing", why: '"kernel release" of the guest is not known' }],
      measure: "trilab up --on container,guest; then trilab claims",
    }));
});

describe("a part decided by a fact of a probe", () => {
  const run = syntheticRun();
  const part = "probe: isolation, fact: chroot, of: container, is: yes";

  it("takes it from the newest finished run", () => {
    expect(judge([{ facts: {}, run }], part)).toMatchObject({
      verdict: "holds",
      parts: [{ probe: "isolation" }],
    });
    expect(judge([{ facts: {}, run: { ...run, partial: true } }], part).verdict).toBe("not-measured");
  });

  it("never decides by what the probe could not read", () => {
    const unread = syntheticRun();
    const title = "its root is";
    unread.probes
      .find(({ id }) => id === "isolation")
      ?.facts.push({ title, values: { container: "user ? of the kernel it calls" }, note: "" });
    const root = `probe: isolation, fact: ${title}, of: container, not: root of the kernel it calls`;
    expect(judge([{ facts: {}, run: unread }], root).verdict).toBe("not-measured");
  });

  it("has none in a run without the probe", () =>
    expect(judge([{ facts: {}, run: { ...run, probes: [] } }], part)).toMatchObject({
      parts: [{ why: "no finished run has the probe isolation" }],
      measure: "trilab compare --probes isolation",
    }));
});

describe("a part decided by figures", () => {
  it("is true above its limit, false below, and open if the interval contains it", () => {
    expect(judge([runWith({ container: many(1), guest: many(9) })], RATIO).verdict).toBe("holds");
    const below = judge([runWith({ container: many(1), guest: many(1.5) })], RATIO);
    expect(below).toMatchObject({ verdict: "does-not-hold", explanation: "It is not." });
    const spread = [1, 1, 1, 1, 5, 5, 5, 5];
    expect(judge([runWith({ container: many(1), guest: spread })], RATIO)).toMatchObject({
      verdict: "depends",
      parts: [{ outcome: "open", why: "the interval contains the limit, 2" }],
    });
  });

  it("has its figure and interval in words, and names its probe", () =>
    expect(judge([runWith({ container: many(1), guest: many(9) })], RATIO).parts).toMatchObject([
      {
        figures: expect.stringMatching(/^9×, 95\u00a0% interval .*guest 9\.03\u00a0s, container 1\s/u),
        probe: "start",
      },
    ]));

  it("never uses a run that ended early, or a figure that is not representative", () => {
    const series = { container: many(1), guest: many(9) };
    expect(judge([runWith(series, { run: { partial: true } })], RATIO)).toMatchObject({
      verdict: "not-measured",
      measure: "trilab compare --probes start",
    });
    const note = "emulated, without KVM";
    expect(judge([runWith(series, { more: { representative: false, note } })], RATIO)).toMatchObject({
      verdict: "not-measured",
      parts: [{ why: `guest: ${note}`, figures: expect.stringContaining("9×") }],
    });
    expect(judge([], RATIO).parts[0]?.why).toBe("this seat has no finished run of compare");
  });

  it("needs a clear difference where there are few runs, but not for what is counted", () => {
    expect(judge([runWith({ container: [1, 1], guest: [2.5, 2.6] })], RATIO)).toMatchObject({
      verdict: "not-measured",
      parts: [{ why: "2 runs are too few to decide" }],
    });
    expect(judge([runWith({ container: [1, 1], guest: [9, 9] })], RATIO).verdict).toBe("holds");
    expect(judge([runWith({ container: [1], guest: [2.5] }, { unit: "MiB" })], RATIO).verdict).toBe("holds");
  });

  it("takes an emulated guest's time as an upper limit, and its memory with the emulator's cache", () => {
    const emulated = { run: { emulated: true } };
    const slower = judge([runWith({ container: many(1), guest: many(9) }, emulated)], RATIO);
    expect(slower).toMatchObject({
      verdict: "depends",
      parts: [{ why: expect.stringMatching(/^on the emulation: /) }],
    });
    // Even slowed down, it is below the limit.
    expect(judge([runWith({ container: many(1), guest: many(1.5) }, emulated)], RATIO).verdict).toBe(
      "does-not-hold",
    );
    const memory = { unit: "MiB", id: "memory", metric: "idle", ...emulated };
    const part = "metric: memory.idle, ratio: guest/container, over: 2";
    const cost = (guest: number) =>
      judge([runWith({ container: [10], guest: [guest] }, memory)], part).verdict;
    expect([cost(200), cost(140), cost(15)]).toEqual(["holds", "depends", "does-not-hold"]);
  });

  it("compares with nothing", () => {
    const of = (container: number, guest: number) =>
      judge([runWith({ container: [container], guest: [guest] }, { unit: "MiB" })], RATIO).verdict;
    expect([of(0, 3), of(3, 0), of(0, 0)]).toEqual(["holds", "does-not-hold", "not-measured"]);
  });

  it("can be that the probe could do it", () => {
    const run = runWith({ container: [0.2] }, { id: "elasticity", metric: "memory" });
    const works = (of: string) => judge([run], `metric: elasticity.memory, of: ${of}, works: true`);
    expect(works("container").verdict).toBe("holds");
    expect(works("guest").verdict).toBe("not-measured");
    const slow = {
      title: "memory",
      values: { guest: "accepted, but not visible inside after 15 s" },
      note: "",
    };
    run.run?.probes[0]?.facts.push(slow);
    expect(works("guest").verdict).toBe("not-measured");
    run.run?.probes[0]?.facts.pop();
    run.run?.probes[0]?.facts.push({ title: "memory", values: { guest: "cannot: no device" }, note: "" });
    expect(works("guest")).toMatchObject({
      verdict: "does-not-hold",
      parts: [{ figures: "memory: cannot: no device" }],
    });
    if (run.run) run.run.emulated = true;
    expect(works("guest").verdict).toBe("not-measured");
  });

  describe("or could not, because of a refusal", () => {
    const refused = "cannot: error: unsupported configuration";
    const fact = (title: string, guest: string, metric?: string): Fact => ({
      ...{ title, values: { guest }, note: "" },
      ...(metric === undefined ? {} : { metric }),
    });
    const works = (metric: string, ...facts: Fact[]) => {
      const evidence = runWith({ container: [0.2] }, { id: "elasticity", metric: "memory" });
      evidence.run?.probes[0]?.facts.push(...facts);
      return judge([evidence], `metric: elasticity.${metric}, of: guest, works: true`);
    };

    it.each([
      ["named", ["memory", "cpus"]],
      ["in the title of an older run's fact", []],
    ])("of that same metric, which is %s", (_, [memory, cpus]) => {
      const about = [
        fact("memory from 512MiB to 384MiB", "accepted, but not visible inside after 15 s", memory),
        fact("CPU time or CPUs", refused, cpus),
      ];
      expect(works("memory", ...about)).toMatchObject({
        verdict: "not-measured",
        parts: [{ why: "it may only be slow" }],
      });
      expect(works("cpus", ...about)).toMatchObject({
        verdict: "does-not-hold",
        parts: [{ figures: `CPU time or CPUs: ${refused}` }],
      });
    });

    it.each([{ cpus: 2 }, { memory: 384 * 2 ** 20 }])(
      "but not one that comes from trilab's definition of the guest: %j",
      (change) => {
        const domain = parseXml("<domain type='kvm'><memory>524288</memory><vcpu>1</vcpu></domain>");
        const [metric = ""] = Object.keys(change);
        expect(works(metric, fact("tried", `cannot: ${cannotBecome(domain, change)}`, metric))).toMatchObject(
          {
            verdict: "not-measured",
            parts: [{ why: expect.stringContaining("says nothing about virtual machines") }],
          },
        );
      },
    );
  });
});

describe("several parts", () => {
  const facts = { boot: { host: "h", container: "h", guest: "g" } };
  const [yes, no, unknown] = [
    "fact: boot, of: guest, is: g",
    "fact: boot, of: guest, is: h",
    "fact: boot, of: vps, is: v",
  ];

  it.each([
    [[yes, yes], "holds"],
    [[no, no], "does-not-hold"],
    [[yes, no], "depends"],
    [[yes, unknown], "not-measured"],
    [[no, unknown], "not-measured"],
    [[yes, no, unknown], "depends"],
  ])("%j: %s", (parts, verdict) => expect(judge([{ facts }], ...parts).verdict).toBe(verdict));

  it("explain only what is wrong here", () => {
    expect(judge([{ facts }], yes)).not.toHaveProperty("explanation");
    expect(judge([{ facts }], yes, no).explanation).toBe("It is not.");
  });
});

it("claims without parts are not measured, and say why", async () => {
  const [judged] = judgeClaims(
    parseClaims("claims: [{ id: a, claim: So., source: { kind: slide }, unmeasured: No lab. }]", "f"),
    [],
  );
  expect(judged).toMatchObject({ verdict: "not-measured", why: "No lab." });
});

it("decides nothing from nothing", async () => {
  const claims = await loadClaims();
  expect(countVerdicts(judgeClaims(claims, []))).toEqual({
    ...{ holds: 0, "does-not-hold": 0, depends: 0 },
    "not-measured": claims.length,
  });
});

describe("a limit", () => {
  const value = fc.double({ min: 1e-3, max: 1e6, noNaN: true });

  it("is never decided by an interval that contains it", () => {
    fc.assert(
      fc.property(value, value, value, (a, b, c) => {
        const [low = 0, limit = 0, high = 0] = [a, b, c].sort((x, y) => x - y);
        fc.pre(low < limit && limit < high);
        for (const test of [{ over: limit }, { under: limit }])
          expect(judgeRange(test, { low, high }, "").outcome).toBe("open");
      }),
    );
  });

  it("is decided the other way round by over and under, wherever the interval does not touch it", () => {
    fc.assert(
      fc.property(value, value, value, (a, b, limit) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        fc.pre(low > limit || high < limit);
        const over = judgeRange({ over: limit }, { low, high }, "").outcome;
        expect(over).toBe(low > limit ? "true" : "false");
        expect(judgeRange({ under: limit }, { low, high }, "").outcome).toBe(
          over === "true" ? "false" : "true",
        );
      }),
    );
  });

  it("is not passed by a ratio unless every sample passes it, where there are few runs", () => {
    const few = fc.array(value, { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(few, few, (container, guest) => {
        const { verdict } = judge([runWith({ container, guest })], RATIO);
        const [least, most] = [
          Math.min(...guest) / Math.max(...container),
          Math.max(...guest) / Math.min(...container),
        ];
        if (verdict === "holds") expect(least).toBeGreaterThan(2);
        if (verdict === "does-not-hold") expect(most).toBeLessThanOrEqual(2);
      }),
    );
  });

  it("is never decided for a longer time by an emulated guest", () => {
    fc.assert(
      fc.property(value, value, (container, guest) => {
        const run = { emulated: true };
        const { verdict } = judge(
          [runWith({ container: many(container), guest: many(guest) }, { run })],
          RATIO,
        );
        expect(verdict).not.toBe("holds");
      }),
    );
  });
});
