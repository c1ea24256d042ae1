import { execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ExitCode } from "../../base/errors.js";
import { ContainerEnvironment } from "../../drivers/docker/container-environment.js";
import type { Environment } from "../../drivers/environment.js";
import { GuestEnvironment } from "../../drivers/libvirt/guest-environment.js";
import { LOCAL } from "../../model/endpoint.js";

/** Runs here what should run inside: after the machine's name, in its login user's home. */
const DOCKER = 'while [ "$1" != machine ]; do shift; done; shift; cd "$TRILAB_TEST_HOME" && exec "$@"';
/** As sshd does: the last argument is a line for the login shell. */
const SSH = 'for line; do :; done; cd "$TRILAB_TEST_HOME" && exec bash -c "$line"';

let folder: string;
let inside: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "trilab-entry-"));
  inside = join(folder, "home");
  await mkdir(join(folder, "bin"));
  await mkdir(inside);
  for (const [name, script] of [
    ["docker", DOCKER],
    ["ssh", SSH],
  ] as const)
    await writeFile(join(folder, "bin", name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  vi.stubEnv("PATH", `${join(folder, "bin")}${delimiter}${process.env.PATH}`);
  vi.stubEnv("TRILAB_TEST_HOME", inside);
  vi.stubEnv("XDG_STATE_HOME", folder);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const access = { target: "guest", name: "machine", address: "10.0.0.2", user: "lab" } as const;
const files = { identityFile: "/k", knownHostsFile: "/h", consoleLog: "log" };

describe.each<[string, () => Environment]>([
  ["container", () => new ContainerEnvironment("machine", "lab", LOCAL.docker)],
  ["guest", () => new GuestEnvironment({ ...access, ...files })],
])("the %s", (_, open) => {
  it("takes one word as a line of shell, several as they are, and tells a missing program by 127", async () => {
    const said = async (...words: string[]): Promise<[number, string]> => [
      await open().shell(words),
      await readFile(join(inside, "out"), "utf8").catch(() => ""),
    ];
    expect(await said("echo a  b | wc -w >out; exit 3")).toEqual([3, "2\n"]);
    expect(await said("sh", "-c", 'printf "%s|" "$@" >out; exit 4', "sh", "a  b", "$HOME", "it's")).toEqual([
      4,
      "a  b|$HOME|it's|",
    ]);
    expect((await said("no-such-program"))[0]).toBe(127);
    expect((await said("no-such-program", "-x"))[0]).toBe(127);
    expect((await said("/etc/passwd", "-x"))[0]).toBe(126);
  });

  it("returns what the same command printed, by the same rule, without what a terminal obeys", async () => {
    const env = open();
    expect(await env.capture(["echo a  b | wc -w; echo 'bad\u001b[2J' >&2; exit 3"])).toEqual({
      ...{ exitCode: 3, stdout: "2", stderr: "bad" },
    });
    expect(await env.capture(["printf", "%s|", "a  b", "$HOME"])).toMatchObject({ stdout: "a  b|$HOME|" });
    expect(await env.capture(["exit 4"])).toEqual({ exitCode: 4, stdout: "", stderr: "" });
    expect(await env.capture(["no-such-program"])).toMatchObject({
      ...{ exitCode: 127, stderr: "bash: line 1: no-such-program: command not found" },
    });
  });

  it("says nothing that a terminal obeys", async () => {
    const pieces: string[] = [];
    const { stdout, stderr } = await open().exec(["printf", "\u001b[2Jred\u0007\n"], {
      onOutput: (text) => pieces.push(text),
    });
    expect([stdout, stderr, pieces.join("")]).toEqual(["red", "", "red\n"]);
    expect((await open().exec(["sh", "-c", "printf '\\033]0;x\\007bad' >&2; exit 1"])).stderr).toBe("bad");
  });

  it("takes a file in: from the home folder, into a folder, with its permissions", async () => {
    const file = join(folder, "my notes");
    await writeFile(file, "words");
    await chmod(file, 0o750);
    await mkdir(join(inside, "sub"));
    for (const [to, arrives] of [
      [".", "my notes"],
      ["sub", "sub/my notes"],
      ["sub/", "sub/my notes"],
      ["~/b", "b"],
      ["-c", "-c"],
      [join(inside, "d"), "d"],
    ] as const) {
      await open().copy("in", file, to);
      expect([arrives, await readFile(join(inside, arrives), "utf8")]).toEqual([arrives, "words"]);
      expect((await stat(join(inside, arrives))).mode & 0o777).toBe(0o750);
    }
    await expect(open().copy("in", file, "none/")).rejects.toMatchObject({ exitCode: ExitCode.usage });
    await expect(open().copy("in", join(folder, "none"), "x")).rejects.toMatchObject({ exitCode: 2 });
  });

  it("takes a folder in and gives it back, links followed", async () => {
    const from = join(folder, "from");
    await mkdir(join(from, "deep"), { recursive: true });
    await writeFile(join(from, "deep", "a"), "a", { mode: 0o640 });
    await symlink("deep/a", join(from, "link"));
    await open().copy("in", from, "new");
    await open().copy("in", from, "new");
    expect((await readdir(inside, { recursive: true })).sort()).toEqual(
      [
        "new",
        "new/deep",
        "new/deep/a",
        "new/link",
        ...["", "/deep", "/deep/a", "/link"].map((f) => `new/from${f}`),
      ].sort(),
    );
    expect((await stat(join(inside, "new/deep/a"))).mode & 0o777).toBe(0o640);
    const back = join(folder, "back");
    await open().copy("out", back, "new");
    await open().copy("out", `${back}/`, "new/from");
    expect(await readFile(join(back, "from", "link"), "utf8")).toBe("a");
    expect((await stat(join(back, "deep/a"))).mode & 0o777).toBe(0o640);
    await open().copy("out", join(back, "one"), "new/deep/a");
    expect((await stat(join(back, "one"))).mode & 0o777).toBe(0o640);
  });

  it("opens no FIFO, on either side, and copies the rest of a folder that holds one", async () => {
    await mkdir(join(inside, "d"));
    await writeFile(join(inside, "d", "a"), "a");
    const fifos = [join(folder, "fifo"), join(inside, "fifo"), join(inside, "d", "fifo")];
    for (const fifo of fifos) execFileSync("mkfifo", [fifo]);
    const file = join(folder, "file");
    await writeFile(file, "");
    const usage = { exitCode: ExitCode.usage };
    await expect(open().copy("in", join(folder, "fifo"), "x")).rejects.toMatchObject(usage);
    await expect(open().copy("in", file, "fifo")).rejects.toMatchObject(usage);
    await expect(open().copy("out", join(folder, "x"), "fifo")).rejects.toMatchObject(usage);
    await expect(open().copy("out", join(folder, "fifo"), "d/a")).rejects.toMatchObject(usage);
    await expect(open().copy("out", join(folder, "d"), "d")).rejects.toMatchObject({
      why: expect.stringContaining("fifo"),
    });
    expect(await readdir(join(folder, "d"))).toEqual(["a"]);
    expect((await readdir(folder)).filter((name) => name.startsWith(".trilab"))).toEqual([]);
  });

  it("leaves what is here as it is when the machine refuses", async () => {
    await writeFile(join(folder, "mine"), "mine");
    await writeFile(join(inside, "theirs"), "theirs");
    await writeFile(join(folder, "bin", "cat"), "#!/bin/sh\necho no >&2; exit 1\n", { mode: 0o755 });
    await expect(open().copy("out", join(folder, "mine"), "theirs")).rejects.toThrow(/can't copy theirs/);
    expect(await readFile(join(folder, "mine"), "utf8")).toBe("mine");
  });

  it("hands back nothing that runs with its owner's rights", async () => {
    await mkdir(join(inside, "d"));
    await writeFile(join(inside, "d", "tool"), "");
    await chmod(join(inside, "d", "tool"), 0o4755);
    await open().copy("out", join(folder, "d"), "d");
    expect((await stat(join(folder, "d", "tool"))).mode & 0o7777).toBe(0o755);
  });
});
