import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { residueOf } from "./residue.js";
import {
  expectDone,
  expectDown,
  expectError,
  killParts,
  openHome,
  partsOf,
  type Run,
  until,
} from "./support.js";

const LAB = "first-boot";
const home = openHome();

const up = (seat: string, ...more: string[]): string[] => ["up", LAB, "--seat", seat, "--json", ...more];
/** Takes the seat down. One that was killed before it was written down, or after it was forgotten, is not there. */
async function down(seat: string): Promise<void> {
  const isThere = existsSync(home.record(LAB, seat)) || existsSync(home.checkpoint(LAB, seat));
  const run = await home.trilab(["down", LAB, "--seat", seat, "--json"]);
  if (isThere) return expectDown(run, LAB, seat);
  expectError(run, 6, /there is no seat/);
  expect(await residueOf(LAB, seat)).toEqual([]);
}

/** Waits until the engine has told its state that it is making something of this type. */
const creating = (seat: string, type: string): Promise<boolean> =>
  until(`an engine making a ${type}`, async () => {
    const text = await readFile(home.checkpoint(LAB, seat), "utf8").catch(() => "");
    const [, pending = ""] = text.split('"pending_operations"');
    return pending.includes(`"${type}"`);
  });

/** A part was killed: it may have been too late to matter; if not, the command says so rather than wait for ever. */
function expectKilled(ended: Run): void {
  if (ended.exitCode !== 0) expectError(ended, 1, /up of ".*" failed/);
}

describe("one run at a time", () => {
  test("a second up and a down of the same seat name the first one's process: exit 7", async () => {
    const seat = home.seat("l");
    const first = home.start(up(seat, "--on", "container"));
    // The engine has the seat's state only while its run holds the seat's lock.
    await until("the first run's engine", async () => (await partsOf(home, "engine")).length > 0);
    const [second, third] = await Promise.all([
      home.trilab(up(seat, "--on", "container")),
      home.trilab(["down", LAB, "--seat", seat]),
    ]);
    for (const run of [second, third]) {
      expectError(
        run,
        7,
        new RegExp(`seat "${seat}" of lab "first-boot" is in use`),
        new RegExp(`process ${first.pid} \\(trilab up`),
      );
    }
    expectDone(await first.ended);
    await down(seat);
  });
});

describe("SIGKILL of the command", () => {
  /** A small generator of fixed seed: the same points at every run. */
  const delays = ((seed: number) =>
    Array.from({ length: 6 }, () => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      return Math.round(300 + (seed / 2 ** 31) * 2700);
    }))(20240613);

  test.each(delays.map((ms, i) => [ms, i % 3 === 0 ? "up" : "down"] as const))(
    "after %i ms: %s goes on from there",
    async (ms, next) => {
      const seat = home.seat(`k${ms}`);
      const run = home.start(up(seat));
      await sleep(ms);
      run.kill("SIGKILL");
      await run.ended;
      if (next === "up") expectDone(await home.trilab(up(seat)));
      await down(seat);
    },
  );
});

describe("SIGKILL in the middle of a step", () => {
  test.each([
    // The Docker stand-in is in the command's process.
    ["the command", "docker:index/network:Network"],
    ["the command", "docker:index/container:Container"],
    ["the command", "libvirt:index/domain:Domain"],
    ["the engine", "docker:index/container:Container"],
    ["the engine", "libvirt:index/network:Network"],
    ["the engine", "libvirt:index/domain:Domain"],
    ["the libvirt plugin", "libvirt:index/domain:Domain"],
  ] as const)("of %s while it makes a %s", async (who, type) => {
    const seat = home.seat(`s${type.split(":")[2]?.toLowerCase()}${who.length}`);
    const on = type.startsWith("docker") ? "container" : "guest";
    const run = home.start(up(seat, "--on", on));
    await creating(seat, type);
    if (who === "the command") run.kill("SIGKILL");
    else expect(await killParts(home, who === "the engine" ? "engine" : "libvirt plugin")).toBeGreaterThan(0);
    const ended = await run.ended;
    if (who !== "the command") expectKilled(ended);
    const again = expectDone(await home.trilab(up(seat)));
    expect(JSON.parse(again.stdout).parity.inTolerance).toBe(true);
    await down(seat);
  });

  test("of the engine, then down at once", async () => {
    const seat = home.seat("e");
    const run = home.start(up(seat));
    await creating(seat, "libvirt:index/domain:Domain");
    await killParts(home, "engine");
    expectKilled(await run.ended);
    await down(seat);
  });

  test("of the engine during down: down again finishes", async () => {
    const seat = home.seat("d");
    expectDone(await home.trilab(up(seat, "--on", "container")));
    const run = home.start(["down", LAB, "--seat", seat, "--json"]);
    const engine = await until("the engine", async () => (await partsOf(home, "engine"))[0]);
    process.kill(engine.pid, "SIGKILL");
    const ended = await run.ended;
    // What the engine left is found by label, so the same command still finishes.
    if (ended.exitCode === 0) await expectDown(ended, LAB, seat);
    await down(seat);
  });
});

describe("interrupts", () => {
  test("SIGINT in the middle of up: exit 130, and up goes on", async () => {
    const seat = home.seat("i");
    const run = home.start(up(seat, "--on", "container"));
    await creating(seat, "docker:index/network:Network");
    run.kill("SIGINT");
    const ended = await run.ended;
    expectError(ended, 130, /was interrupted/, /run the command again to continue, or `trilab down`/);
    expect(ended.stderr).toContain("interrupted: finishing the current step");
    expectDone(await home.trilab(up(seat)));
    await down(seat);
  });

  test("SIGINT while a guest boots: exit 130, and down takes it away", async () => {
    const seat = home.seat("w");
    const run = home.start(up(seat, "--on", "guest"));
    await until("the guest's disk", async () =>
      (await residueOf(LAB, seat)).some((found) => found.startsWith("domain")),
    );
    await until(
      "the engine's end",
      async () => existsSync(home.checkpoint(LAB, seat)) && (await partsOf(home, "engine")).length === 0,
    );
    run.kill("SIGINT");
    expect((await run.ended).exitCode).toBe(130);
    await down(seat);
  });
});
