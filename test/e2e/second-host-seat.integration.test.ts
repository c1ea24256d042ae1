import { existsSync } from "node:fs";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { asRoot } from "../../base/privilege.js";
import type { RunDocument } from "../../probes/run-document.js";
import type { ParityReport } from "../../seats/parity.js";
import { type SecondHost, startSecondHost } from "../support/second-host.js";
import { residueOf } from "./residue.js";
import { expectDone, expectDown, expectError, machine, openHome, type Run, until, virsh } from "./support.js";

const LAB = "first-boot";

let there: SecondHost;
// Before the home's hooks: those run in reverse, and take the seats down while the host is there.
beforeAll(async () => {
  there = await startSecondHost();
});
afterAll(() => there?.stop());
const home = openHome(() => ({ ...there.env, XDG_CACHE_HOME: cache }));

/** The machine's cache at a path with a space and a percent sign, from which the images are uploaded. */
let cache: string;
beforeAll(async () => {
  cache = join(home.dir, "cache");
  await mkdir(cache);
  await symlink(join(there.env.XDG_CACHE_HOME ?? "", "trilab"), join(cache, "trilab"));
});

const inSeat = (seat: string, command: string, ...args: string[]) =>
  home.trilab([command, "--seat", seat, ...args]);
const ssh = (seat: string, target: string, ...command: string[]): Promise<Run> =>
  inSeat(seat, "ssh", target, "--", ...command);
const down = (seat: string, ...args: string[]) => home.trilab(["down", LAB, "--seat", seat, ...args]);

/** Everything that the other host has of seats, as its own tools list it. */
async function hasThere(): Promise<string[]> {
  const { exitCode, stdout, stderr } = await there.run(`set -e
    docker ps --all --format 'container {{.Names}}'
    docker network ls --filter label=trilab.seat --format 'container network {{.Name}}'
    docker volume ls --format 'volume {{.Name}}'
    virsh -q list --all --name | sed '/./s/^/domain /'
    virsh -q net-list --all --name | sed '/./s/^/network /'
    if virsh -q pool-info trilab >/dev/null 2>&1; then ls -1 /var/lib/libvirt/images/trilab; fi
    ls -1 /var/log/libvirt/qemu`);
  expect(exitCode, stderr).toBe(0);
  return stdout.split("\n").filter(Boolean);
}

/** Runs virsh on the other host. */
async function virshThere(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await there.run(`virsh -q ${args.join(" ")}`);
  expect(exitCode, stderr).toBe(0);
  return stdout.trim();
}

/** Makes the storage pools of the other host inactive, as an administrator can. */
async function stopPools(): Promise<void> {
  for (const pool of ["trilab", "trilab-images"]) await virshThere("pool-destroy", pool);
}

/** While nothing gets through to the other host: connections to it fail at once. */
async function outOfReach(body: () => Promise<void>): Promise<void> {
  const route = (what: string) => asRoot("ip", ["route", what, "unreachable", `${there.address}/32`]);
  await route("add");
  try {
    await body();
  } finally {
    await route("del");
  }
}

/** The states of a seat's targets, as `status` reports them. */
async function states(seat: string): Promise<Record<string, string>> {
  const { seats } = JSON.parse(expectDone(await inSeat(seat, "status", "--json")).stdout) as {
    seats: { target: string; state: string }[];
  };
  return Object.fromEntries(seats.map(({ target, state }) => [target, state]));
}

/**
 * What `parity` finds wrong with a seat. Not its clock: that of an emulated guest loses seconds on a busy host, and only
 * `up` sets it.
 */
async function wrong(seat: string): Promise<string[]> {
  // It tries once, and an emulated guest on a busy host sometimes does not answer SSH in time.
  const run = await until("parity is read", async () => {
    const tried = await inSeat(seat, "parity", "--json");
    return /does not answer SSH/.test(tried.stderr) ? undefined : tried;
  });
  const { rows } = JSON.parse(run.stdout || expectDone(run).stdout) as ParityReport;
  return rows.filter(({ id, verdict }) => verdict === "wrong" && id !== "clock").map(({ id }) => id);
}

/** Whether a quick run of one probe has figures, for each target. @param exitCode The command's. */
async function compare(
  seat: string,
  probe: string,
  exitCode = 0,
): Promise<[target: string, status: string][]> {
  const run = await inSeat(seat, "compare", "--quick", "--probes", probe, "--json");
  expect(run.exitCode, run.stderr).toBe(exitCode);
  const { probes } = JSON.parse(run.stdout) as RunDocument;
  const series = probes.find(({ id }) => id === probe)?.series ?? [];
  return series.map(({ target, status, samples }) => [
    target,
    status === "ok" && samples.length === 0 ? "empty" : status,
  ]);
}

