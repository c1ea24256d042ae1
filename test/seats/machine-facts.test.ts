import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, describe, expect, it, vi } from "vitest";
import { GuestEnvironment } from "../../drivers/libvirt/guest-environment.js";
import { parseFacts, readFacts } from "../../seats/machine-facts.js";

const CALL = { before: 1_000_000, after: 1_004_000 };

/** What facts.sh printed in a guest of 512 MiB; shortened. */
const GUEST = `kernel=6.1.0-56-cloud-amd64
boot=21d7460e-0d3e-4a5c-9d1c-5d0f5c0a7a11
system=Linux
hostname=trilab-first-boot-root-guest
debian=12.15
init=systemd
cpu_quota=-1
disk_sectors=8388608
release=bookworm
mem_total_kb=481240
swap_total_kb=0
ram=0x0-0x9fbff
ram=0x100000-0x1ffdffff
cpus_visible=1
virtualisation=qemu
filesystem=/dev/root 4142161920
package=ii  apt 2.6.1 amd64
package=rc  gone 1 amd64
package=ii  adduser 3.134 all
clock=1001.5
`;

/** The same in a container under cgroup v1; the memory shown is the host's. */
const CONTAINER = `kernel=6.18.44
init=docker-init
cpu_quota=150000
cpu_period=100000
memory_limit=536870912
memsw_limit=536870912
dockerenv=1
release=bookworm
mem_total_kb=24000000
swap_total_kb=1000
cpus_visible=2
virtualisation=docker
filesystem=overlay 270465130496
package=ii  adduser 3.134 all
package=ii  apt 2.6.1 amd64
clock=999
`;

describe("facts", () => {
  it.each(["/dev/vda1", "tank/docker/0a1b", "overlay"])(
    "of a container whose root is %s: its disk is the file system, not the host's device",
    (source) => {
      const output = CONTAINER.replace("=overlay ", `=${source} `).replace(
        "release=",
        "disk_sectors=536870912\nrelease=",
      );
      expect(parseFacts(output, CALL)).toMatchObject({ disk: 270_465_130_496, diskLimit: "none" });
    },
  );

  it("of a container whose files are watched: the size to which they are kept, if the watch runs", () => {
    const limits = `file_limit=4294967296\n${CONTAINER}`;
    expect(parseFacts(limits, CALL)).toMatchObject({ disk: 270_465_130_496, diskLimit: "none" });
    const watched = { disk: 4 * 2 ** 30, diskLimit: "watched" };
    expect(parseFacts(`disk_watched=1\n${limits}`, CALL)).toMatchObject(watched);
    const unlimited = `disk_watched=1\nfile_limit=unlimited\n${CONTAINER}`;
    expect(parseFacts(unlimited, CALL)).toMatchObject({ diskLimit: "none" });
  });

  it("of a guest: all RAM the firmware gives, its own disk, every CPU it sees", () => {
    const facts = parseFacts(GUEST, CALL);
    expect(facts).toMatchObject({
      boot: "21d7460e-0d3e-4a5c-9d1c-5d0f5c0a7a11",
      resumed: false,
      cpus: 1,
      memory: 0x9fc00 + 0x1ffe0000 - 0x100000,
      memoryUsable: 481_240 * 1024,
      disk: 4 * 2 ** 30,
      diskLimit: "own",
      swap: 0,
      clockOffset: 0,
      packageCount: 2,
    });
  });

  it("of a guest that was resized: what its memory device added, and its balloon took", () => {
    const given = parseFacts(GUEST, CALL).memory;
    const after = (lines: string): number => parseFacts(`${lines}\n${GUEST}`, CALL).memory - given;
    expect(after("added_pages=65536\ntaken_pages=0\nreturned_pages=0")).toBe(256 * 2 ** 20);
    expect(after("added_pages=0\ntaken_pages=40000\nreturned_pages=7232")).toBe(-128 * 2 ** 20);
  });

  it("of a container: its cgroup's limits, and no swap, as they leave none of the host's", () => {
    expect(parseFacts(CONTAINER, CALL)).toMatchObject({
      cpus: 1.5,
      memory: 512 * 2 ** 20,
      memoryVisible: 24_000_000 * 1024,
      swap: 0,
      disk: 270_465_130_496,
      diskLimit: "none",
      clockOffset: -1,
    });
  });

  it("of a container: the host's swap as far as its cgroup allows", () => {
    const swap = (from: string, to: string) => parseFacts(CONTAINER.replace(from, to), CALL).swap;
    const MEMSW = "memsw_limit=536870912";
    expect(swap(MEMSW, "memsw_limit=537395200")).toBe(524_288);
    expect(swap(MEMSW, "memsw_limit=9223372036854771712")).toBe(1_024_000);
    expect(swap(MEMSW, "")).toBe(1_024_000); // the kernel does not count it
    expect(swap(MEMSW, "swap_limit=0")).toBe(0);
    expect(swap(MEMSW, "swap_limit=max")).toBe(1_024_000);
  });

  it("understand cgroup v2, with and without limits", () => {
    const v2 = (max: string, memory: string) =>
      parseFacts(
        CONTAINER.replace(/cpu_.*\n/g, "").replace(
          /memory_limit=.*/,
          `cpu_max=${max}\nmemory_limit=${memory}`,
        ),
        CALL,
      );
    expect(v2("200000 100000", "1048576")).toMatchObject({ cpus: 2, memory: 1_048_576 });
    expect(v2("max 100000", "max")).toMatchObject({ cpus: 2, memory: 24_000_000 * 1024 });
  });

  it("hash the same packages alike, whatever their order, and leave removed ones out", () => {
    expect(parseFacts(GUEST, CALL).packages).toBe(parseFacts(CONTAINER, CALL).packages);
    expect(parseFacts(GUEST.replace("2.6.1", "2.6.2"), CALL).packages).not.toBe(
      parseFacts(GUEST, CALL).packages,
    );
  });

  it("tell what became of the lab's services", () => {
    expect(parseFacts(GUEST, CALL).services).toEqual({});
    const lines = "service=nginx running\nservice=db@main starting\nservice=cron stopped\nservice=x odd\n";
    expect(parseFacts(lines + GUEST, CALL).services).toEqual({
      nginx: "running",
      "db@main": "starting",
      cron: "stopped",
    });
  });

  it("are NaN where nothing was read, so that they match nothing", () => {
    const facts = parseFacts("clock=x\n", CALL);
    expect([facts.memory, facts.cpus, facts.disk, facts.clockOffset]).toEqual([
      Number.NaN,
      Number.NaN,
      Number.NaN,
      Number.NaN,
    ]);
  });

  it("facts.sh runs in any POSIX shell and prints what it can", async () => {
    const { stdout } = await execa("sh", ["seats/facts.sh"], { stdin: "ignore" });
    const facts = parseFacts(stdout, { before: Date.now() - 60_000, after: Date.now() });
    expect(facts).toMatchObject({ system: "Linux", clockOffset: 0 });
    expect(facts.memoryVisible).toBeGreaterThan(2 ** 20);
  });
});

