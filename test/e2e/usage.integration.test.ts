import { join } from "node:path";
import { execa } from "execa";
import { beforeAll, describe, expect, test } from "vitest";
import { repoDir } from "../../base/paths.js";
import { residueOf } from "./residue.js";
import { expectError, openHome, type Run } from "./support.js";

const home = openHome();
let seat: string;

beforeAll(async () => {
  seat = home.seat("u");
});

describe("usage", () => {
  test.each([
    ["an unknown lab", ["up", "frist-boot"], 6, [/no lab "frist-boot"/, /did you mean "first-boot"/]],
    ["an unknown lab's path", ["up", "./nowhere"], 6, [/no lab in .*nowhere/, /labs ls/]],
    ["an unknown lab to take down", ["down", "frist-boot"], 6, [/did you mean "first-boot"/]],
    [
      "an unknown target",
      ["up", "--on", "guset"],
      2,
      [/no target "guset"/, /container, guest/, /did you mean "guest"/],
    ],
    ["no target", ["up", "--on", ","], 2, [/no target is given/, /container,guest/]],
    ["an unknown flag", ["up", "--sear", "x"], 2, [/sear/, /did you mean --seat/]],
    ["an unknown command", ["pu"], 2, [/pu/, /did you mean up/]],
    [
      "a seat name with spaces",
      ["up", "--seat", "my seat"],
      2,
      [/"my seat" can't be/, /lower-case/, /seat-07/],
    ],
    ["a seat name of 64", ["up", "--seat", "a".repeat(64)], 2, [/64 characters, at most 25/]],
    ["a seat name that is a path", ["down", "--seat", "../x"], 2, [/"\.\.\/x" can't be/]],
    ["a duration without unit", ["up", "--ttl", "3"], 2, [/--ttl 3 is not a duration/, /1h30m/]],
    ["an ssh to no seat", ["ssh", "guest"], 6, [/there is no seat/, /trilab up/]],
    [
      "logs of no seat",
      ["logs", "guest", "--seat", "nobody"],
      6,
      [/no seat named "nobody"/, /trilab status/],
    ],
    ["parity of no seat", ["parity"], 6, [/there is no seat/]],
    ["cp from no seat", ["cp", "guest:/etc/hosts", "."], 6, [/there is no seat/]],
  ] as const)("%s", async (_, args, exitCode, says) => {
    const run = await home.trilab(args);
    expectError(run, exitCode, ...says);
    expect(run.stdout).toBe("");
  });

  test("status of a seat that is not there: exit 6; of none at all: none", async () => {
    expectError(
      await home.trilab(["status", "--seat", "nobody"]),
      6,
      /no seat named "nobody"/,
      /trilab status/,
    );
    expect(await home.trilab(["status"])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining("Nothing is up"),
    });
  });
});

test("output that can't be written is a failure; a directory that is gone is said so", async () => {
  const sh = async (script: string): Promise<Run> => {
    const { exitCode, stderr, stdout } = await execa(
      "sh",
      ["-c", script, process.execPath, join(repoDir, "dist/cli/bin.js")],
      { reject: false },
    );
    return { exitCode, stderr, stdout };
  };
  for (const args of ["labs ls", "labs ls --json"]) {
    const full = await sh(`"$0" "$1" ${args} >/dev/full`);
    expectError(full, 1, /standard output can't be written/, /no space left/);
  }
  const gone = await sh('d=$(mktemp -d) && cd "$d" && rmdir "$d" && exec "$0" "$1" status');
  expectError(gone, 2, /current directory is gone/, /cd/);
});

describe("lab.yaml", () => {
  test.each([
    ["an unknown key", "machine: { cpu: 1 }", [/machine\.cpu: is not known; did you mean "cpus"/]],
    ["a wrong unit", "machine: { memory: 512MB }", [/machine\.memory: "512MB" is not a size.*MiB/]],
    ["a size without unit", "machine: { memory: 512 }", [/machine\.memory: must be a size with a unit/]],
    ["a negative size", "machine: { disk: -4GiB }", [/machine\.disk: "-4GiB" is not a size/]],
    ["too many CPUs to be true", "machine: { cpus: 0 }", [/machine\.cpus/]],
    [
      "a package that is none",
      "machine: { packages: ['a b;c'] }",
      [/machine\.packages\.0: is not a Debian package name/],
    ],
    ["no YAML", "machine: [", [/line \d+/]],
    ["two faults at once", "ttl: soon\ntargets: [cloud]", [/ttl: "soon" is not a duration/, /targets\.0/]],
  ])("%s", async (_, yaml, says) => {
    const run = await home.trilab(["up", await home.lab("faulty", `${yaml}\n`), "--seat", seat]);
    expectError(run, 2, /faulty\/lab\.yaml is not a valid lab/, ...says);
  });

  test("a name that is no DNS label, and one that is not the folder's", async () => {
    expectError(
      await home.trilab(["up", await home.lab("My_Lab", ""), "--seat", seat]),
      2,
      /name: "My_Lab" may contain only/,
    );
    const folder = await home.lab("other", "");
    const { rename } = await import("node:fs/promises");
    await rename(folder, `${folder}-moved`);
    expectError(await home.trilab(["up", `${folder}-moved`, "--seat", seat]), 2, /folder is "other-moved"/);
  });

  test("a machine larger than the host, before anything is made", async () => {
    const lab = await home.lab("huge", "machine: { cpus: 64, memory: 900GiB, disk: 900TiB }\n");
    const run = await home.trilab(["up", lab, "--seat", home.seat("h", "huge")]);
    expectError(
      run,
      2,
      /larger than this host/,
      /machine\.cpus: 64, but/,
      /machine\.memory: 900GiB, but/,
      /machine\.disk: 900TiB, but .* free/,
    );
    expect(await residueOf("huge", seat)).toEqual([]);
  });
});