/** Matches this text alone. */
const quoted = (text: string): string => text.replaceAll(/[.+/]/g, "\\$&");

describe("a seat whose machines are all on another host", () => {
  let seat: string;

  test("up: they run there, and nothing of it is here", async () => {
    seat = home.seat("a");
    const daemons = ["--docker", there.dockerHost, "--libvirt", there.libvirtUri];
    const run = expectDone(await home.trilab(["up", LAB, "--seat", seat, "--yes", "--json", ...daemons]));
    expect(JSON.parse(run.stdout)).toMatchObject({ changes: { create: 11 }, parity: { inTolerance: true } });
    const found = await hasThere();
    expect(found).toContain(`container ${machine(seat, "container")}`);
    expect(found).toContain(`domain ${machine(seat, "guest")}`);
    // The other host's processes are also this machine's.
    const here = (await residueOf(LAB, seat)).filter((line) => !line.startsWith("process "));
    expect(here).toEqual([]);
  });

  test("every command finds it, with no option and no variable that names a daemon", async () => {
    expect(await states(seat)).toEqual({ container: "running", guest: "running" });
    expect(await wrong(seat)).toEqual([]);
    const { answers } = JSON.parse(
      expectDone(await inSeat(seat, "run", "--json", "--", "uname", "-n")).stdout,
    ) as { answers: { target: "container" | "guest"; stdout: string }[] };
    expect(answers.map(({ stdout }) => stdout)).toEqual([machine(seat, "container"), machine(seat, "guest")]);
    for (const target of ["container", "guest"] as const) {
      expect(expectDone(await ssh(seat, target, "uname", "-n")).stdout).toBe(machine(seat, target));
      expect(await ssh(seat, target, "seq 3 | wc -l; exit 42")).toMatchObject({ exitCode: 42, stdout: "3" });
      expectDone(await inSeat(seat, "logs", target));
    }
    expect((await inSeat(seat, "logs", "guest")).stdout).toContain(machine(seat, "guest"));
  });

  test("what is piped into ssh arrives, and what is copied comes back the same", async () => {
    const [text, sent, back] = ["a line\n".repeat(10_000), join(home.dir, "sent"), join(home.dir, "back")];
    await writeFile(sent, text);
    for (const target of ["container", "guest"]) {
      const args = ["ssh", target, "--seat", seat, "--", "cat | wc -c"];
      expect(expectDone(await home.trilab(args, {}, text)).stdout).toBe(String(text.length));
      expectDone(await inSeat(seat, "cp", sent, `${target}:work.txt`));
      expectDone(await inSeat(seat, "cp", `${target}:work.txt`, back));
      expect(await readFile(back, "utf8")).toBe(text);
    }
  });

  test("compare leaves out what it can't read of another host, and fails when that is all", async () => {
    expect(await compare(seat, "memory", 1)).toEqual([
      ["container", "skipped"],
      ["guest", "skipped"],
    ]);
  });

  test("a second up changes nothing, with the engine and without", async () => {
    const again = async () => {
      const run = expectDone(await home.trilab(["up", LAB, "--seat", seat, "--json"]));
      expect(JSON.parse(run.stdout)).toMatchObject({ changes: { same: 11 }, mended: [] });
    };
    await again();
    await home.forgetDeployment(LAB, seat);
    await again();
  });

  // Not on this machine: other tests use its pools meanwhile.
  test("its storage pools are inactive: up starts them, and the guest runs on", async () => {
    const id = await virshThere("domid", machine(seat, "guest"));
    await stopPools();
    const run = expectDone(await home.trilab(["up", LAB, "--seat", seat, "--json"]));
    expect(JSON.parse(run.stdout)).toMatchObject({ parity: { inTolerance: true } });
    expect((await virshThere("pool-list", "--name")).split(/\s+/).sort()).toEqual([
      "trilab",
      "trilab-images",
    ]);
    expect(await virshThere("domid", machine(seat, "guest"))).toBe(id);
    expect(expectDone(await ssh(seat, "guest", "cat", "work.txt")).stdout).toMatch(/^a line/);
    await home.forgetDeployment(LAB, seat);
    const again = expectDone(await home.trilab(["up", LAB, "--seat", seat, "--json"]));
    expect(JSON.parse(again.stdout).changes).toEqual({ same: 11 });
  });

  test("its host is out of reach: down names it, and keeps everything", async () => {
    const [docker, libvirt] = [there.dockerHost, there.libvirtUri].map(
      (address) => new RegExp(quoted(address)),
    );
    await outOfReach(async () => {
      expectError(await down(seat), 3, docker ?? /^$/, /all of it was kept/, /--host-gone/);
      const status = expectDone(await inSeat(seat, "status"));
      expect(status.stdout.match(/not answered/g)).toHaveLength(2);
      for (const address of [docker, libvirt]) expect(status.stderr).toMatch(address ?? /^$/);
      const up = await home.trilab(["up", LAB, "--seat", seat]);
      expectError(up, 3, /host does not answer/, docker ?? /^$/, libvirt ?? /^$/);
    });
    for (const file of ["seat.json", "id_ed25519", "host_ed25519"])
      expect(existsSync(home.record(LAB, seat, file)), file).toBe(true);
    expect(expectDone(await ssh(seat, "guest", "cat", "work.txt")).stdout).toMatch(/^a line/);
  });

  test("down: nothing is left, here or there, nor in pools that are inactive", async () => {
    await stopPools();
    await expectDown(await down(seat, "--json"), LAB, seat);
    expect(await hasThere()).toEqual([]);
  });
});

