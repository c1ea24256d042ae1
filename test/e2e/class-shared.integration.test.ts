import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Moto, makeBucket, readBucket, startMoto } from "../support/moto.js";
import { startSecondHost } from "../support/second-host.js";
import { residueOf } from "./residue.js";
import {
  expectDone,
  expectError,
  type Home,
  host,
  machine,
  openHome,
  partsOf,
  type Run,
  until,
} from "./support.js";

const LAB = "first-boot";
const NAME = `s${process.pid}`;
const BUCKET = `lessons-${process.pid}`;
let moto: Moto;
let [dir, file] = ["", ""];

/** Two instructors, each with a state directory of their own, as on two machines. */
interface Instructor extends Home {
  /** What their commands find in their environment. */
  env: Record<string, string>;
}
const instructor = (): Instructor => {
  const self: Instructor = Object.assign(
    openHome(() => self.env),
    { env: {} },
  );
  return self;
};
const [ann, ben] = [instructor(), instructor()];

beforeAll(async () => {
  moto = await startMoto();
  await makeBucket(moto, BUCKET);
  dir = await mkdtemp(join(tmpdir(), "class-shared-"));
  file = join(dir, "class.yaml");
  await writeFile(
    file,
    `name: ${NAME}\nlab: ${LAB}\ntargets: [container]\nstate: s3://${BUCKET}/class?region=eu-central-1&endpoint=${moto.endpoint}\n`,
  );
  for (const who of [ann, ben])
    who.env = { ...moto.env, TRILAB_STATE_PASSPHRASE: "correct horse battery staple" };
});
afterAll(async () => {
  await moto?.stop();
  await rm(dir, { recursive: true, force: true });
});

const enrol = (seats: readonly string[]): Promise<void> =>
  writeFile(
    join(dir, "roster.csv"),
    ["id,name", ...seats.map((seat) => `${seat},Learner ${seat}`)].join("\n"),
  );
const of = (who: Instructor, verb: string, ...args: string[]): Promise<Run> =>
  who.trilab(["class", verb, "--json", ...args]);
const json = (run: Run) => JSON.parse(expectDone(run).stdout);
const seatsOf = (run: Run): Record<string, unknown>[] => json(run).seats;

const [a, b, c, d] = ["a", "b", "c", "d"].map((letter) => ann.seat(letter)) as [
  string,
  string,
  string,
  string,
];

/** The class's containers, and how many networks it has. */
const existing = async (): Promise<{ containers: string[]; networks: number }> => {
  const list = async (...command: string[]): Promise<string[]> => {
    const names = await host("docker", ...command, "--filter", `name=-t${process.pid}`);
    return names.split("\n").filter((line) => line !== "");
  };
  return {
    containers: (await list("ps", "-a", "--format", "{{.Names}}")).sort(),
    networks: (await list("network", "ls", "-q")).length,
  };
};
const containersOf = (seats: string[]): string[] => seats.map((seat) => machine(seat, "container")).sort();

test("one starts the class; nobody sees in the bucket whose it is, nor a key", async () => {
  await enrol([a, b]);
  expect(seatsOf(await of(ann, "up", file, "-y"))).toMatchObject([{ state: "up" }, { state: "up" }]);
  const objects = await readBucket(moto, BUCKET);
  expect([...objects.keys()].sort()).toEqual([
    "class/trilab-state.json",
    `class/units/classes/${NAME}`,
    `class/units/seats/${LAB}/${a}`,
    `class/units/seats/${LAB}/${b}`,
  ]);
  for (const body of objects.values())
    expect(body.toString("latin1")).not.toMatch(/PRIVATE KEY|Learner|ed25519/);
});

