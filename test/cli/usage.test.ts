import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ExitCode, UserError } from "../../base/errors.js";
import { type Context, columns } from "../../cli/context.js";
import { main } from "../../cli/main.js";
import { lineFollow } from "../../cli/show-progress.js";

/** Runs a command line in process. */
async function run(
  ...argv: string[]
): Promise<{ exitCode: number; out: string; err: string; error: UserError | undefined }> {
  const out: string[] = [];
  const err: string[] = [];
  const plain = (text: string): string => text;
  const ctx = (json: boolean): Context => ({
    json,
    print: (line) => out.push(line),
    tell: (line) => err.push(line),
    confirm: async () => undefined,
    ask: async () => undefined,
    signal: new AbortController().signal,
    follow: lineFollow((line) => err.push(line)),
    style: { bold: plain, dim: plain, good: plain, bad: plain, warn: plain },
  });
  try {
    const exitCode = await main(argv, ctx);
    return { exitCode, out: out.join("\n"), err: err.join("\n"), error: undefined };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { exitCode: error.exitCode, out: out.join("\n"), err: err.join("\n"), error };
  }
}

describe("bad usage", () => {
  it.each([
    [["up", "--sat", "x"], ExitCode.usage, "--seat"],
    [["stauts"], ExitCode.usage, ""],
    [["up", "frist-boot"], ExitCode.notFound, "first-boot"],
    [["up", "--on", "gest"], ExitCode.usage, "guest"],
    [["up", "--ttl", "soon"], ExitCode.usage, "1h30m"],
    [["up", "--ttl", "0s"], ExitCode.usage, "1h30m"],
    [["up", "--ttl", "0"], ExitCode.usage, "1h30m"],
    [["up", "--ttl=-1h"], ExitCode.usage, "1h30m"],
    [["up", "--ttl", "-1h"], ExitCode.usage, "1h30m"],
    [["extend", "-1h"], ExitCode.usage, "leave the - out"],
    [["extend", "--", "-1h"], ExitCode.usage, "leave it out"],
    [["up", "--seat", "a", "--seat", "b"], ExitCode.usage, "once"],
    [["up", "--seat", ""], ExitCode.usage, "leave --seat out"],
    [["status", "--seat="], ExitCode.usage, "leave --seat out"],
    [["ssh", "guest", "--seat"], ExitCode.usage, "leave --seat out"],
    [["up", "--ssh-from", "garbage"], ExitCode.usage, "203.0.113.7"],
    [["extend", "soon"], ExitCode.usage, "1h30m"],
    [["extend", "0h"], ExitCode.usage, "1h30m"],
    [["up", "--ttl", "999999999h"], ExitCode.usage, "1h30m"],
    [["extend", "1h", "--seat", "nobody-here"], ExitCode.notFound, "trilab up"],
    [["reap", "--watch", "often"], ExitCode.usage, "1h30m"],
    [["reap", "--watch", "--json"], ExitCode.usage, "watch and json"],
    [["reap", "--json", "--watch", "1h"], ExitCode.usage, "watch and json"],
    [["check", "--watch", "--json"], ExitCode.usage, "watch and json"],
    [["class", "status", "--watch", "--json"], ExitCode.usage, "watch and json"],
    [["reap", "--install", "--dry-run"], ExitCode.usage, "one of them"],
    [["up", "--seat", "a b"], ExitCode.usage, "--seat"],
    [["up", "--seat", "x".repeat(64)], ExitCode.usage, "--seat"],
    [["ssh", "vm", "--seat", "nobody-here"], ExitCode.notFound, "trilab up"],
    [["ssh", "--seat", "nobody-here"], ExitCode.notFound, "trilab up"],
    [["run", "--seat", "nobody-here"], ExitCode.usage, "trilab run -- uname -a"],
    [["run", "--seat", "nobody-here", "--", "id"], ExitCode.notFound, "trilab up"],
    [["run", "--on", "gest", "--", "id"], ExitCode.usage, "guest"],
    [["logs", "guest", "-n", "many"], ExitCode.usage, "--lines 20"],
    [["cp", "a", "b"], ExitCode.usage, "target:path"],
    [["labs", "show", "nothing"], ExitCode.notFound, "did you mean"],
    [["down", "no-such-lab-at-all"], ExitCode.notFound, "did you mean"],
    [["images", "prune", "--force"], ExitCode.usage, "see trilab images prune --help"],
  ])("trilab %j ends with %i and helps", async (argv, exitCode, help) => {
    const result = await run(...argv);
    expect(result.exitCode).toBe(exitCode);
    expect(`${result.error?.message} ${result.error?.fix}`).toContain(help);
  });
});

it("a command that is not told what to do helps, or lists", async () => {
  expect(await run()).toMatchObject({
    exitCode: 0,
    out: expect.stringMatching(/trilab <command>[\s\S]*Exit codes/),
  });
  for (const command of ["labs", "images"])
    expect((await run(command, "--json")).out).toBe((await run(command, "ls", "--json")).out);
  expect((await run("labs", "lss")).exitCode).toBe(ExitCode.usage);
});

it("an unknown flag of a subcommand is answered with that subcommand's flags alone", async () => {
  const { error } = await run("images", "prune", "--yes");
  expect(error?.why).toBe("the options here are: --docker, --libvirt, --json, --help");
});

it("a flag may be given twice, and words behind -- are left as they are", async () => {
  expect((await run("status", "--json", "--json")).exitCode).toBe(0);
  expect((await run("ssh", "guest", "--seat", "nobody-here", "--", "-1h")).exitCode).toBe(ExitCode.notFound);
});

it("labs show says that a machine is larger than this host", async () => {
  const dir = await mkdtemp(join(tmpdir(), "trilab-usage-"));
  const lab = join(dir, "vast");
  await mkdir(lab);
  await writeFile(join(lab, "lab.yaml"), "name: vast\ntitle: T\nsummary: S\nmachine: { memory: 4TiB }\n");
  const shown = await run("labs", "show", lab);
  await rm(dir, { recursive: true });
  expect(shown.out).toMatch(/larger than this host[\s\S]*machine\.memory: 4TiB, but the host has/);
});

describe("reports", () => {
  it("labs ls --json has a schema version and stable keys", async () => {
    const { out, exitCode } = await run("labs", "ls", "--json");
    expect(exitCode).toBe(0);
    const data = JSON.parse(out);
    expect(data).toMatchObject({ schema: 1, kind: "labs" });
    expect(data.labs.find((l: { name: string }) => l.name === "first-boot")).toEqual({
      name: "first-boot",
      title: "First boot",
      topic: "host and guest",
      targets: ["container", "guest"],
      takes: 2700,
      points: 8,
    });
  });

  it("columns align whatever their colour", () => {
    expect(
      columns([
        ["a", "b"],
        ["\u001b[32mlong\u001b[39m", "c"],
      ]),
    ).toEqual(["a     b", "\u001b[32mlong\u001b[39m  c"]);
  });
});