describe("a seat with its container on another host, over TLS, and its guest here", () => {
  let seat: string;

  test("up: each machine runs where it was wanted", async () => {
    seat = home.seat("b");
    const { certPath, dockerHost } = there.tls;
    const tls = { DOCKER_HOST: dockerHost, DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: certPath };
    const run = expectDone(await home.trilab(["up", LAB, "--seat", seat, "--yes", "--json"], tls));
    expect(JSON.parse(run.stdout)).toMatchObject({ changes: { create: 11 }, parity: { inTolerance: true } });
    expect(await hasThere()).toContain(`container ${machine(seat, "container")}`);
    expect(await virsh("domstate", machine(seat, "guest"))).toBe("running");
  });

  test("both are found, with no variable that names a daemon", async () => {
    expect(await states(seat)).toEqual({ container: "running", guest: "running" });
    expect(await wrong(seat)).toEqual([]);
    for (const target of ["container", "guest"] as const)
      expect(expectDone(await ssh(seat, target, "uname", "-n")).stdout).toBe(machine(seat, target));
  });

  test("compare measures inside both", async () => {
    expect(await compare(seat, "syscall")).toEqual([
      ["container", "ok"],
      ["guest", "ok"],
    ]);
  });

  test("the container's host is gone for good: the guest is removed, and the receipt claims no more", async () => {
    const address = new RegExp(quoted(there.tls.dockerHost));
    await outOfReach(async () => {
      expectError(await down(seat), 3, address, /all of it was kept/, /--host-gone/);
      expect(await states(seat)).toEqual({ container: "not answered", guest: "running" });
      const run = expectDone(await down(seat, "--host-gone"));
      expect(run.stdout).toMatch(/containers +not asked/);
      expect(run.stdout).toMatch(/domains +0/);
      expect(run.stdout).toMatch(/:2376 was not asked: it does not answer/);
      expect(run.stdout).not.toMatch(/Nothing of it is left(?! at libvirt)/);
    });
    expect(await residueOf(LAB, seat)).toEqual([]);
    expect(existsSync(home.record(LAB, seat))).toBe(false);
    expectError(await down(seat), 6, /there is no seat/);
  });

  test("if it comes back, what is on it is found by its labels", async () => {
    expect(await hasThere()).toContain(`container ${machine(seat, "container")}`);
    const { certPath, dockerHost } = there.tls;
    const run = await home.trilab(
      ["down", LAB, "--seat", seat, "--by-label", "--json", "--docker", dockerHost],
      { DOCKER_CERT_PATH: certPath },
    );
    await expectDown(run, LAB, seat);
    expect(await hasThere()).toEqual([]);
  });
});

test("reap removes a seat on another host once its time is over", async () => {
  const seat = home.seat("c");
  const args = ["--on", "container", "--ttl", "45s", "--docker", there.dockerHost];
  expectDone(await home.trilab(["up", LAB, "--seat", seat, ...args]));
  expect(await hasThere()).toContain(`container ${machine(seat, "container")}`);
  const { expires } = JSON.parse(await readFile(home.record(LAB, seat), "utf8"));
  await until("its end", async () => Date.now() > Date.parse(expires));
  const reap = async () => {
    const { seats } = JSON.parse(expectDone(await home.trilab(["reap", "--json"])).stdout) as {
      seats: { seat: string; outcome?: string; receipt?: { residue: unknown[] } }[];
    };
    return seats.find((found) => found.seat === seat);
  };
  expect(await reap()).toMatchObject({ outcome: "removed", receipt: { residue: [] } });
  expect(await hasThere()).toEqual([]);
  expect(await reap()).toBe(undefined);
});