test("the other needs the passphrase, once, and then sees the same", async () => {
  const passphrase = ben.env.TRILAB_STATE_PASSPHRASE ?? "";
  const without = { ...ben.env, TRILAB_STATE_PASSPHRASE: "", TRILAB_STATE_PASSPHRASE_FILE: "" };
  ben.env = without;
  expectError(await ben.trilab(["class", "status", file]), 2, /there is no passphrase/);
  ben.env = { ...without, TRILAB_STATE_PASSPHRASE: "not the right one" };
  expectError(await ben.trilab(["class", "status", file]), 2, /does not open the shared state/);
  ben.env = { ...without, TRILAB_STATE_PASSPHRASE: passphrase };
  const status = seatsOf(await of(ben, "status", file));
  ben.env = without;
  expect(status).toEqual(seatsOf(await of(ann, "status")));
  expect(status).toMatchObject([
    { seat: a, machines: [{ state: "running" }] },
    { seat: b, machines: [{ state: "running" }] },
  ]);
  // The class is known by its name now; it is no part of this machine's own state.
  expect(seatsOf(await of(ben, "status")).length).toBe(2);
  expect(json(await ben.trilab(["status", "--json"])).seats).toEqual([]);
});

test("the other runs commands, checks, and moves the end; the first has it all", async () => {
  const run = json(await of(ben, "run", "--", "hostname"));
  expect(run.seats.map((seat: { answers: { stdout: string }[] }) => seat.answers[0]?.stdout.trim())).toEqual(
    containersOf([a, b]),
  );
  const solve = await readFile(join("labs", LAB, "tasks/note-container/solve.sh"), "utf8");
  const shared = { TRILAB_STATE: /state: (\S+)/.exec(await readFile(file, "utf8"))?.[1] ?? "" };
  const asked = await ann.trilab(["check", "note-container", "--lab", LAB, "--seat", a], shared);
  const [, animal] = /~\/(\w+)/.exec(asked.stdout) ?? [];
  const script = `user=lab animal=${animal}; ${solve}`;
  expectDone(
    await ben.trilab(
      ["ssh", "container", "--lab", LAB, "--seat", a, "--root", "--", "bash", "-c", script],
      shared,
    ),
  );
  expect((await of(ben, "check")).exitCode).toBe(4);
  const points = seatsOf(await of(ann, "status")).map(({ points }) => points);
  expect(points).toEqual([expect.any(Number), 0]);
  expect(points[0]).toBeGreaterThan(0);
  const grades = async (who: Instructor) => expectDone(await who.trilab(["class", "grades", "--csv"])).stdout;
  expect(await grades(ann)).toBe(await grades(ben));
  const ends = async (who: Instructor) =>
    seatsOf(await of(who, "status")).map(({ expires }) => Date.parse(String(expires)));
  const before = await ends(ann);
  expectDone(await of(ben, "extend", "1h"));
  expect((await ends(ann)).map((end, i) => end - (before[i] ?? 0))).toEqual([3_600_000, 3_600_000]);
});

test("the other's up has nothing to do", async () => {
  expect(seatsOf(await of(ben, "up", file, "-y"))).toMatchObject([{ unchanged: true }, { unchanged: true }]);
});

test("both start a learner who was added, at once: nothing is there twice", async () => {
  await enrol([a, b, c]);
  const runs = await Promise.all([of(ann, "up", file, "-y"), of(ben, "up", file, "-y")]);
  const codes = runs.map(({ exitCode }) => exitCode);
  expect(codes, runs.map(({ stderr }) => stderr).join("\n")).toContain(0);
  for (const run of runs)
    if (run.exitCode !== 0) expectError(run, 7, /instructor|has changed since it was planned/);
  for (const who of [ann, ben])
    expect(seatsOf(await of(who, "up", file, "-y")).map(({ state }) => state)).toEqual(["up", "up", "up"]);
  expect(await existing()).toEqual({ containers: containersOf([a, b, c]), networks: 3 });
  expect(seatsOf(await of(ben, "status"))).toEqual(seatsOf(await of(ann, "status")));
});

