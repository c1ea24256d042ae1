import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { asRoot } from "../../base/privilege.js";
import { type SecondHost, startSecondHost } from "../support/second-host.js";
import { residueOf } from "./residue.js";
import { expectDone, expectError, host, machine, openHome, type Run } from "./support.js";

const LAB = "first-boot";
const home = openHome();
const NAME = `c${process.pid}`;
let [dir, file] = ["", ""];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "class-"));
  file = join(dir, "class.yaml");
  await writeFile(
    file,
    `name: ${NAME}\nlab: ${LAB}\ntargets: [container]\nhosts:\n  - name: here\n    seats: 6\n`,
  );
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** Writes the roster, with an address for each seat. */
const enrol = (seats: readonly string[]): Promise<void> =>
  writeFile(
    join(dir, "roster.csv"),
    ["name;email;id", ...seats.map((seat, i) => `Learner ${i};${seat}@example.org;${seat}`)].join("\r\n"),
  );
const inClass = (verb: string, ...args: string[]): Promise<Run> => home.trilab(["class", verb, ...args]);
const json = (run: Run) => JSON.parse(run.stdout);
const states = (run: Run): Record<string, string> =>
  Object.fromEntries(json(run).seats.map((seat: { seat: string; state: string }) => [seat.seat, seat.state]));
const isRunning = async (seat: string): Promise<boolean> =>
  (await host("docker", "ps", "--filter", `name=^${machine(seat, "container")}$`, "-q")) !== "";

const [a, b, c, d, e, f] = ["a", "b", "c", "d", "e", "f"].map((letter) => home.seat(letter)) as [
  ...[string, string, string, string, string, string],
];

test("plan says what would be made, and makes nothing", async () => {
  await enrol([a, b, c]);
  const plan = json(expectDone(await inClass("plan", file, "--json")));
  expect(plan).toMatchObject({ class: NAME, hosts: [{ name: "here", now: 0, planned: 3 }], left: [] });
  expect(plan.seats.map((seat: { seat: string; new: boolean }) => [seat.seat, seat.new])).toEqual(
    [a, b, c].map((seat) => [seat, true]),
  );
  expect(json(expectDone(await home.trilab(["status", "--json"]))).seats).toEqual([]);
  expectError(await inClass("status"), 6, /there is no class/);
});

test("a rehearsal measures one seat, and leaves nothing; the plan then says how long the class takes, and when to start", async () => {
  expect(json(expectDone(await inClass("plan", file, "--json"))).forecast).toBeUndefined();
  const faults = ["--lost", "here@1h", "--refused", "1%"];
  const rehearsal = json(expectDone(await inClass("rehearse", "5", file, "-y", ...faults, "--json")));
  expect(rehearsal).toMatchObject({ seats: 5, targets: ["container"], hosts: [{ name: "here", placed: 5 }] });
  expect(rehearsal.costs.control).toBeGreaterThan(0);
  expect(json(expectDone(await home.trilab(["status", "--json"]))).seats).toEqual([]);
  const lesson = join(dir, "lesson.yaml");
  await writeFile(lesson, `${await readFile(file, "utf8")}readyBy: 2099-01-01T09:00+01:00\n`);
  const { forecast, readyBy } = json(expectDone(await inClass("plan", lesson, "--json")));
  expect(forecast.seconds).toBeGreaterThan(rehearsal.costs.control);
  expect(readyBy).toBe("2099-01-01T08:00:00.000Z");
  expect(expectDone(await inClass("plan", lesson)).stdout).toMatch(
    /The lesson begins at 2099-01-01 .*\. Start the class by 2099-01-01 /,
  );
});

test("up starts the others although the first fails; the failed one is named, with its reason", async () => {
  // Somebody else's container has the name of one.
  const strange = machine(a, "container");
  await host("docker", "create", "--name", strange, "--entrypoint", "true", await anyImage());
  const up = await inClass("up", file, "-y", "--json");
  expect(up.exitCode).toBe(1);
  expect(states(up)).toEqual({ [a]: "failed", [b]: "up", [c]: "up" });
  expect(json(up).seats[0].problem).toContain(strange);
  expect([await isRunning(a), await isRunning(b), await isRunning(c)]).toEqual([false, true, true]);
  const status = json(expectDone(await inClass("status", "--json")));
  expect(status.seats.map((seat: { problem?: string }) => seat.problem !== undefined)).toEqual([
    true,
    false,
    false,
  ]);
  await host("docker", "rm", strange);
});

