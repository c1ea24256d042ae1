import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { classNameOf, parseClass, readClassFile } from "../../classes/define-class.js";
import { writeNewClass } from "../../classes/new-class.js";
import { readRoster } from "../../classes/roster.js";

const why = (text: string): string => {
  try {
    parseClass(text, "class.yaml");
  } catch (error) {
    return (error as { why: string }).why;
  }
  throw new Error("it was accepted");
};

it("a class.yaml names its lab; the rest has defaults", () => {
  expect(parseClass("name: a\nlab: first-boot\n", "class.yaml")).toEqual({
    name: "a",
    lab: "first-boot",
    roster: "roster.csv",
    resume: true,
  });
  expect(parseClass("name: a\nlab: x\nttl: none\n", "class.yaml").ttl).toBe(Number.POSITIVE_INFINITY);
});

it("all problems are named at once, with their lines", () => {
  expect(
    why(
      "name: A\nlab: x\ntargts: [container]\nttl: soon\nhosts:\n  - name: a\n    seats: 0\n  - name: a\n    dockr: x\n",
    ).split("\n"),
  ).toEqual([
    expect.stringMatching(/^line 1: name: "A" may contain/),
    expect.stringMatching(/^line 4: ttl: "soon" is not a duration/),
    expect.stringMatching(/^line 7: hosts.0.seats: /),
    expect.stringMatching(/hosts.1.dockr: is not known; did you mean "docker"\?/),
    "line 6: hosts: names a host twice",
    expect.stringMatching(/targts: is not known; did you mean "targets"\?/),
  ]);
  expect(why("name: [")).toMatch(/^line 1: /);
});

it("a host is a Swarm where its nodes are named beside a manager", () => {
  const host = (lines: string): string => `name: a\nlab: x\nhosts:\n  - name: s\n${lines}`;
  const swarm = "    swarm:\n      lab1: ssh://lab1\n";
  expect(parseClass(host(`    docker: ssh://lab1\n${swarm}`), "class.yaml").hosts).toEqual([
    { name: "s", docker: "ssh://lab1", swarm: { lab1: "ssh://lab1" } },
  ]);
  expect(why(host(swarm))).toMatch(/hosts\.0\.swarm: needs the address of a manager, too: docker/);
});

it("a class may be shared; what is no place for that is refused", () => {
  const state = "s3://lessons/vms?region=eu-central-1";
  expect(parseClass(`name: a\nlab: x\nstate: ${state}\n`, "class.yaml").state).toBe(state);
  expect(why("name: a\nlab: x\nstate: /srv/state\n")).toBe('line 3: state: "/srv/state" is no URL');
});

it("it says when the lesson begins, and what may be rented", () => {
  const text = "name: a\nlab: x\nreadyBy: 2026-11-30T09:00+01:00\ncloud: aws\nbudget: 20\n";
  expect(parseClass(text, "class.yaml")).toMatchObject({
    readyBy: Date.UTC(2026, 10, 30, 8),
    cloud: "aws",
    budget: 20,
  });
  expect(why("name: a\nlab: x\nreadyBy: tomorrow\ncloud: azure\nbudget: 0\n").split("\n")).toEqual([
    'line 3: readyBy: "tomorrow" is not a time: write it like 2026-11-30T09:00+01:00',
    expect.stringMatching(/^line 4: cloud: .*"local"\|"aws"\|"auto"/),
    expect.stringMatching(/^line 5: budget: /),
  ]);
});

it("any file's name gives a class's name", () => {
  expect(classNameOf("Übung 3 (WS)")).toBe("ubung-3-ws");
  expect(classNameOf("日本")).toBe("class");
});

it("a new class is valid, and never overwrites", async () => {
  const dir = await mkdtemp(join(tmpdir(), "class-"));
  const [yaml, roster] = await writeNewClass(join(dir, "My Class"));
  const spec = await readClassFile(yaml);
  expect(spec).toMatchObject({ name: "my-class", lab: "first-boot", roster });
  expect((await readRoster(spec.roster)).map(({ seat }) => seat)).toEqual(["learner-1", "learner-2"]);
  // What is commented out is valid, too.
  const all = (await readFile(yaml, "utf8")).replace(/^# (?!yaml)/gm, "");
  expect(parseClass(all, yaml)).toMatchObject({
    hosts: [{ name: "lab1", seats: 12 }],
    targets: ["container"],
  });
  await expect(writeNewClass(join(dir, "My Class"))).rejects.toMatchObject({ exitCode: 2 });
  await rm(dir, { recursive: true });
});
