import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { rootfsDir } from "../../images/assets.js";

/** The very script that is in every machine. */
const SCRIPT = join(rootfsDir, "usr/local/lib/trilab/lifetime");
const inSeconds = (seconds: number): string => String(Math.floor(Date.now() / 1000) + seconds);

/** A root of its own, with two terminals, and a `systemctl` that only writes down how it was called. */
let root: string;
const path = (name: string): string => join(root, name);
const expiresFile = (): string => path("var/lib/trilab/expires");
const terminal = (name = "0"): Promise<string> => readFile(path(`dev/pts/${name}`), "utf8");
const env = (grace = 60): Record<string, string> => ({
  TRILAB_ROOT: root,
  TRILAB_GRACE: String(grace),
  PATH: `${path("bin")}:${process.env.PATH}`,
});
const lifetime = (args: string[], grace?: number) =>
  execa(SCRIPT, args, { reject: false, env: env(grace), stdin: "ignore" });
const poweredOff = (): Promise<string> => readFile(path("systemctl"), "utf8").catch(() => "");

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "trilab-lifetime-"));
  for (const dir of ["var/lib/trilab", "run", "dev/pts", "bin"]) await mkdir(path(dir), { recursive: true });
  for (const name of ["0", "1", "ptmx"]) await writeFile(path(`dev/pts/${name}`), "");
  await writeFile(path("bin/systemctl"), `#!/bin/sh\necho "$*" >>'${path("systemctl")}'\n`);
  await chmod(path("bin/systemctl"), 0o755);
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe("one look, as a guest's timer takes it", () => {
  it.each([
    ["there is no file", undefined],
    ["there is no end", "never"],
    ["the file is damaged", "soon; reboot"],
    ["there is time", inSeconds(700)],
  ])("does nothing while %s", async (_, expires) => {
    if (expires !== undefined) await writeFile(expiresFile(), `${expires}\n`);
    const { exitCode, stdout } = await lifetime(["check"]);
    expect({ exitCode, stdout, off: await poweredOff(), said: await terminal() }).toEqual({
      ...{ exitCode: 0, stdout: "", off: "", said: "" },
    });
  });

  it("powers off once the time is up, and says so", async () => {
    await writeFile(expiresFile(), `${inSeconds(-1)}\n`);
    expect((await lifetime(["check"])).stdout).toContain("time is up");
    expect(await poweredOff()).toBe("poweroff\n");
  });

  it("warns every open terminal, once for each threshold", async () => {
    const at = async (seconds: number): Promise<number> => {
      // The same end, seen later: what was warned of is remembered by end and threshold.
      const expires = inSeconds(seconds);
      await writeFile(expiresFile(), `${expires}\n`);
      const warned = await readFile(path("run/trilab-lifetime"), "utf8").catch(() => "");
      await writeFile(path("run/trilab-lifetime"), warned.replace(/^\d+/, expires));
      await lifetime(["check"]);
      return (await terminal()).match(/this machine ends in/g)?.length ?? 0;
    };
    expect([await at(605), await at(595), await at(400), await at(290), await at(200), await at(50)]).toEqual(
      [0, 1, 1, 2, 2, 3],
    );
    expect(await terminal("1")).toBe(await terminal("0"));
    expect(await terminal("ptmx")).toBe("");
    expect(await terminal()).toMatch(/ends in 10 min[\s\S]*ends in 5 min[\s\S]*ends in 1 min/);
  });

  it("warns anew when the end has been moved", async () => {
    await writeFile(expiresFile(), `${inSeconds(500)}\n`);
    await lifetime(["check"]);
    await lifetime(["set", inSeconds(550)]);
    await lifetime(["check"]);
    expect((await terminal()).match(/extend 1h/g)).toHaveLength(2);
  });
});

