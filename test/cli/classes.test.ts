import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ExitCode, UserError } from "../../base/errors.js";
import { finishesItsStep } from "../../base/working.js";
import { type ClassRecord, writeClass } from "../../classes/class-record.js";
import type { Context } from "../../cli/context.js";
import { main } from "../../cli/main.js";
import { lineFollow } from "../../cli/show-progress.js";
import { seatDir, writeRecord } from "../../seats/seat-record.js";
import { seatRecord } from "../seats/record.js";

let dir = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "class-commands-"));
  vi.stubEnv("XDG_STATE_HOME", dir);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

/** Starts a command line in this process. `ended` has its exit code. */
function start(...argv: string[]): { out: string[]; interrupt: AbortController; ended: Promise<number> } {
  const [out, interrupt] = [[] as string[], new AbortController()];
  const plain = (text: string): string => text;
  const ctx = (json: boolean): Context => ({
    ...{ json, print: (line) => void out.push(line), tell: () => {} },
    ...{ confirm: async () => undefined, ask: async () => undefined },
    ...{ signal: interrupt.signal, follow: lineFollow(() => {}) },
    style: { bold: plain, dim: plain, good: plain, bad: plain, warn: plain },
  });
  const ended = main(argv, ctx).catch((error: unknown) => {
    if (error instanceof UserError) return error.exitCode;
    throw error;
  });
  return { out, interrupt, ended };
}

const learners = (...seats: string[]): ClassRecord => ({
  ...{ schema: 1, name: "one", lab: "first-boot", labDir: "/gone", created: "2026-01-01" },
  members: seats.map((seat) => ({ seat, name: "", email: "", id: seat })),
});

it("class serve closes its entry after Ctrl-C, before the process may end", async () => {
  await writeClass(learners("ann"));
  const { ended, interrupt, out } = start("class", "serve", "--listen", "127.0.0.1:0");
  await vi.waitFor(() => expect(out.length).toBeGreaterThan(0), 10_000);
  expect(finishesItsStep()).toBe(true);
  interrupt.abort();
  await ended;
  expect(finishesItsStep()).toBe(false);
});

it.each([["check"], ["run", "--", "true"], ["reset", "-y"], ["extend", "1h"]])(
  "class %s has nothing to do in a class without seats, which is no success",
  async (...words) => {
    await writeClass(learners("ann"));
    const { ended, out } = start("class", ...words);
    expect([await ended, out]).toEqual([ExitCode.notFound, []]);
  },
);

it.each([
  ["status", ExitCode.couldNotLook],
  ["export", ExitCode.couldNotLook],
  ["cards", ExitCode.failed],
])("class %s names a seat whose record can't be read, and goes on", async (verb, exitCode) => {
  await writeClass(learners("ann", "bob"));
  await writeRecord(seatRecord({ lab: "first-boot", seat: "ann" }));
  await writeFile(join(seatDir({ lab: "first-boot", seat: "ann" }), "seat.json"), '{"schema": 2');
  const { ended, out } = start("class", verb, ...(verb === "cards" ? [join(dir, "cards")] : []));
  expect(await ended).toBe(exitCode);
  expect(out.join("\n")).toMatch(/ann.*seat\.json is damaged/s);
});

it("class grades takes the class's own lab, which need not be a registered one", async () => {
  const labDir = join(dir, "mine");
  await mkdir(labDir);
  await writeFile(join(labDir, "lab.yaml"), "name: mine\ntitle: Test\nsummary: A test's.\n");
  await writeClass({ ...learners("ann"), lab: "mine", labDir });
  const { ended, out } = start("class", "grades", "--csv");
  expect(await ended).toBe(ExitCode.done);
  expect(out.join("\n")).toContain("ann");
});

it("class new says in JSON what it has written", async () => {
  const { ended, out } = start("class", "new", join(dir, "new"), "--json");
  expect(await ended).toBe(ExitCode.done);
  const files = ["class.yaml", "roster.csv"].map((name) => join(dir, "new", name));
  expect(JSON.parse(out.join("\n"))).toEqual({ schema: 1, kind: "class-new", files });
});
