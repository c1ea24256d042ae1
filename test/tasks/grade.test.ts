import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { parseLab } from "../../labs/load-lab.js";
import type { Entry } from "../../tasks/attempts.js";
import { gradesCsv, gradesLti } from "../../tasks/export-grades.js";
import { flagShared, gradeOf, type Work } from "../../tasks/grade.js";
import { measuredIn } from "../../tasks/judge-answer.js";
import { syntheticRun } from "../report/fixture.js";

const lab = {
  ...parseLab(
    `name: web
title: T
summary: S
tasks:
  - { id: built, title: t, points: 2 }
  - { id: ratio, ask: q, points: 3, answer: { probe: start.total, ratio: guest/container, within: 15% } }
  - { id: whose, ask: q, answer: { choice: { host: right, own: "no" } } }
  - { id: why, ask: q, answer: { text: r } }
  - { id: seen, ask: q, points: 0, answer: { read: guest } }
`,
    "f",
  ),
  dir: "/labs/web",
  digest: "d1",
};
const RUN = syntheticRun();
const right = measuredIn(RUN, lab.tasks[1]?.answer ?? ({} as never))?.value.toFixed(2) ?? "";

/** The record's text, as it is written. */
function attempts(entries: Partial<Entry>[]): string {
  let last = "";
  return entries
    .map((entry) => {
      const full = { at: "t", kind: "check", lab: "d1", by: "teacher@desk", ...entry };
      last = JSON.stringify({ ...full, prev: createHash("sha256").update(last).digest("hex") });
      return `${last}\n`;
    })
    .join("");
}
const work = (seat: string, entries: Partial<Entry>[], more: Partial<Work> = {}): Work => ({
  lab: "web",
  seat,
  labDigest: "d1",
  attempts: attempts(entries),
  runs: [RUN],
  ...more,
});
const grade = (w: Work) => gradeOf(w, lab, "teacher@desk");

describe("a grade", () => {
  it("counts what was met, without remarks", () => {
    const { flags, score } = grade(
      work("ann", [
        { task: "built", outcome: "met" },
        { task: "ratio", kind: "answer", answer: right, outcome: "met", run: RUN.id },
        { task: "why", kind: "answer", answer: "words", outcome: "pending" },
      ]),
    );
    expect({ flags, points: score.points, max: score.max }).toEqual({ flags: [], points: 5, max: 7 });
  });

  it("judges answers again, whatever the file says", () => {
    const { flags, score } = grade(
      work("ann", [
        { task: "ratio", kind: "answer", answer: "1.0", outcome: "met", run: RUN.id },
        { task: "whose", kind: "answer", answer: "own", outcome: "met" },
      ]),
    );
    expect(score.points).toBe(0);
    expect(flags).toEqual(["judged differently here: ratio, whose"]);
  });

  it("gives no points for a record that was made up", () => {
    const { flags, score } = grade(
      work("ann", [
        { task: "ratio", kind: "answer", outcome: "met" },
        { task: "whose", kind: "check", outcome: "met" },
        { task: "why", kind: "answer", answer: "words", outcome: "met" },
        { task: "built", kind: "answer", answer: "words", outcome: "met" },
        { task: "built", kind: "hint", hint: 1, outcome: "met" },
      ]),
    );
    expect(score.points).toBe(0);
    const standings = score.tasks.map(({ standing }) => standing);
    expect(standings).toEqual(["open", "not-met", "open", "pending", "open"]);
    expect(flags).toEqual(["judged differently here: ratio, whose, why, built"]);
  });

  it("never has more points than the tasks, and a hint's cost can't be negative", () => {
    const { flags, score } = grade(
      work("ann", [
        { task: "built", kind: "hint", hint: 1, cost: -100 },
        { task: "built", outcome: "met" },
      ]),
    );
    expect(score.points).toBe(2);
    expect(flags).toEqual(["the record was edited or damaged (line 1)"]);
  });

  it("names who else read an answer in a machine, in printable words", () => {
    const seen: Partial<Entry> = { task: "seen", kind: "answer", answer: "5", outcome: "met" };
    expect(grade(work("ann", [{ ...seen, by: "\u001b[2Jann@\nlaptop" }])).flags).toEqual([
      "checked by ann@ laptop",
    ]);
    expect(grade(work("ann", [seen])).flags).toEqual([]);
  });

  it("names an edited record, another lab, and who looked", () => {
    const made = work("ann", [
      { task: "built", outcome: "not-met", by: "ann@laptop", lab: "d0" },
      { task: "why" },
    ]);
    const { flags } = grade({ ...made, attempts: made.attempts.replace("not-met", "met") });
    expect(flags).toEqual([
      "the record was edited or damaged (line 2)",
      "another version of the lab",
      "checked by ann@laptop, teacher@desk".replace(", teacher@desk", ""),
    ]);
  });

  it("names seats that share what only one machine can have shown", () => {
    const works = [
      work("ann", [{ task: "built", outcome: "met", boot: "b1 5" }]),
      work("bob", [{ task: "built", outcome: "met", boot: "b1 5" }]),
      work("cem", [{ task: "built", outcome: "met", boot: "b1 6" }]),
    ];
    const flags = flagShared(works.map(grade), works).map((g) => g.flags);
    expect(flags).toEqual([["shares evidence with bob"], ["shares evidence with ann"], []]);
  });
});

describe("a table of grades", () => {
  const works = [
    work("ann", [{ task: "built", outcome: "met" }]),
    work("=cmd()", [{ task: "built", outcome: "could-not-look", why: "silent" }]),
  ];
  const grades = works.map(grade);

  it("has a row for each learner; what nobody could look at is empty, and no zero", () => {
    expect(gradesCsv(grades, new Map([["ann", "ann@example.org"]])).split("\r\n")).toEqual([
      "Username,Email address,web,web: built,web: ratio,web: whose,web: why,web: seen,Remarks",
      "'=cmd(),,,,0,0,0,0,",
      "ann,ann@example.org,2,2,0,0,0,0,",
      "",
    ]);
  });

  it("has no total while a person has to mark an answer, or a task waits for what nobody could look at", () => {
    const needing = {
      ...lab,
      tasks: lab.tasks.map((task) => (task.id === "whose" ? { ...task, needs: ["built"] } : task)),
    };
    const blind = work("dan", [{ task: "built", outcome: "could-not-look", why: "silent" }]);
    const marked = work("eve", [{ task: "why", kind: "answer", answer: "words", outcome: "pending" }]);
    const both = [gradeOf(blind, needing, "teacher@desk"), grade(marked)];
    expect(gradesCsv(both, new Map()).split("\r\n").slice(1, 3)).toEqual([
      "dan,,,,0,,0,0,",
      "eve,,,0,0,0,,0,",
    ]);
    expect(gradesLti(both, new Map(), "t")).toMatchObject([
      { gradingProgress: "Pending" },
      { gradingProgress: "PendingManual" },
    ]);
  });

  it("has LTI's names in JSON", () => {
    expect(gradesLti(grades, new Map(), "2026-01-01T00:00:00Z")[0]).toMatchObject({
      userId: "ann",
      scoreGiven: 2,
      scoreMaximum: 7,
      activityProgress: "InProgress",
      gradingProgress: "FullyGraded",
    });
  });
});
