import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { forecast, rememberCosts } from "../../classes/forecast.js";
import type { ClassPlan } from "../../classes/plan-class.js";

let dir = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "forecast-"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});
/** With a state directory of its own. */
const inHome = (body: () => Promise<void>): Promise<void> => {
  vi.stubEnv("XDG_STATE_HOME", dir);
  return body();
};

const seat = (existing: object | undefined) => ({ host: "a", plan: { existing, targets: ["container"] } });
/** Nine new seats and an existing one. */
const plan = (more: Partial<ClassPlan> = {}): ClassPlan =>
  ({
    lab: { name: "first-boot" },
    resume: true,
    hosts: [{ name: "a", cpus: 2 }],
    seats: [...Array.from({ length: 9 }, () => seat(undefined)), seat({})],
    ...more,
  }) as unknown as ClassPlan;
const costs = { control: 1, host: 4, image: 0 };
const kind = { lab: "first-boot", targets: ["container"], resume: true, rented: false } as const;

it("what was measured once is a forecast for the same kind of seats, and for no other", () =>
  inHome(async () => {
    expect(await forecast(plan())).toBeUndefined();
    await rememberCosts({ ...kind, targets: ["guest"] }, { ...costs, host: 100 });
    expect(await forecast(plan())).toBeUndefined();
    await rememberCosts(kind, costs);
    // One seat alone, then eight on two CPUs.
    expect((await forecast(plan(), 8))?.seconds).toBeCloseTo(5 + 4 + 16);
    expect(await forecast(plan({ resume: false }))).toBeUndefined();
    expect(await forecast(plan({ seats: [seat({})] as never }))).toBeUndefined();
  }));

it("a class that has to be ready is started twice as early", () =>
  inHome(async () => {
    await rememberCosts(kind, costs);
    const readyBy = Date.UTC(2026, 10, 30, 8);
    expect((await forecast(plan({ readyBy }), 8))?.startBy).toBeCloseTo(readyBy - 2 * 25_000, -2);
  }));

it("rented seats begin one a second", () =>
  inHome(async () => {
    await rememberCosts(kind, { control: 0, host: 0, image: 0 });
    const rented = { news: {} } as ClassPlan["rented"];
    expect((await forecast(plan({ rented }), 8))?.seconds).toBeGreaterThanOrEqual(9);
  }));

it("a damaged file is as none", () =>
  inHome(async () => {
    await mkdir(join(dir, "trilab"));
    await writeFile(join(dir, "trilab", "seat-costs.json"), "{");
    expect(await forecast(plan())).toBeUndefined();
    await rememberCosts(kind, costs);
    expect(await forecast(plan())).toBeDefined();
  }));
