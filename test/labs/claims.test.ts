import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ExitCode, UserError } from "../../base/errors.js";
import { repoDir } from "../../base/paths.js";
import { loadClaims, parseClaims } from "../../labs/claims.js";
import { claimsJsonSchema } from "../../labs/json-schema.js";
import { PROBES } from "../../probes/index.js";

/** What is wrong with a claims.yaml, as its reader is told. */
function problems(text: string): string {
  try {
    parseClaims(text, "claims.yaml");
  } catch (error) {
    if (error instanceof UserError && error.exitCode === ExitCode.usage) return error.why ?? "";
    throw error;
  }
  throw new Error("it was accepted");
}

const claim = (part: string, more = ""): string =>
  `claims:\n  - id: a\n    claim: It is so.\n    source: { kind: slide }\n    parts:\n      - { what: it, ${part} }\n${more}`;

describe("the claims that trilab comes with", () => {
  it("are about twenty, and name only metrics that a probe has", async () => {
    const claims = await loadClaims();
    expect(claims.length).toBeGreaterThanOrEqual(20);
    const metrics = PROBES.flatMap(({ id, metrics }) => metrics.map((metric) => `${id}.${metric.id}`));
    for (const { metric, per } of claims.flatMap(({ parts }) => parts)) {
      if (metric === undefined) continue;
      expect(metrics).toContain(metric);
      if (per !== undefined) expect(metrics).toContain(`${metric.split(".")[0]}.${per}`);
    }
  });

  it("name only facts that the isolation probe finds", async () => {
    const source = await readFile(join(repoDir, "probes", "isolation.ts"), "utf8");
    for (const { fact = "", probe } of (await loadClaims()).flatMap(({ parts }) => parts))
      if (probe === "isolation") expect(source).toContain(`"${fact}"`);
  });

  it("explain what is wrong in two sentences", async () => {
    for (const { explain, id } of await loadClaims())
      if (explain !== undefined) expect(explain.match(/[.!?](?= |$)/g), id).toHaveLength(2);
  });

  it("have a published JSON Schema that is up to date", async () => {
    const file = await readFile(join(repoDir, "labs", "claims.schema.json"), "utf8");
    expect(JSON.parse(file)).toEqual(JSON.parse(JSON.stringify(claimsJsonSchema())));
    const tracked = execFileSync("git", ["ls-files", "labs/claims.schema.json"], {
      cwd: repoDir,
      encoding: "utf8",
    });
    expect(tracked).not.toBe("");
  });
});

it("docs/labs.md has an example that is valid, and names every key", async () => {
  const page = await readFile(join(repoDir, "docs/labs.md"), "utf8");
  const example = /```yaml\n([^`]*\nclaims:[^`]*)```/.exec(page)?.[1] ?? "";
  expect(parseClaims(example, "docs/labs.md")).toHaveLength(1);
  const keys = JSON.stringify(claimsJsonSchema()).matchAll(
    /"((?!items)[a-z]+)":\{(?:"type"|"enum"|"anyOf")/g,
  );
  const section = page.slice(page.indexOf("## Claims"), page.indexOf("## Services"));
  const missing = [...keys].filter(([, key]) => !new RegExp(`\\b${key}\\b`).test(section));
  expect(missing.map(([, key]) => key)).toEqual([]);
});

describe("claims.yaml", () => {
  it.each([
    ["no test", "fact: boot, of: guest", /line 6: claims\.0\.parts\.0: needs exactly one of is, not, same/],
    ["two tests", "fact: boot, of: guest, is: x, not: y", /needs exactly one of is, not, same/],
    [
      "a fact and a metric",
      "fact: boot, metric: cpu.rate, of: guest, over: 1",
      /needs either fact or metric/,
    ],
    ["a metric without a place", "metric: cpu.rate, over: 1", /needs exactly one of: of, ratio/],
    [
      "a metric that is a word",
      "metric: cpu.rate, of: guest, is: fast",
      /a metric needs over, under or works/,
    ],
    ["a probe that is none", "metric: cpi.rate, of: guest, over: 1", /there is no probe "cpi"/],
    ["a fact that is none", "fact: bot, of: guest, is: x", /there is no fact "bot"; did you mean "boot"\?/],
    ["a place that is none", "fact: boot, of: gast, is: x", /line 6: claims\.0\.parts\.0\.of/],
    ["an unknown key", "fact: boot, of: guest, is: x, oder: 1", /line 6: .*oder/],
  ])("with %s is refused, and the line is named", (_, part, message) =>
    expect(problems(claim(part))).toMatch(message),
  );

  it("names each id once, and a reason where nothing decides", () => {
    const twice = claim(
      "fact: boot, of: guest, is: x",
      "  - { id: a, claim: So., source: { kind: slide } }\n",
    );
    expect(problems(twice)).toMatch(/line 7: claims\.1: needs parts, or unmeasured/);
    const named = claim(
      "fact: boot, of: guest, is: x",
      "  - { id: a, claim: So., source: { kind: slide }, unmeasured: No. }\n",
    );
    expect(problems(named)).toMatch(/line 7: claims\.1\.id: "a" is there twice/);
  });

  it("that is no YAML is refused with its line", () =>
    expect(problems("claims:\n  - [\n")).toMatch(/line 3: /));
});