test("up waits for its time", async () => {
  expectError(await inClass("up", file, "-y", "--at", "tomorrow"), 2, /is not a time to start at/);
  expectError(await inClass("up", file, "-y", "--at", "2999-01-01T09:00"), 2, /more than a week away/);
  const at = new Date(Date.now() + 8000);
  const waiting = home.start(["class", "up", file, "-y", "--at", at.toISOString()]);
  await waiting.said("waiting until");
  waiting.kill("SIGINT");
  expect((await waiting.ended).exitCode).toBe(130);
});

test("up --at does not use a host that the class has got meanwhile", async () => {
  const at = new Date(Date.now() + 6000);
  const waiting = home.start(["class", "up", file, "-y", "--at", at.toISOString()]);
  await waiting.said("waiting until");
  const before = await readFile(file, "utf8");
  await writeFile(file, before.replace("name: here", "name: another"));
  expectError(
    await waiting.ended,
    2,
    /the class has changed since it was planned/,
    /other hosts now: another/,
  );
  await writeFile(file, before);
});

test("up again makes what is missing; a learner who left keeps the seat", async () => {
  await enrol([a, b, d]);
  const up = expectDone(await inClass("up", file, "-y", "--json"));
  expect(states(up)).toEqual({ [a]: "up", [b]: "up", [d]: "up" });
  expect(json(up).seats.map((seat: { unchanged: boolean }) => seat.unchanged)).toEqual([false, true, false]);
  expect(await isRunning(c)).toBe(true);
  const { seats } = json(expectDone(await inClass("status", "--json")));
  expect(seats.map(({ seat }: { seat: string }) => seat)).toEqual([a, b, d, c]);
});

test("a seat that is taken down and made again by hand stays in its class", async () => {
  expectDone(await home.trilab(["down", LAB, "--seat", b]));
  const alone = expectDone(await home.trilab(["up", LAB, "--seat", b, "--on", "container", "-y", "--json"]));
  expect(alone.stderr).toContain(`is made for class "${NAME}"`);
  const { seats } = json(expectDone(await inClass("up", file, "-y", "--json")));
  expect(seats).toContainEqual(expect.objectContaining({ seat: b, state: "up", unchanged: true }));
});

test("what was killed is completed by the next up, and nothing is there twice", async () => {
  await enrol([a, b, d, e, f]);
  const killed = home.start(["class", "up", file, "-y"]);
  await killed.said(`seat ${e}`);
  killed.kill("SIGKILL");
  await killed.ended;
  const up = expectDone(await inClass("up", file, "-y", "--json"));
  expect(Object.values(states(up))).toEqual(["up", "up", "up", "up", "up"]);
  const names = await host("docker", "ps", "--filter", `name=-t${process.pid}`, "--format", "{{.Names}}");
  expect(names.split("\n").sort()).toEqual(
    [a, b, c, d, e, f].map((seat) => machine(seat, "container")).sort(),
  );
});

test("a class larger than its hosts, seats of others, and a second class of the name are refused", async () => {
  await enrol([a, b, d, e, f, "t0x", "t0y"]);
  expectError(await inClass("up", file, "-y"), 2, /there is no room for 2 seats of the class/);
  await enrol([a, b]);
  expectError(await inClass("up", file, "-y", "--lab", "by-hand"), 2, /has another lab/);
  const other = join(dir, "other.yaml");
  await writeFile(other, `name: ${NAME}-2\nlab: ${LAB}\n`);
  const refused = await inClass("up", other, "-y");
  expectError(refused, 2, new RegExp(`are not of class "${NAME}-2"`));
  expect(refused.stderr).toContain(`${a}: of class "${NAME}"`);
});