test("what is killed keeps its locks, by name; the other removes them, and completes it", async () => {
  await enrol([a, b, c, d]);
  const killed = ann.start(["class", "up", file, "-y"]);
  await until("the new seat's record is in the bucket", async () =>
    (await readBucket(moto, BUCKET)).has(`class/units/seats/${LAB}/${d}`),
  );
  await until("its engine runs", async () => (await partsOf(ann, "engine")).length > 0);
  killed.kill("SIGKILL");
  await killed.ended;
  expectError(
    await of(ben, "up", file, "-y"),
    7,
    new RegExp(`class "${NAME}" is in use by another instructor`),
    /@.* \(trilab class up .*\) has held it since/,
  );
  const { locks } = json(await of(ben, "unlock"));
  expect(locks.map(({ state, unit }: { state: string; unit: string }) => [unit, state])).toContainEqual([
    `classes/${NAME}`,
    "removed",
  ]);
  expect(seatsOf(await of(ben, "up", file, "-y")).map(({ state }) => state)).toEqual([
    "up",
    "up",
    "up",
    "up",
  ]);
  expect(await existing()).toEqual({ containers: containersOf([a, b, c, d]), networks: 4 });
  expect(seatsOf(await of(ann, "up", file, "-y")).map(({ state }) => state)).toEqual([
    "up",
    "up",
    "up",
    "up",
  ]);
  expect(await existing()).toEqual({ containers: containersOf([a, b, c, d]), networks: 4 });
  // It waited for the command that was killed.
  expect(await partsOf(ann, "engine")).toEqual([]);
});

test("what is killed is also completed by the same machine, without more ado", async () => {
  await of(ben, "extend", "1h");
  const killed = ben.start(["class", "extend", "1h"]);
  await until("a lock is in the bucket", async () =>
    [...(await readBucket(moto, BUCKET)).keys()].some((key) => key.startsWith("class/locks/seats/")),
  );
  killed.kill("SIGKILL");
  await killed.ended;
  expectDone(await of(ben, "status"));
  expectDone(await of(ann, "extend", "1h"));
});

test("the other takes the class down; nothing is left, and the grades stay for both", async () => {
  expect(json(await of(ben, "down"))).toMatchObject({ clean: true, failed: [], without: [] });
  for (const seat of [a, b, c, d]) expect(await residueOf(LAB, seat)).toEqual([]);
  expect(json(await of(ann, "status")).ended).toMatch(/^20/);
  expect(expectDone(await ann.trilab(["class", "grades", "--csv"])).stdout).toContain(`${a},`);
  const left = [...(await readBucket(moto, BUCKET)).keys()];
  expect(left.filter((key) => /locks\/|units\/seats\//.test(key))).toEqual([]);
  for (const { state } of [ann, ben])
    for (const copy of await readdir(join(state, "shared")))
      expect(await readdir(join(state, "shared", copy, "seats", LAB)).catch(() => [])).toEqual([]);
});

test("on a host that both reach by SSH, either may change what the other made", async () => {
  const second = await startSecondHost({ daemons: ["docker"] });
  try {
    const seat = ann.seat("e");
    const other = join(dir, "far.yaml");
    const text = await readFile(file, "utf8");
    await writeFile(
      other,
      `${text.replace(NAME, `${NAME}-far`)}hosts: [{ name: far, docker: "${second.dockerHost}" }]\n`,
    );
    await enrol([seat]);
    for (const who of [ann, ben]) who.env = { ...who.env, ...second.env };
    expect(seatsOf(await of(ann, "up", other, "-y"))).toMatchObject([{ host: "far", state: "up" }]);
    const [copy = ""] = await readdir(join(ann.state, "shared"));
    const record = JSON.parse(
      await readFile(join(ann.state, "shared", copy, "seats", LAB, seat, "seat.json"), "utf8"),
    );
    expect(record).not.toHaveProperty("onlyFrom");
    const run = json(await of(ben, "run", `${NAME}-far`, "--", "hostname"));
    expect(run.seats[0].answers[0].stdout.trim()).toBe(machine(seat, "container"));
    expect(json(await of(ben, "down", `${NAME}-far`))).toMatchObject({ clean: true, failed: [] });
  } finally {
    await second.stop();
  }
});

test("a bucket that does not answer is no empty one", async () => {
  await moto.stop();
  expectError(await ann.trilab(["class", "status"]), 3, /can't be looked at/);
  expectError(await ben.trilab(["class", "down"]), 3, /can't be looked at/);
});
