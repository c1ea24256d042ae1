import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { expectDone, expectError, openHome } from "../e2e/support.js";

describe("a learner's session in a lab", () => {
  const home = openHome();
  const seat = home.seat("learner", "greeting");
  const at = ["--lab", "greeting", "--seat", seat];
  let folder: string;
  let port: string;
  const file = () => join(home.dir, "handed-in.json");
  const check = async (...args: string[]) => {
    const run = await home.trilab(["check", ...args, ...at, "--json"]);
    const { tasks, ...rest } = JSON.parse(run.stdout);
    const standing = Object.fromEntries(
      tasks.map((t: { id: string; standing: string }) => [t.id, t.standing]),
    );
    return { ...rest, exitCode: run.exitCode, standing };
  };
  const inside = (line: string) =>
    home.trilab(["ssh", "container", "--lab", "greeting", "--seat", seat, "--root", "--", line]);

  beforeAll(async () => {
    folder = join(home.dir, "greeting");
    expectDone(await home.trilab(["labs", "new", folder]));
    expectDone(await home.trilab(["up", folder, "--seat", seat, "--yes"]));
  });

  test("the guide shows the seat's values, as a run of every command does", async () => {
    const guide = expectDone(await home.trilab(["guide", ...at])).stdout;
    port = /number (\d{5}) into/.exec(guide)?.[1] ?? "";
    expect(Number(port)).toBeGreaterThanOrEqual(20000);
    expect(guide).toContain("    trilab ssh container");
    const step = expectDone(await home.trilab(["guide", "2", ...at])).stdout;
    expect(step).toMatch(/^2\. Think/);
    expectError(await home.trilab(["guide", "9", ...at]), 2, /no step 9/);
  });

  test("a check says what is missing, then what is there; a task that is met stays met", async () => {
    expect(await check()).toMatchObject({
      exitCode: 4,
      verdict: "not-met",
      points: 0,
      standing: { greeting: "not-met", kernel: "open" },
    });
    expectDone(await inside(`echo ${Number(port) + 1} > /home/lab/greeting`));
    expect(await check("greeting")).toMatchObject({ exitCode: 4, standing: { greeting: "not-met" } });
    expectDone(await inside(`echo ${port} > /home/lab/greeting`));
    expect(await check("greeting")).toMatchObject({ exitCode: 0, points: 2 });
    expectDone(await inside("rm /home/lab/greeting"));
    expect(await check("greeting")).toMatchObject({ exitCode: 0, points: 2 });
  });

  test("an answer is judged in the machine; a wrong one may be given again", async () => {
    const wrong = await home.trilab(["answer", "kernel", "2.4.0", ...at]);
    expect(wrong.exitCode).toBe(4);
    expect(wrong.stdout).toContain("says something else");
    const kernel = expectDone(await inside("uname -r")).stdout.trim();
    expect(expectDone(await home.trilab(["answer", "kernel", kernel, ...at])).stdout).toContain("1/1");
    expect(await check()).toMatchObject({ exitCode: 0, verdict: "met", points: 3, broken: [] });
    expectError(await home.trilab(["answer", "greeting", "x", ...at]), 2, /is not a question/);
    expectError(await home.trilab(["answer", "kernle", "x", ...at]), 6, /did you mean "kernel"/);
  });

  test("a hint that costs is only shown to who agrees; after the task is met it costs nothing", async () => {
    const first = expectDone(await home.trilab(["hint", "greeting", ...at]));
    expect(first.stdout).toContain("1. The program echo");
    const second = JSON.parse(expectDone(await home.trilab(["hint", "greeting", ...at, "--json"])).stdout);
    expect(second).toMatchObject({ hint: `echo ${port} > ~/greeting`, cost: 0 });
    expect(await check()).toMatchObject({ points: 3 });
  });

  test("what is handed in is judged again, and an edit is named", async () => {
    expectDone(await home.trilab(["submit", ...at, "-o", file()]));
    expectError(
      await home.trilab(["submit", ...at, "-o", join(folder, "lab.yaml")]),
      2,
      /is not a submission/,
    );
    // The lab is not a registered one.
    expect((await home.trilab(["grade", file()])).exitCode).toBe(6);
    const labs = ["--labs", home.dir];
    const graded = expectDone(await home.trilab(["grade", file(), "--json", ...labs]));
    expect(JSON.parse(graded.stdout).grades[0]).toMatchObject({
      userId: seat,
      scoreGiven: 3,
      scoreMaximum: 3,
    });
    expect(JSON.parse(graded.stdout).grades[0].comment).toBeUndefined();
    const text = await readFile(file(), "utf8");
    await writeFile(file(), text.replace('\\"outcome\\":\\"not-met\\"', '\\"outcome\\":\\"met\\"'));
    const edited = expectDone(await home.trilab(["grade", file(), "--json", ...labs]));
    expect(JSON.parse(edited.stdout).grades[0].comment).toMatch(/edited or damaged/);
  });

  test("a machine that can't be looked at is no grade", async () => {
    const other = home.seat("blind", "greeting");
    expectDone(await home.trilab(["up", folder, "--seat", other, "--yes"]));
    const id = ["--lab", "greeting", "--seat", other];
    const { exitCode } = await home.trilab([
      "ssh",
      "container",
      ...id,
      "--root",
      "--",
      "mv /bin/bash /bin/b; true",
    ]);
    expect(exitCode).toBe(0);
    const run = await home.trilab(["check", "greeting", ...id]);
    expect(run.exitCode).toBe(9);
    expect(run.stdout).toMatch(/\? greeting {2}–\/2 {2}could not look/);
  });

  test("a machine that was reset is set up again by the next check, and only by that one", async () => {
    const other = home.seat("reset", "greeting");
    await writeFile(join(folder, "setup.sh"), "date +%s%N > /srv/set-up\n");
    expectDone(await home.trilab(["up", folder, "--seat", other, "--yes"]));
    const id = ["--lab", "greeting", "--seat", other];
    const when = async () =>
      (await home.trilab(["ssh", "container", ...id, "--", "cat", "/srv/set-up"])).stdout.trim();
    const setUp = async () => JSON.parse((await home.trilab(["check", ...id, "--json"])).stdout).setUp;
    const first = await when();
    expect(await setUp()).toEqual([]);
    expect(await when()).toBe(first);
    expectDone(await home.trilab(["reset", "container", ...id, "-y"]));
    expect(await when()).toBe("");
    expect(await setUp()).toEqual(["container"]);
    expect(Number(await when())).toBeGreaterThan(Number(first));
    expect(await setUp()).toEqual([]);
    await rm(join(folder, "setup.sh"));
  });

  test("attempts outlive the seat", async () => {
    expectDone(await home.trilab(["down", "greeting", "--seat", seat]));
    const csv = expectDone(await home.trilab(["grades", "greeting", "--csv", "--labs", home.dir])).stdout;
    expect(csv).toContain("Username,Email address,greeting,greeting: greeting,greeting: kernel,Remarks");
    expect(csv).toMatch(new RegExp(`^${seat},,3,2,1,`, "m"));
  });
});

describe("every lab", () => {
  const home = openHome();
  test("is in order, as far as its files show", async () => {
    expectDone(await home.trilab(["labs", "test", "--all", "--lint"]));
  });

  test("first-boot's checks can fail and can pass", async () => {
    expectDone(await home.trilab(["labs", "test", "first-boot", "--yes"]));
  });
});