describe("a container's main program", () => {
  it("ends with 0 when the time is up, having written it down for others to move", async () => {
    const expires = inSeconds(2);
    const { exitCode } = await lifetime(["run", expires]);
    expect(exitCode).toBe(0);
    expect((await readFile(expiresFile(), "utf8")).trim()).toBe(expires);
    expect(Math.floor(Date.now() / 1000)).toBeGreaterThanOrEqual(Number(expires));
  });

  it("keeps to the file, not to what it was started with", async () => {
    await writeFile(expiresFile(), `${inSeconds(2)}\n`);
    expect((await lifetime(["run", "never"])).exitCode).toBe(0);
  });

  it("gives who starts it after its end a moment to move it", async () => {
    const began = Date.now();
    await writeFile(expiresFile(), "1000\n");
    expect((await lifetime(["run", "1000"], 2)).exitCode).toBe(0);
    expect(Date.now() - began).toBeGreaterThan(900);
    const child = spawn(SCRIPT, ["run", "1000"], { env: { ...process.env, ...env(4) }, stdio: "ignore" });
    await lifetime(["set", "never"]);
    await sleep(6_000);
    expect(child.exitCode).toBe(null);
    child.kill();
    await once(child, "exit");
  });

  it("heeds SIGTERM at once, and starts no process while it waits", async () => {
    const child = spawn(SCRIPT, ["run", "never"], { env: { ...process.env, ...env() }, stdio: "ignore" });
    const proc = `/proc/${child.pid}`;
    const sleepsAlone = async (): Promise<boolean> =>
      existsSync(expiresFile()) &&
      / S /.test(await readFile(`${proc}/stat`, "utf8")) &&
      (await readFile(`${proc}/task/${child.pid}/children`, "utf8")) === "";
    while (!(await sleepsAlone())) await sleep(20); // for ever, if it had to fork to wait
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([143, null]);
  });

  it("holds on to no output that it was started with, and writes to its log instead", async () => {
    await mkdir(path("var/log"));
    const child = spawn(SCRIPT, ["run", inSeconds(3)], { env: { ...process.env, ...env() } });
    // Both end while it runs.
    await Promise.all([child.stdout, child.stderr].map((stream) => once(stream.resume(), "end")));
    expect(child.exitCode).toBe(null);
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(await readFile(path("var/log/trilab.log"), "utf8")).toMatch(/ends in 1 min[\s\S]*time is up/);
  });

  it.each(["no folder", "a FIFO in its place"])("runs without a log, too: %s", async (obstacle) => {
    if (obstacle !== "no folder") {
      await mkdir(path("var/log"));
      await execa("mkfifo", [path("var/log/trilab.log")]);
    }
    expect(await lifetime(["run", inSeconds(1)])).toMatchObject({ exitCode: 0, stdout: "", stderr: "" });
  });
});

describe("the watch over a container's files", () => {
  const MIB = 1024 ** 2;
  /** What the host's disks have written: a disk and its partition, in sectors. */
  const hostWrote = (mib: number): Promise<void> =>
    writeFile(path("proc/diskstats"), `   8 0 sda 1 0 8 0 1 0 ${mib * 2048} 0 0 0 0\n`);
  const log = (): Promise<string> => readFile(path("var/log/trilab.log"), "utf8").catch(() => "");
  const soon = async (holds: () => Promise<boolean>): Promise<boolean> => {
    for (let i = 0; i < 80; i++) {
      if (await holds()) return true;
      await sleep(100);
    }
    return false;
  };
  let child: ReturnType<typeof spawn>;
  const start = async (expires = "never"): Promise<void> => {
    for (const dir of ["proc", "var/log", "home/lab"]) await mkdir(path(dir), { recursive: true });
    await hostWrote(100);
    const limited = ["-c", `ulimit -f ${64 * 1024}; exec "$0" run ${expires}`, SCRIPT];
    child = spawn("bash", limited, { env: { ...process.env, ...env() }, stdio: "ignore", detached: true });
  };
  // The watch outlives process 1, except in a container.
  afterEach(() => process.kill(-Number(child.pid), "SIGKILL"));

  it("counts only when the host has written as much as still fits, and says once what is too much", async () => {
    await start();
    await writeFile(path("home/lab/a"), Buffer.alloc(40 * MIB));
    await writeFile(path("b"), Buffer.alloc(40 * MIB));
    await sleep(2_500);
    expect(await log()).toBe("");
    await hostWrote(117);
    expect(await soon(async () => (await log()) !== "")).toBe(true);
    expect(await log()).toMatch(
      /^trilab: the files in this container take 8\d MiB, and its disk has 64 MiB\./,
    );
    expect(await terminal()).toContain("All programs in it are ended now. Delete files");
    await hostWrote(200);
    await sleep(2_500);
    expect((await log()).match(/take/g)).toHaveLength(1);
    await writeFile(path("c"), Buffer.alloc(20 * MIB));
    await hostWrote(300);
    expect(await soon(async () => (await log()).match(/take/g)?.length === 2)).toBe(true);
  });

  it("does not keep the container from ending in time", async () => {
    await start(inSeconds(4));
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(await log()).toMatch(/ends in 1 min[\s\S]*time is up/);
  });

  it("says nothing while all fits", async () => {
    await start();
    await writeFile(path("a"), Buffer.alloc(20 * MIB));
    await hostWrote(500);
    await sleep(2_500);
    expect(await log()).toBe("");
    expect(child.exitCode).toBe(null);
  });
});

describe("moving the end", () => {
  it.each(["", "soon", "-5", "0", "1e9", "12 34"])("refuses %j and keeps what is there", async (word) => {
    await writeFile(expiresFile(), "never\n");
    expect((await lifetime(["set", word])).exitCode).toBe(2);
    expect(await readFile(expiresFile(), "utf8")).toBe("never\n");
  });

  it("leaves a file that every login can read", async () => {
    await lifetime(["set", "1767236400"]);
    const { stdout } = await execa("stat", ["-c", "%a", expiresFile()]);
    expect({ mode: stdout, text: await readFile(expiresFile(), "utf8") }).toEqual({
      mode: "644",
      text: "1767236400\n",
    });
  });
});

describe("a login", () => {
  it.each([
    [30, /ends in 1 min/],
    [599, /ends in 10 min/],
    [700, /^$/],
  ])("with %i s left says %s", async (seconds, says) => {
    await writeFile(expiresFile(), `${inSeconds(seconds)}\n`);
    const { exitCode, stdout } = await lifetime(["left"]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(says);
  });
});
