import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { repoDir } from "../../base/paths.js";
import type { StepEvent } from "../../model/events.js";
import type { ManyEnds, ManyRequest } from "../support/many-seats.js";
import { type SecondHost, startSecondHost } from "../support/second-host.js";
import { residueOf } from "./residue.js";
import { host, machine, openHome, partsOf, until } from "./support.js";

const LAB = "first-boot";
const home = openHome();
const numbered = (letter: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => home.seat(`${letter}${i + 1}`));

/** Runs one operation on many seats in one Node process. */
async function many(
  verb: "up" | "down",
  request: ManyRequest,
  env: Record<string, string>,
  onEvent: (event: StepEvent) => void = () => {},
): Promise<ManyEnds["ends"]> {
  const program = join(repoDir, "dist/test/support/many-seats.js");
  const child = execa(process.execPath, [program, verb, JSON.stringify(request)], {
    reject: false,
    stdin: "ignore",
    buffer: { stdout: false },
    env: { XDG_STATE_HOME: home.dir, ...env },
  });
  let ends: ManyEnds["ends"] | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    const said = JSON.parse(line) as StepEvent | ManyEnds;
    if ("ends" in said) ends = said.ends;
    else onEvent(said);
  }
  const { exitCode, stderr } = await child;
  expect(exitCode, stderr).toBe(0);
  // Node warns about, for example, too many listeners.
  expect(stderr).toBe("");
  return ends ?? [];
}

/** The seats of this file with a running container on this machine. */
const runningHere = async (): Promise<string[]> =>
  (await host("docker", "ps", "--filter", "status=running", "--format", "{{.Names}}"))
    .split("\n")
    .filter((name) => name.startsWith(machine(`t${process.pid}`, "container").replace("-container", "")))
    .sort();

describe("twenty seats in one process, on two hosts, one of which fails", () => {
  const [here, there] = [numbered("h", 12), numbered("o", 8)];
  const [victim = ""] = here.slice(7);
  let second: SecondHost;
  let stopped: Promise<void> | undefined;

  beforeAll(async () => {
    second = await startSecondHost({ daemons: ["docker"] });
  });
  afterAll(async () => {
    await (stopped ?? second?.stop());
  });

  test("the others come up", async () => {
    const answered: string[] = [];
    let killed: Promise<void> | undefined;
    const seats = [
      ...there.map((seat) => ({ seat, docker: second.dockerHost })),
      ...here.map((seat) => ({ seat })),
    ];
    const ends = await many("up", { seats }, second.env, ({ seat, state, step, text }) => {
      if (step === "answer" && state === "done" && seat) answered.push(seat.seat);
      // The host goes while some of its seats are up, some are being made, and some are not begun.
      if (answered.filter((name) => there.includes(name)).length === 3) stopped ??= second.stop();
      // So does one seat's engine, in the middle of its work.
      if (seat?.seat === victim && text?.startsWith("creating container")) killed ??= killEngine(victim);
    });
    await Promise.all([stopped, killed]);
    const of = (seat: string) => ends.find((end) => end.seat === seat);
    for (const seat of here.filter((name) => name !== victim))
      expect(of(seat)).toEqual({ seat, state: "done", unchanged: false, fine: true });
    expect(of(victim)).toMatchObject({ state: "failed", error: { exitCode: 1 } });
    const lost = there.filter((seat) => of(seat)?.state === "failed");
    expect(lost.length).toBeGreaterThanOrEqual(there.length - 4);
    for (const seat of lost)
      expect(of(seat)?.error).toMatchObject({
        exitCode: 3,
        message: `the Docker daemon at ${second.dockerHost} does not answer`,
      });
    expect((await runningHere()).filter((name) => name !== machine(victim, "container"))).toEqual(
      here
        .filter((seat) => seat !== victim)
        .map((seat) => machine(seat, "container"))
        .sort(),
    );
  });

  test("up again makes only what is missing", async () => {
    const ends = await many("up", { seats: here.map((seat) => ({ seat })) }, second.env);
    expect(ends).toEqual(
      here.map((seat) => ({ seat, state: "done", unchanged: seat !== victim, fine: true })),
    );
    expect(await runningHere()).toEqual(here.map((seat) => machine(seat, "container")).sort());
  });

  test("down removes those of the host that answers, and keeps the others on record", async () => {
    // A seat that was not begun has no record.
    const kept = there.filter((seat) => existsSync(home.record(LAB, seat))).map((seat) => ({ seat }));
    const known = [...here.map((seat) => ({ seat })), ...kept];
    const ends = await many("down", { seats: known, workers: 8 }, second.env);
    for (const [i, { seat }] of known.entries()) {
      if (here.includes(seat)) expect(ends[i]).toEqual({ seat, state: "done", fine: true });
      else expect(ends[i]).toMatchObject({ seat, state: "failed", error: { exitCode: 3 } });
    }
    for (const seat of here) expect(await residueOf(LAB, seat)).toEqual([]);
    const gone = await many("down", { seats: kept, hostGone: true, workers: 8 }, second.env);
    expect(gone).toEqual(kept.map(({ seat }) => ({ seat, state: "done", fine: true })));
    expect(await partsOf(home, "engine")).toEqual([]);
  });
});

async function killEngine(seat: string): Promise<void> {
  const engine = await until(`the engine of ${seat}`, async () =>
    (await partsOf(home, "engine")).find(({ args }) => args.includes(`-${LAB}-${seat} `)),
  );
  process.kill(engine.pid, "SIGKILL");
}
