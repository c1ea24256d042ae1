import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import { repoDir } from "../../base/paths.js";
import { pollUntil } from "../../base/poll.js";
import { connect } from "../../drivers/drivers.js";
import { LOCAL } from "../../model/endpoint.js";
import { Baseline, NoBaseline } from "../../probes/baseline.js";
import { baselinesDir, cgroupRoots, sweepBaselines } from "../../probes/baseline-leftovers.js";
import { runDocumentSchema } from "../../probes/run-document.js";

/** A real container, and a plain process on the host with its files, as root. */
const seat = `base${process.pid}`;
const name = `trilab-first-boot-${seat}-container`;
let dir: string;

const trilab = (...args: string[]) =>
  execa("node", [join(repoDir, "dist/cli/bin.js"), ...args], { reject: false });
const container = connect(LOCAL.docker).machine(name, "lab");
const open = () => Baseline.open([{ machine: container }], "lab");

/** The processes of this test that make baselines. */
const makers = new Set([process.pid]);

/** Whether a cgroup is of a baseline that another command on this machine uses now: its name has that command's pid. */
function isElses(group: string): boolean {
  const pid = Number(/^trilab-baseline-(\d+)-/.exec(group)?.[1]);
  return !makers.has(pid) && existsSync(`/proc/${pid}`);
}

/** Cgroups, folders, and mounts of baselines, and processes that run in their cgroups. */
async function left(): Promise<string[]> {
  const groups = await Promise.all(
    (await cgroupRoots()).folders.map(async (folder) =>
      (await readdir(folder)).filter((entry) => entry.startsWith("trilab-baseline-") && !isElses(entry)),
    ),
  );
  const folders = await readdir(baselinesDir()).catch(() => []);
  const mounts: string[] = [];
  for (const pid of (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry))) {
    const text = await readFile(`/proc/${pid}/mountinfo`, "utf8").catch(() => "");
    if (text.includes(baselinesDir())) mounts.push(`mounted for process ${pid}`);
  }
  return [...groups.flat(), ...folders, ...mounts];
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "trilab-baseline-"));
  process.env.XDG_STATE_HOME = dir;
  const up = await trilab("up", "first-boot", "--seat", seat, "--on", "container", "--yes");
  expect(up.exitCode, up.stderr).toBe(0);
});

afterAll(async () => {
  const down = await trilab("down", "first-boot", "--seat", seat);
  expect(down.exitCode, down.stderr).toBe(0);
  await rm(dir, { recursive: true, force: true });
});

it("has the container's files, user and limits, and is gone when it is closed", async () => {
  const baseline = await open();
  const said = async (...command: string[]) => (await baseline.exec(command)).stdout.trim();
  const { stdout: sum } = await execa("docker", ["exec", name, "sha256sum", "/usr/bin/sysbench"]);
  expect(await said("sha256sum", "/usr/bin/sysbench")).toBe(sum);
  expect(await said("id", "-un")).toBe("lab");
  expect((await baseline.exec(["touch", "/etc/written"], { root: true })).exitCode).not.toBe(0);
  expect((await baseline.exec(["touch", "/var/tmp/written"])).exitCode).toBe(0);
  const { memory, cpus } = await container.size();
  const [group = ""] = (await left()).filter((entry) => entry.startsWith("trilab-baseline-"));
  const { version, folders } = await cgroupRoots();
  const [cpu = "", other = ""] = folders;
  const limit = (path: string) => readFile(path, "utf8");
  if (version === 1) {
    expect(Number(await limit(join(cpu, group, "cpu.cfs_quota_us")))).toBe(cpus * 100_000);
    expect(Number(await limit(join(other, group, "memory.limit_in_bytes")))).toBe(memory);
  } else expect(await limit(join(cpu, group, "memory.max"))).toBe(`${memory}\n`);
  expect(await said("cat", "/proc/self/cgroup")).toContain(group);
  baseline.pin([0]);
  expect(await said("nproc")).toBe("1");
  expect(await baseline.running()).toBe(true);
  await baseline.close();
  expect(await left()).toEqual([]);
});

it("says why there is none", async () => {
  await expect(Baseline.open([], "lab")).rejects.toThrow(NoBaseline);
  const remote = connect({ kind: "docker", host: "tcp://127.0.0.1:1" }).machine(name, "lab");
  await expect(Baseline.open([{ machine: remote }], "lab")).rejects.toThrow(/another machine/);
  expect(await left()).toEqual([]);
});

async function startChild(): Promise<number> {
  const child = spawn("node", [join(repoDir, "test/probes/baseline-child.mjs"), name], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  makers.add(child.pid ?? Number.NaN);
  return child.pid ?? Number.NaN;
}

it("leaves nothing when its command is killed", async () => {
  const pid = await startChild();
  expect(await left()).not.toEqual([]);
  process.kill(pid, "SIGKILL");
  expect(await pollUntil(async () => (await left()).length === 0, { limitMs: 30_000, everyMs: 200 })).toBe(
    true,
  );
});

it("leaves nothing after the next command, when the process that cleans up is killed, too", async () => {
  const pid = await startChild();
  const { stdout } = await execa("ps", ["-o", "pid=", "--ppid", String(pid)]);
  for (const child of stdout.split("\n")) process.kill(Number(child), "SIGKILL");
  process.kill(pid, "SIGKILL");
  await pollUntil(async () => (await execa("ps", ["-p", String(pid)], { reject: false })).exitCode !== 0, {
    limitMs: 30_000,
    everyMs: 100,
  });
  expect(await left()).not.toEqual([]);
  await sweepBaselines();
  expect(await left()).toEqual([]);
});

it("compare measures it beside the container, and not as a target", async () => {
  const compared = await trilab("compare", "--quick", "--json", "--probes", "syscall,stop", "--seat", seat);
  expect(compared.exitCode, compared.stderr).toBe(0);
  const run = runDocumentSchema.parse(JSON.parse(compared.stdout));
  expect(run.baseline).toMatchObject({ measured: true });
  expect(run.targets).toEqual(["container"]);
  const [stop, syscall] = run.probes;
  expect(new Set(stop?.series.map((s) => s.target))).toEqual(new Set(["container"]));
  expect(syscall?.series.map((s) => [s.target, s.samples.length])).toEqual([
    ["container", 3],
    ["baseline", 3],
  ]);
  expect(run.overhead.map((s) => s.target)).toEqual(["container", "baseline"]);
  expect(await left()).toEqual([]);
});
