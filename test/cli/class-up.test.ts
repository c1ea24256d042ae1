import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ExitCode, UserError } from "../../base/errors.js";
import { writeClass } from "../../classes/class-record.js";
import { main } from "../../cli/main.js";
import { lineFollow } from "../../cli/show-progress.js";
import type { DockerEndpoint, Endpoint } from "../../model/endpoint.js";
import { machineName, type SeatId } from "../../model/naming.js";
import { listSeats, removeRecord, writeRecord } from "../../seats/seat-record.js";
import { seatRecord } from "../seats/record.js";

const far: DockerEndpoint = { kind: "docker", host: "ssh://root@far" };
vi.mock("../../seats/seat-drivers.js", async (original) => ({
  ...(await original<typeof import("../../seats/seat-drivers.js")>()),
  answerOf: async (endpoint: Endpoint) =>
    endpoint.kind === "docker" && endpoint.host === "ssh://root@far" ? "silent" : "answers",
  driversAt: () => ({}),
}));
vi.mock("../../cli/make-host-ready.js", () => ({ readyHost: async () => {} }));
vi.mock("../../seats/seats-at-once.js", async (original) => ({
  ...(await original<typeof import("../../seats/seats-at-once.js")>()),
  takeDownMany: async function* (ids: readonly SeatId[]) {
    yield* [];
    for (const id of ids) await removeRecord(id);
    return [];
  },
}));
/** How many seats were begun. */
let begun = 0;
vi.mock("../../classes/class-up.js", () => ({
  bringUpClass: async function* ({ seats }: { seats: readonly { plan: { existing?: object } }[] }) {
    yield* [];
    begun = seats.filter(({ plan }) => plan.existing === undefined).length;
    return [];
  },
}));

const lab = "first-boot";
let dir = "";
let file = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "class-up-"));
  vi.stubEnv("XDG_STATE_HOME", dir);
  begun = 0;
  file = join(dir, "class.yaml");
  await writeFile(join(dir, "roster.csv"), "id\nann\nbob\n");
  for (const seat of ["ann", "bob"]) {
    const machines = [
      { target: "container", name: machineName({ lab, seat }, "container"), endpoint: far },
    ] as const;
    await writeRecord(seatRecord({ lab, seat, machines: [...machines], class: "one" }));
  }
  const members = ["ann", "bob"].map((seat) => ({ seat, name: "", email: "", id: seat }));
  await writeClass({ schema: 1, name: "one", lab, labDir: dir, created: "2026-01-01", members });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

/** Runs `class up --replace-lost`, with room for so many seats on the host that is left. @returns the exit code. */
async function replaceLost(room: number, agrees: boolean): Promise<number> {
  const hosts = `hosts: [{ name: near, seats: ${room} }, { name: far, docker: "${far.host}" }]`;
  await writeFile(file, `name: one\nlab: ${lab}\ntargets: [container]\n${hosts}\n`);
  const plain = (text: string): string => text;
  return main(["class", "up", file, "--replace-lost"], (json) => ({
    ...{ json, print: () => {}, tell: () => {} },
    ...{ confirm: async () => agrees, ask: async () => undefined },
    ...{ signal: new AbortController().signal, follow: lineFollow(() => {}) },
    style: { bold: plain, dim: plain, good: plain, bad: plain, warn: plain },
  })).catch((error: unknown) => {
    if (error instanceof UserError) return error.exitCode;
    throw error;
  });
}
const there = async (): Promise<string[]> => (await listSeats()).map(({ seat }) => seat);

it("class up --replace-lost gives no seat up that has no room on the other hosts", async () => {
  expect(await replaceLost(1, true)).toBe(ExitCode.usage);
  expect([await there(), begun]).toEqual([["ann", "bob"], 0]);
});

it("it gives none up if the user does not agree, and else makes new ones", async () => {
  expect(await replaceLost(2, false)).toBe(ExitCode.usage);
  expect([await there(), begun]).toEqual([["ann", "bob"], 0]);
  expect(await replaceLost(2, true)).toBe(ExitCode.done);
  expect([await there(), begun]).toEqual([[], 2]);
});