describe("the clock", () => {
  let bin: string;
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(bin, { recursive: true });
  });

  /** A rented machine whose login takes 1.2 s, and whose clock is a second behind until it is set. */
  async function slowMachine(): Promise<GuestEnvironment> {
    bin = await mkdtemp(join(tmpdir(), "trilab-test-"));
    const program = (name: string, text: string) =>
      writeFile(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    await program("ssh", 'sleep 1.2; for last; do :; done; exec sh -c "$last"');
    const behind = `/bin/date +%s.%N | awk '{ printf "%.3f", $1 - 1 }'`;
    await program(
      "date",
      `[ "$1" = -s ] && echo "\${2#@}" >${bin}/set && exit; if [ -e ${bin}/set ]; then exec /bin/date "$@"; else ${behind}; fi`,
    );
    vi.stubEnv("PATH", `${bin}:${process.env.PATH}`);
    const files = { identityFile: "", knownHostsFile: "" };
    return new GuestEnvironment({ target: "vps", name: "m", address: "192.0.2.1", user: "lab", ...files });
  }

  it("is judged by the exchange that read it, not by a login that takes longer", async () => {
    const { clockOffset } = await readFacts(await slowMachine());
    expect(clockOffset).toBeLessThan(-0.5);
    expect(clockOffset).toBeGreaterThan(-1.1);
  });

  it("is set again when a busy host let the answer grow old", async () => {
    const machine = await slowMachine();
    // The first time, setting it takes a second, and sets it to what was the time before.
    await writeFile(
      join(bin, "date"),
      `#!/bin/sh
[ "$1" = -s ] || exec /bin/date "$@"
echo "\${2#@}" >>${bin}/set
[ "$(wc -l <${bin}/set)" -gt 1 ] || sleep 1\n`,
      { mode: 0o755 },
    );
    await readFacts(machine, { setClock: true });
    const [first, second] = (await readFile(join(bin, "set"), "utf8")).trim().split("\n").map(Number);
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(1);
  });

  it("is set to ours before it is read, where that is asked for", async () => {
    const before = Date.now() / 1000;
    const { clockOffset } = await readFacts(await slowMachine(), { setClock: true });
    expect(clockOffset).toBe(0);
    const set = Number(await readFile(join(bin, "set"), "utf8"));
    expect(set).toBeGreaterThan(before);
    expect(set).toBeLessThan(Date.now() / 1000);
  });
});
