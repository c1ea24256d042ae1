import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { alignLines, answerLines } from "../../cli/compare-answers.js";
import type { TargetAnswer } from "../../seats/run.js";

const plain = (text: string): string => text;
const style = { bold: plain, dim: plain, good: plain, bad: plain, warn: plain };
const answer = (target: TargetAnswer["target"], stdout: string, more: Partial<TargetAnswer> = {}) => ({
  ...{ target, stdout, stderr: "", exitCode: 0, seconds: 0 },
  ...more,
});
const lines = (screen: { columns: number; rows: number }, ...answers: TargetAnswer[]): string[] =>
  answerLines(answers, style, screen);
const wide = { columns: 80, rows: 24 };

describe("answers of two targets", () => {
  it("are side by side where they fit, and what differs is marked", () => {
    expect(lines(wide, answer("container", "one\ntwo\tx\n"), answer("guest", "one\n2\n"))).toEqual([
      "  container  guest",
      "  one        one",
      "≠ two     x  2",
      "1 of 2 lines differs",
    ]);
  });

  it("have equal lines beside each other, and what only one has beside nothing", () => {
    expect(lines(wide, answer("container", "a\nb"), answer("guest", "new\na\nb"))).toEqual([
      "  container  guest",
      "≠            new",
      "  a          a",
      "  b          b",
      "1 of 3 lines differs",
    ]);
  });

  it("are one below the other where they are too wide or too long", () => {
    const both = [answer("container", "same\nleft"), answer("guest", "same\nright")];
    const below = ["container", "  same", "≠ left", "guest", "  same", "≠ right", "1 of 2 lines differs"];
    expect(lines({ columns: 17, rows: 24 }, ...both)).toEqual(below);
    expect(lines({ columns: 80, rows: 4 }, ...both)).toEqual(below);
    expect(lines({ columns: 18, rows: 5 }, ...both)[0]).toBe("  container  guest");
  });

  it("are shown once where they do not fit and are the same", () => {
    const same = [answer("container", "x\ny\nz"), answer("guest", "x\ny\nz")];
    expect(lines({ columns: 80, rows: 4 }, ...same)).toEqual([
      ...["container, guest", "  x", "  y", "  z", "the same in container and guest"],
    ]);
  });

  it("say how they ended: what went to standard error, and the exit codes", () => {
    const failed = answer("guest", "", { exitCode: 127, stderr: "no such thing" });
    expect(lines(wide, answer("container", ""), failed)).toEqual([
      "  container  guest: exit code 127",
      "≠            no such thing",
      "the answers differ",
    ]);
    const silent = answer("guest", "", { exitCode: 1 });
    expect(lines(wide, answer("container", ""), silent).at(-1)).toBe("the exit codes differ");
    expect(lines(wide, answer("container", ""), answer("guest", "")).at(-1)).toBe(
      "no output in container and guest",
    );
  });
});

it("one target's answer is its output alone, and how it failed", () => {
  expect(lines(wide, answer("guest", "a\nb\n"))).toEqual(["a", "b"]);
  expect(lines(wide, answer("guest", "a", { exitCode: 2 }))).toEqual(["a", "guest: exit code 2"]);
});

it("of three targets a line is the same only where all three have it", () => {
  const three = [answer("container", "a\nb"), answer("guest", "a"), answer("vps", "a\nb")];
  expect(lines(wide, ...three)).toEqual([
    "  container  guest  vps",
    "  a          a      a",
    "≠ b                 b",
    "1 of 2 lines differs",
  ]);
});

it("aligning keeps every line of each output, in its order", () => {
  const output = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 8 });
  fc.assert(
    fc.property(fc.array(output, { minLength: 2, maxLength: 3 }), (outputs) => {
      const rows = alignLines(outputs);
      for (const [i, lines] of outputs.entries()) expect(rows.flatMap((row) => row[i] ?? [])).toEqual(lines);
      for (const row of rows) expect(row.length).toBe(outputs.length);
      for (const row of rows) expect(row.some((line) => line !== undefined)).toBe(true);
    }),
  );
  expect(alignLines([[], [], ["a"]])).toEqual([[undefined, undefined, "a"]]);
  const same = Array.from({ length: 3000 }, (_, i) => String(i % 7));
  expect(alignLines([same, same]).every(([a, b]) => a === b)).toBe(true);
});
