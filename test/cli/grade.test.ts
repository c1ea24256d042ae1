import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ExitCode, UserError } from "../../base/errors.js";
import { grade } from "../../cli/commands/grade.js";
import type { Context } from "../../cli/context.js";
import { lineFollow } from "../../cli/show-progress.js";
import type { Submission } from "../../tasks/submission.js";

let dir = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "trilab-grade-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** Grades these submissions, each in a file of its own: `0.json`, `1.json`, … */
async function gradeFiles(submissions: Partial<Submission>[]) {
  const files = await Promise.all(
    submissions.map(async (submission, i) => {
      const whole = {
        ...{ schema: 1, kind: "submission", lab: "first-boot", seat: "ann", at: "t", by: "ann@laptop" },
        ...{ labDigest: "d", key: "k", attempts: "", runs: [], ...submission },
      };
      await writeFile(join(dir, `${i}.json`), JSON.stringify(whole));
      return join(dir, `${i}.json`);
    }),
  );
  const [out, told]: [string[], string[]] = [[], []];
  const plain = (text: string): string => text;
  const ctx: Context = {
    json: false,
    print: (line) => out.push(line),
    tell: (line) => told.push(line),
    confirm: async () => undefined,
    ask: async () => undefined,
    signal: new AbortController().signal,
    follow: lineFollow(() => {}),
    style: { bold: plain, dim: plain, good: plain, bad: plain, warn: plain },
  };
  const exitCode = await grade.handler?.({ files }, ctx);
  return { exitCode, out: out.join("\n"), told: told.join("\n") };
}

describe("trilab grade", () => {
  it("grades the other files when one names a lab that is not here, and names that file", async () => {
    const { exitCode, out, told } = await gradeFiles([{ lab: "gone" }, { seat: "bob" }]);
    expect(out).toMatch(/^first-boot +bob +0\//m);
    expect(told).toMatch(/0\.json: there is no lab "gone"/);
    expect(exitCode).toBe(ExitCode.notFound);
  });

  it.each([{ lab: "/tmp/x/first-boot" }, { lab: ".." }, { seat: "\u001b[2Jann" }])(
    "refuses a file whose names are none, and grades the others: %j",
    async (bad) => {
      const { exitCode, out, told } = await gradeFiles([bad, { seat: "bob" }]);
      expect(out).toMatch(/^first-boot +bob/m);
      expect(out).not.toContain("ann");
      expect(told).toMatch(/0\.json is not a submission/);
      expect(exitCode).toBe(ExitCode.usage);
    },
  );

  it("prints no table when nothing can be graded", async () => {
    expect(await gradeFiles([{ lab: "gone" }])).toMatchObject({ exitCode: ExitCode.notFound, out: "" });
  });

  it("refuses two files of one seat, and names both", async () => {
    const error: unknown = await gradeFiles([{}, {}]).catch((thrown: unknown) => thrown);
    expect((error as UserError).why).toMatch(/0\.json and .*1\.json/);
    expect(error).toBeInstanceOf(UserError);
  });
});
