import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseLab } from "../../labs/load-lab.js";
import { addAttempt } from "../../tasks/attempts.js";
import { judge, judgeChoice, judgeMeasured, judgeNoted, measuredIn } from "../../tasks/judge-answer.js";
import { syntheticRun } from "../report/fixture.js";
import { seatRecord } from "../seats/record.js";

const { tasks } = parseLab(
  `name: web
title: T
summary: S
tasks:
  - { id: ratio, ask: q, answer: { probe: start.total, ratio: guest/container, within: 15% } }
  - { id: time, ask: q, answer: { probe: start.total, of: guest } }
  - { id: absent, ask: q, answer: { probe: start.nothing, of: guest } }
  - { id: whose, ask: q, answer: { choice: { host: right, Own: "Compare uname -r." } } }
`,
  "f",
);
const [ratio, time, absent, whose] = tasks as [never, never, never, never] & typeof tasks;
const measure = (
  task: (typeof tasks)[number] | undefined,
  said: string,
  run: typeof RUN | undefined = RUN,
) => {
  if (!task?.answer) throw new Error("no task");
  return judgeMeasured(task, task.answer, said, run);
};
const RUN = syntheticRun();

describe("a measured answer", () => {
  const { interval, value } = measuredIn(RUN, (ratio as (typeof tasks)[number]).answer ?? ({} as never)) ?? {
    value: Number.NaN,
    interval: { low: 0, high: 0 },
  };
  it("is right within the larger of the tolerance and the run's own interval", () => {
    expect(value).toBeGreaterThan(10);
    const high = Math.max(value * 1.15, interval.high);
    expect(measure(ratio, value.toFixed(2))).toMatchObject({ outcome: "met", run: RUN.id });
    expect(measure(ratio, (high * 0.999).toFixed(3))).toMatchObject({ outcome: "met" });
    expect(measure(ratio, (high * 1.01).toFixed(3))).toMatchObject({ outcome: "not-met", why: /less than/ });
    expect(measure(ratio, "2 times")).toMatchObject({
      outcome: "not-met",
      why: expect.stringMatching(/more than 2/),
    });
  });

  it("may carry the probe's unit", () => {
    const measured = measuredIn(RUN, (time as (typeof tasks)[number]).answer ?? ({} as never));
    expect(measured?.unit).toBe("s");
    expect(measure(time, `${measured?.value.toFixed(3)} s`)).toMatchObject({ outcome: "met" });
    expect(() => measure(time, "9 ms")).toThrow("this is no answer");
  });

  it("could not be looked at without a run, or where the run lacks it", () => {
    expect(
      judgeMeasured(ratio, (ratio as (typeof tasks)[number]).answer ?? ({} as never), "3", undefined),
    ).toMatchObject({
      outcome: "could-not-look",
      why: expect.stringMatching(/trilab compare/),
    });
    expect(measure(absent, "3")).toMatchObject({ outcome: "could-not-look" });
  });

  it("that is no number is not recorded", () => {
    expect(() => measure(ratio, "a lot")).toThrow(expect.objectContaining({ exitCode: 2 }));
  });
});

it("a choice is right, wrong with a reason, or none", () => {
  const task = whose as (typeof tasks)[number];
  const choice = task.answer?.choice ?? {};
  expect(judgeChoice(task, choice, "HOST")).toEqual({ outcome: "met", answer: "host" });
  expect(judgeChoice(task, choice, "own")).toEqual({
    outcome: "not-met",
    why: "Compare uname -r.",
    answer: "Own",
  });
  expect(() => judgeChoice(task, choice, "guest")).toThrow(
    expect.objectContaining({ exitCode: 2, why: '"guest" is not one of: host, Own' }),
  );
});

describe("a question that needs another task", () => {
  let dir = "";
  const before = process.env.XDG_STATE_HOME;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "trilab-judge-"));
    process.env.XDG_STATE_HOME = dir;
  });
  afterEach(async () => {
    if (before === undefined) delete process.env.XDG_STATE_HOME;
    else process.env.XDG_STATE_HOME = before;
    await rm(dir, { recursive: true, force: true });
  });

  it("can't be answered before that is met", async () => {
    const record = seatRecord({ lab: "web", seat: "ann" });
    const task = { ...(whose as (typeof tasks)[number]), needs: ["built"] };
    const given = () => judge(record, { tasks: [task] } as never, task, "host");
    await expect(given()).rejects.toMatchObject({
      message: 'the question "whose" comes after: built',
      exitCode: 4,
    });
    await addAttempt(record, "d", { kind: "check", task: "built", outcome: "met" });
    expect(await given()).toMatchObject({ outcome: "met" });
  });
});

describe("an answer that a script reads in a machine", () => {
  const task = time as (typeof tasks)[number];
  const judged = (said: string, noted: string | undefined, within?: number) =>
    judgeNoted(task, { read: "guest", ...(within === undefined ? {} : { within }) }, said, noted).outcome;

  it("could not be looked at when the script noted nothing", () => {
    expect([judged("0", ""), judged("0", undefined), judged("0", "0")]).toEqual([
      "could-not-look",
      "could-not-look",
      "met",
    ]);
  });

  it("is right within the tolerance", () => {
    expect([judged("10", "10.9", 0.1), judged("9", "10.9", 0.1), judged("11x", "10.9", 0.1)]).toEqual([
      "met",
      "not-met",
      "met",
    ]);
    expect(() => judged("many", "12")).toThrow("this is no answer");
  });

  it("is text where a digest looks like a number", () => {
    const digest = "123e45678901";
    expect([judged(digest.toUpperCase(), digest), judged("999e99999999", digest)]).toEqual([
      "met",
      "not-met",
    ]);
  });
});
