import { describe, expect, it } from "vitest";
import type { UserError } from "../../base/errors.js";
import { parseLab } from "../../labs/load-lab.js";
import { hintsOf } from "../../labs/task-schema.js";

const HEAD = "name: web\ntitle: T\nsummary: S\nvars:\n  port: { int: [1, 9] }\ntasks:\n";
const problems = (tasks: string): string => {
  try {
    parseLab(HEAD + tasks, "lab.yaml");
    return "";
  } catch (error) {
    return (error as UserError).why ?? "";
  }
};

describe("tasks", () => {
  it("have defaults", () => {
    const { tasks } = parseLab(
      `${HEAD}  - { id: a, title: "Port \${port}", hints: [x, { text: y, cost: 2 }] }\n`,
      "f",
    );
    expect(tasks).toMatchObject([{ id: "a", points: 1, needs: [], timeout: 30, reboot: false }]);
    expect(tasks[0] && hintsOf(tasks[0])).toEqual([
      { text: "x", cost: 0 },
      { text: "y", cost: 2 },
    ]);
  });

  it.each([
    ["  - { title: t }", /line 7: tasks\.0\.id/],
    ["  - { id: a }", /line 7: tasks\.0: needs either title .* or ask/],
    ["  - { id: a, title: t, ask: q, answer: { text: r } }", /either title/],
    ["  - { id: a, ask: q }", /ask and answer need each other/],
    ["  - { id: a, ask: q, answer: {} }", /exactly one of probe, read, choice and text/],
    ["  - { id: a, ask: q, answer: { text: r, read: guest } }", /exactly one/],
    ["  - { id: a, ask: q, answer: { probe: start.total } }", /needs ratio.*or of/],
    ["  - { id: a, ask: q, answer: { probe: begin.total, of: guest } }", /no probe "begin"/],
    ["  - { id: a, ask: q, answer: { probe: start.total, ratio: guest-container } }", /TARGET\/TARGET/],
    ["  - { id: a, ask: q, answer: { choice: { x: no, y: never } } }", /exactly one word must be right/],
    ["  - { id: a, ask: q, answer: { read: guest, within: 15 } }", /within/],
    ["  - { id: a, ask: q, reboot: true, answer: { text: r } }", /no target and no reboot/],
    ["  - { id: a, title: t, timeout: 1h }", /is not a time limit/],
    ["  - { id: a, title: t, points: -1 }", /points/],
    ["  - { id: a, title: t, point: 1 }", /tasks\.0\.point.*is not known/],
    ["  - { id: a, title: t }\n  - { id: a, title: t }", /line 8: tasks\.1\.id: "a" is there twice/],
    ["  - { id: a, title: t, needs: [b] }\n  - { id: b, title: t }", /no task "b" before this one/],
    ["  - { id: a, title: t, on: vps }", /line 7: tasks\.0\.on: the lab has no target "vps"/],
    ["  - { id: a, title: 'is ${prt}' }", /there is no variable "prt"/],
    ["  - { id: a, title: t, hints: ['${prt}'] }", /there is no variable "prt"/],
  ])("refuse %s", (tasks, why) => {
    expect(problems(tasks)).toMatch(why);
  });

  it("name every problem at once", () => {
    expect(problems("  - { id: A, title: t }\n  - { id: b, title: t, points: x }").split("\n")).toHaveLength(
      2,
    );
  });
});