test("run asks every seat, and tells of those that do not run", async () => {
  await host("docker", "stop", "--time", "1", machine(c, "container"));
  const run = await inClass("run", "--json", "--", "cat", "/proc/sys/kernel/hostname");
  expect(run.exitCode).toBe(1);
  const answers = json(run).seats.map(
    (seat: { seat: string; problem?: string; answers: { stdout: string }[] }) => [
      seat.seat,
      seat.problem ?? seat.answers[0]?.stdout.trim(),
    ],
  );
  expect(Object.fromEntries(answers)).toEqual({
    ...Object.fromEntries([a, b, d, e, f].map((seat) => [seat, machine(seat, "container")])),
    [c]: expect.stringContaining("is not running"),
  });
  expect(states(expectDone(await inClass("export", "--json")))[c]).toBe("container exited");
});

test("check looks at every seat's tasks; what could not be looked at is no zero", async () => {
  const solve = await readFile(join("labs", LAB, "tasks/note-container/solve.sh"), "utf8");
  const { stdout: asked } = await home.trilab(["check", "note-container", "--lab", LAB, "--seat", a]);
  const [, animal] = /~\/(\w+)/.exec(asked) ?? [];
  expectDone(
    await home.trilab([
      "ssh",
      "container",
      "--seat",
      a,
      "--root",
      "--",
      "bash",
      "-c",
      `user=lab animal=${animal}; ${solve}`,
    ]),
  );
  const check = await inClass("check", "--json");
  expect(check.exitCode).toBe(4);
  const points = Object.fromEntries(
    json(check).seats.map((seat: { seat: string; points?: number; problem?: string }) => [
      seat.seat,
      seat.points,
    ]),
  );
  expect(points[a]).toBeGreaterThan(0);
  expect(points[b]).toBe(0);
  const csv = expectDone(await inClass("grades", "--csv")).stdout.split("\n");
  expect(csv[0]).toMatch(/^Username,Email address,first-boot,/);
  expect(csv).toContainEqual(expect.stringMatching(new RegExp(`^${a},${a}@example.org,[1-9]`)));
});

test("extend and down are for all of them; the grades stay", async () => {
  const ends = (run: Run): number[] =>
    json(run).seats.map(({ expires }: { expires: string }) => Date.parse(expires));
  const before = ends(await inClass("status", "--json"));
  // The stopped one can't take it, and keeps its end.
  expect((await inClass("extend", "1h", "--json")).exitCode).toBe(1);
  const after = ends(await inClass("status", "--json"));
  expect(after.filter((end, i) => end - (before[i] ?? 0) >= 3_600_000).length).toBe(5);
  const down = json(expectDone(await inClass("down", "--json")));
  expect(down).toMatchObject({ class: NAME, clean: true, failed: [], without: [] });
  expect(down.receipts.length).toBe(6);
  for (const seat of [a, b, c, d, e, f]) expect(await residueOf(LAB, seat)).toEqual([]);
  expect(expectDone(await inClass("grades", "--csv")).stdout).toContain(`${a},${a}@example.org,`);
  expect(json(expectDone(await inClass("status", "--json"))).ended).toMatch(/^20/);
  // Nothing is there to be removed.
  expect(json(expectDone(await inClass("down", "--json"))).receipts).toEqual([]);
});

