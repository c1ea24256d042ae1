import { expect, it } from "vitest";
import { ExitCode } from "../../base/errors.js";
import { compare, endOfRun } from "../../cli/commands/compare.js";
import type { Context } from "../../cli/context.js";
import { syntheticRun } from "../report/fixture.js";

it("a comparison that measured nothing has failed, and says so", () => {
  const run = syntheticRun();
  expect(endOfRun(run, false)).toEqual({ exitCode: ExitCode.done });
  const emptied = run.probes.map((probe) => ({
    ...probe,
    facts: [],
    series: probe.series.map((series) => ({ ...series, samples: [], status: "failed" as const })),
  }));
  expect(endOfRun({ ...run, probes: emptied }, false)).toEqual({
    exitCode: ExitCode.failed,
    warning: expect.stringContaining("nothing was measured"),
  });
  const [facts, ...others] = emptied;
  const isolation = { ...facts, facts: [{ title: "t", values: {}, note: "" }] } as (typeof emptied)[number];
  expect(endOfRun({ ...run, probes: [isolation, ...others] }, false).exitCode).toBe(ExitCode.done);
});

it("a comparison that ended early was interrupted, or has failed", () => {
  const run = { ...syntheticRun(), partial: true };
  expect(endOfRun(run, true).exitCode).toBe(ExitCode.interrupted);
  expect(endOfRun(run, false)).toMatchObject({
    exitCode: ExitCode.failed,
    warning: expect.stringMatching(/too busy/),
  });
});

it("refuses --csv with --json, before it measures", async () => {
  const ctx = { json: true } as Context;
  await expect(compare.handler?.({ csv: true }, ctx)).rejects.toMatchObject({ exitCode: ExitCode.usage });
});
