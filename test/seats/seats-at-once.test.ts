import { beforeEach, expect, test, vi } from "vitest";
import { ExitCode, UserError } from "../../base/errors.js";
import type { Drivers } from "../../drivers/drivers.js";
import { reporting, type StepEvent, settled } from "../../model/events.js";
import type { SeatPlan } from "../../seats/plan.js";
import { bringUpMany, SEAT_STEP } from "../../seats/seats-at-once.js";
import { type Brought, bringUp, type UpOptions } from "../../seats/up.js";

vi.mock("../../seats/up.js", () => ({ bringUp: vi.fn() }));

/** What a seat does when it is brought up. */
type Work = (options: UpOptions) => Promise<Partial<Brought>>;
const works = new Map<string, Work>();

beforeEach(() => {
  works.clear();
  vi.mocked(bringUp)
    .mockReset()
    .mockImplementation((plan, options) =>
      reporting((steps) =>
        steps.run({ step: "deploy", title: plan.id.seat, seat: plan.id }, async () => {
          const work = works.get(plan.id.seat) ?? (async () => ({ unchanged: false }));
          return (await work(options)) as Brought;
        }),
      ),
    );
});

/** A plan of a seat on a host, which answers or does not. */
const plan = (seat: string, host = "here", preflight = async (): Promise<void> => {}): SeatPlan =>
  ({
    id: { lab: "web", seat },
    drivers: { docker: { endpoint: { kind: "docker", host }, preflight } } as unknown as Drivers,
  }) as SeatPlan;

const options = { waitMs: 1 };
const silence = new UserError("there does not answer", { exitCode: ExitCode.hostNotReady });

test("each seat's events carry its id, and its end is in the plans' order", async () => {
  const events: StepEvent[] = [];
  works.set("a", async () => {
    throw new Error("broken");
  });
  const ends = await settled(bringUpMany([plan("a"), plan("b")], options), (event) => events.push(event));
  expect(ends).toEqual([
    { lab: "web", seat: "a", state: "failed", error: new Error("broken") },
    { lab: "web", seat: "b", state: "done", result: { unchanged: false } },
  ]);
  const within = events.filter(({ step }) => step !== SEAT_STEP);
  for (const some of [within, events.filter((event) => !within.includes(event))])
    expect(some.map(({ seat, state }) => `${seat?.seat} ${state}`).sort()).toEqual([
      "a failed",
      "a started",
      "b done",
      "b started",
    ]);
});

test("they share what is asked once", async () => {
  const ask = vi.fn(async () => 2);
  for (const seat of ["a", "b", "c"])
    works.set(seat, async ({ shared }) => ({ emulated: (await shared?.get("cpus", ask)) === 2 }));
  const ends = await settled(
    bringUpMany(
      ["a", "b", "c"].map((seat) => plan(seat)),
      options,
    ),
  );
  expect(ends.map((end) => end.state === "done" && end.result.emulated)).toEqual([true, true, true]);
  expect(ask).toHaveBeenCalledTimes(1);
});

test("nothing is begun on a host that does not answer; the other host's seats come up", async () => {
  const silent = async (): Promise<void> => {
    throw silence;
  };
  const ends = await settled(
    bringUpMany([plan("a", "there", silent), plan("b"), plan("c", "there", silent)], {
      ...options,
      workers: 1,
    }),
  );
  expect(ends.map(({ state }) => state)).toEqual(["failed", "done", "failed"]);
  expect(vi.mocked(bringUp).mock.calls.map(([{ id }]) => id.seat)).toEqual(["b"]);
});

test("the host that fell silent is the reason, not what failed on it", async () => {
  let answers = true;
  const preflight = async (): Promise<void> => {
    if (!answers) throw silence;
  };
  works.set("a", async () => {
    answers = false;
    throw new Error("socket hang up");
  });
  const [end] = await settled(bringUpMany([plan("a", "there", preflight)], options));
  expect(end).toMatchObject({ state: "failed", error: silence });
});

test("after an abort the seats in hand are finished, and no other begins", async () => {
  const stop = new AbortController();
  works.set("a", async ({ signal }) => {
    stop.abort();
    // The abort is not passed on to the engine.
    return { unchanged: signal === undefined };
  });
  const ends = await settled(
    bringUpMany([plan("a"), plan("b")], { ...options, workers: 1, signal: stop.signal }),
  );
  expect(ends).toMatchObject([{ state: "done", result: { unchanged: true } }, { state: "not begun" }]);
});