describe("on two hosts, one of which goes", () => {
  const [near, far] = [
    ["g", "h"].map((letter) => home.seat(letter)),
    ["i", "j"].map((letter) => home.seat(letter)),
  ];
  const name = `${NAME}-two`;
  /** A class on the far host alone, and its learner's seat. */
  const [alone, farther] = [`${NAME}-far`, home.seat("n")];
  let second: SecondHost;
  const there = (verb: string, ...args: string[]): Promise<Run> =>
    home.trilab(["class", verb, ...args, "--json"], second.env);
  /** Nothing gets through to the other host any more. It still has its address: nobody else gets it. */
  const route = (what: string) => asRoot("ip", ["route", what, "unreachable", `${second.address}/32`]);

  beforeAll(async () => {
    second = await startSecondHost({ daemons: ["docker"] });
    await writeFile(
      file,
      `name: ${name}\nlab: ${LAB}\ntargets: [container]\nhosts:\n  - { name: near, seats: 2 }\n  - { name: far, docker: "${second.dockerHost}", seats: 2 }\n`,
    );
  });
  afterAll(async () => {
    await route("del").catch(() => {});
    await second?.stop();
  });

  test("seats are shared out between them, and stay where they are", async () => {
    await enrol([...near, ...far]);
    const up = json(expectDone(await there("up", file, "-y")));
    const hosts = up.seats.map(({ host }: { host: string }) => host).sort();
    expect(hosts).toEqual(["far", "far", "near", "near"]);
    const again = json(expectDone(await there("up", file, "-y")));
    expect(again.seats.map((seat: { unchanged: boolean }) => seat.unchanged)).toEqual([
      true,
      true,
      true,
      true,
    ]);
    const roster = join(tmpdir(), `${alone}.csv`);
    await writeFile(roster, `id\n${farther}\n`);
    const options = ["--on", "container", "--docker", second.dockerHost];
    expectDone(await there("up", "--roster", roster, ...options));
    await rm(roster);
    const plan = json(expectDone(await there("plan", file)));
    expect(plan.hosts).toMatchObject([
      { name: "near", now: 2, planned: 2 },
      { name: "far", now: 2, planned: 2 },
    ]);
  });

  test("of the one that does not answer nothing is claimed; its seats stay on record", async () => {
    await route("add");
    const status = expectDone(await there("status", name));
    const words = json(status).seats.map(
      ({ machines }: { machines: { state: string }[] }) => machines[0]?.state,
    );
    expect(words.sort()).toEqual(["not answered", "not answered", "running", "running"]);
    const down = await there("down", name);
    expect(down.exitCode).toBe(3);
    expect(json(down)).toMatchObject({ clean: false, receipts: [{}, {}], failed: [{}, {}] });
    expect(json(down).failed[0].problem).toContain(second.dockerHost);
    const gone = json(expectDone(await there("down", alone, "--host-gone")));
    expect(gone).toMatchObject({ clean: true, failed: [], receipts: [{ seat: farther }], without: [] });
  });

  test("its seats are placed anew on the other host, if the instructor gives them up", async () => {
    expectError(await there("up", file, "-y"), 3, /host "far" does not answer/, /--replace-lost/);
    await writeFile(file, (await readFile(file, "utf8")).replace("seats: 2 }", "seats: 4 }"));
    const up = await there("up", file, "-y", "--replace-lost");
    expect(states(up)).toEqual(Object.fromEntries([...near, ...far].map((seat) => [seat, "up"])));
    expect(json(up).seats.map(({ host }: { host: string }) => host)).toEqual(Array(4).fill("near"));
    expect(up.stderr).toMatch(/"far" did not answer/);
    expect(json(expectDone(await there("down", name)))).toMatchObject({ clean: true, failed: [] });
    for (const seat of [...near, ...far]) expect(await residueOf(LAB, seat)).toEqual([]);
  });
});

const anyImage = async (): Promise<string> =>
  (await host("docker", "images", "trilab/machine", "--format", "{{.ID}}")).split("\n")[0] ?? "";

describe("with guests", () => {
  const seats = ["k", "l", "m"].map((letter) => home.seat(letter));
  const name = `${NAME}-guests`;
  const roster = join(tmpdir(), `${name}.csv`);
  const isResumed = async (): Promise<boolean[]> => {
    const { seats: all } = json(expectDone(await home.trilab(["status", "--json"])));
    return all.map((row: { resumed?: boolean }) => row.resumed === true);
  };
  afterAll(() => rm(roster, { force: true }));

  test("they are resumed side by side, each as its own learner's; reset boots them", async () => {
    await writeFile(roster, ["id,targets", ...seats.map((seat) => `${seat},guest`)].join("\n"));
    const up = expectDone(await inClass("up", "--roster", roster, "-y", "--json"));
    expect(states(up)).toEqual(Object.fromEntries(seats.map((seat) => [seat, "up"])));
    expect(await isResumed()).toEqual([true, true, true]);
    const run = json(expectDone(await inClass("run", name, "--json", "--", "hostname")));
    expect(
      run.seats.map((seat: { answers: { stdout: string }[] }) => seat.answers[0]?.stdout.trim()),
    ).toEqual(seats.map((seat) => machine(seat, "guest")));
    expectDone(await inClass("reset", name, "-y"));
    expect(await isResumed()).toEqual([false, false, false]);
    expect(json(expectDone(await inClass("down", name, "--json")))).toMatchObject({
      clean: true,
      failed: [],
    });
    for (const seat of seats) expect(await residueOf(LAB, seat)).toEqual([]);
  });
});
