import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseLab } from "../../labs/load-lab.js";
import { type Entry, OUTCOMES } from "../../tasks/attempts.js";
import { nextHint, scoreOf, verdictOf } from "../../tasks/score.js";

const { tasks } = parseLab(
  `name: web
title: T
summary: S
tasks:
  - { id: a, title: t, points: 3, hints: [free, { text: dear, cost: 2 }, { text: dearer, cost: 9 }] }
  - { id: b, title: t, points: 2, needs: [a] }
  - { id: c, ask: q, answer: { text: r } }
`,
  "f",
);

const entry = (task: string, more: Partial<Entry>): Entry => ({
  at: "2026-01-01T00:00:00Z",
  kind: "check",
  task,
  lab: "l",
  by: "me",
  ...more,
});
const hint = (task: string, number: number, cost: number) =>
  entry(task, { kind: "hint", hint: number, cost });
const look = (task: string, outcome: Entry["outcome"], why = "") => entry(task, { outcome, why });
const standings = (entries: Entry[]) => scoreOf(tasks, entries).tasks.map(({ standing }) => standing);

describe("a score", () => {
  it("begins with nothing", () => {
    const score = scoreOf(tasks, []);
    expect(score).toMatchObject({ points: 0, max: 6 });
    expect(standings([])).toEqual(["open", "waiting", "open"]);
    expect(verdictOf(score)).toBe("not-met");
  });

  it("keeps what was met once", () => {
    const entries = [look("a", "met"), look("a", "not-met"), look("a", "could-not-look")];
    expect(scoreOf(tasks, entries)).toMatchObject({ points: 3 });
    expect(standings(entries)).toEqual(["met", "open", "open"]);
  });

  it("takes a hint's cost from its task alone, never below zero, never after it is met", () => {
    const points = (entries: Entry[]) => scoreOf(tasks, entries).points;
    expect(points([hint("a", 2, 2), look("a", "met")])).toBe(1);
    expect(points([hint("a", 2, 2), hint("a", 3, 9), look("a", "met"), look("b", "met")])).toBe(2);
    expect(points([look("a", "met"), hint("a", 2, 2)])).toBe(3);
    expect(points([hint("a", 2, 2), hint("a", 2, 2), look("a", "met")])).toBe(1);
  });

  it("tells what could not be looked at from what is not met", () => {
    const blind = [look("a", "could-not-look"), look("c", "pending")];
    expect(standings(blind)).toEqual(["could-not-look", "waiting", "pending"]);
    expect(verdictOf(scoreOf(tasks, blind))).toBe("could-not-look");
    expect(verdictOf(scoreOf(tasks, [...blind, look("a", "not-met", "why")]))).toBe("not-met");
    expect(verdictOf(scoreOf(tasks, [look("a", "met"), look("b", "met"), look("c", "pending")]))).toBe("met");
  });

  it("is never below zero or above its maximum, and no attempt makes a met task open", () => {
    const any = fc.record({
      task: fc.constantFrom("a", "b", "c", "gone"),
      kind: fc.constantFrom<Entry["kind"]>("check", "answer", "hint"),
      outcome: fc.constantFrom(...OUTCOMES, undefined),
      cost: fc.integer({ min: 0, max: 10 }),
    });
    fc.assert(
      fc.property(fc.array(any), fc.array(any), (first, more) => {
        const entries = [...first, ...more].map(({ outcome, ...rest }) =>
          entry(rest.task, { ...rest, ...(outcome ? { outcome } : {}) }),
        );
        const [before, after] = [scoreOf(tasks, entries.slice(0, first.length)), scoreOf(tasks, entries)];
        for (const { points, max } of after.tasks) {
          expect(points).toBeGreaterThanOrEqual(0);
          expect(points).toBeLessThanOrEqual(max);
        }
        expect(after.points).toBeGreaterThanOrEqual(before.points);
        for (const [i, task] of before.tasks.entries())
          if (task.standing === "met")
            expect(after.tasks[i]).toMatchObject({ standing: "met", points: task.points });
      }),
    );
  });
});

it("gives hints in order, then none", () => {
  const [a] = tasks;
  const next = (entries: Entry[]) => a && nextHint(a, entries);
  expect(next([])).toEqual({ number: 1, text: "free", cost: 0 });
  expect(next([hint("b", 1, 0), hint("a", 1, 0)])).toMatchObject({ number: 2, cost: 2 });
  expect(next([hint("a", 3, 9)])).toBeUndefined();
});
