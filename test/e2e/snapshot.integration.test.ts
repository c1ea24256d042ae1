import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { residueOf } from "./residue.js";
import {
  expectDone,
  expectDown,
  expectError,
  host,
  machine,
  openHome,
  type Run,
  type Running,
  tryHost,
  until,
  virsh,
} from "./support.js";

const LAB = "first-boot";
const home = openHome();

/** A seat of this file, brought up at the begin of its tests. */
class Seat {
  readonly name: string;

  constructor(
    letter: string,
    private readonly targets: readonly ("container" | "guest")[],
  ) {
    this.name = home.seat(letter);
    beforeAll(async () => void (await this.up()));
  }

  private words(args: readonly string[]): string[] {
    return [...args, "--lab", LAB, "--seat", this.name];
  }

  run(...args: string[]): Promise<Run> {
    return home.trilab(this.words(args));
  }

  start(...args: string[]): Running {
    return home.start(this.words(args));
  }

  async up(): Promise<object> {
    const args = ["up", LAB, "--seat", this.name, "--on", this.targets.join(), "--json"];
    return JSON.parse(expectDone(await home.trilab(args)).stdout);
  }

  /** One line of shell in a target, as root. */
  async inside(target: string, line: string): Promise<string> {
    const words = this.words(["ssh", target, "--root"]);
    return expectDone(await home.trilab([...words, "--", line])).stdout.trim();
  }

  file(name: string): string {
    return home.record(LAB, this.name, name);
  }

  machine(target: "container" | "guest"): string {
    return machine(this.name, target);
  }

  /** When the engine last wrote the seat's state. */
  async stateTime(): Promise<number> {
    return (await stat(home.checkpoint(LAB, this.name))).mtimeMs;
  }

  /** What Docker says of the container, but for what is each container's own. */
  async container(): Promise<object> {
    const [info] = JSON.parse(await host("docker", "container", "inspect", this.machine("container")));
    const { Config, HostConfig, Image, Mounts, Name, NetworkSettings } = info;
    const { EndpointID: _, Aliases: __, ...network } = NetworkSettings.Networks[Name.slice(1)];
    return { Config, HostConfig, Image, Mounts, Name, network };
  }
}

/** An `up` that changed nothing of this many resources. */
const unchanged = (resources: number) =>
  expect.objectContaining({ changes: { same: resources }, mended: [] });

describe("reset and snapshots of container and guest", () => {
  const seat = new Seat("b", ["container", "guest"]);

  test("asks; with no terminal it changes nothing, and says what would be lost", async () => {
    const run = await seat.run("reset");
    expectError(run, 2, /nothing was changed/, /container's files \(.*guest's files \(/, /--yes/);
    expect((await seat.run("reset", "vps", "--yes")).exitCode).toBe(6);
    expect((await seat.run("reset", "gast", "--yes")).exitCode).toBe(2);
  });

  test("gives both back as after their first start, with address, keys and present end", async () => {
    expectDone(await seat.run("extend", "20m"));
    await seat.up(); // The engine runs, because the end is one of the settings.
    const damage =
      "echo x >~lab/work; rm -f ~lab/.bashrc; chmod 700 ~lab; echo x >/etc/work; rm -f /bin/less; sync";
    for (const target of ["container", "guest"]) await seat.inside(target, damage);
    const before = {
      container: await seat.container(),
      domain: await virsh("dumpxml", "--inactive", seat.machine("guest")),
      knownHosts: await readFile(seat.file("known_hosts"), "utf8"),
      expires: await seat.inside("guest", "cat /var/lib/trilab/expires"),
    };
    const { machines } = JSON.parse(expectDone(await seat.run("reset", "--yes", "--json")).stdout);
    expect(machines).toEqual([
      { target: "container", seconds: expect.any(Number) },
      { target: "guest", seconds: expect.any(Number) },
    ]);
    expect(await seat.container()).toEqual(before.container);
    expect(await virsh("dumpxml", "--inactive", seat.machine("guest"))).toBe(before.domain);
    expect(await readFile(seat.file("known_hosts"), "utf8")).toBe(before.knownHosts);
    for (const target of ["container", "guest"] as const) {
      const look =
        "cat /var/lib/trilab/expires /etc/hostname; ls -A ~lab; stat -c %a ~lab; ls /etc/work /bin/less || true";
      expect((await seat.inside(target, look)).split("\n")).toEqual([
        before.expires,
        seat.machine(target),
        ...[".bash_logout", ".bashrc", ".profile"],
        "755",
        "/bin/less",
      ]);
    }
    const offset = Number(await seat.inside("guest", "date +%s")) - Date.now() / 1000;
    expect(Math.abs(offset)).toBeLessThan(10);
  });

  test("leaves the next up nothing to do, with the engine and without", async () => {
    const before = await seat.stateTime();
    expect(await seat.up()).toEqual(unchanged(11));
    expect(await seat.stateTime()).toBe(before);
    await home.forgetDeployment(LAB, seat.name);
    expect(await seat.up()).toEqual(unchanged(11));
    expect(await seat.stateTime()).not.toBe(before);
  });

  /** Starts what shows whether the guest goes on from its memory. */
  const startMark = () =>
    seat.inside("guest", "setsid sleep 86400 >/dev/null 2>&1 </dev/null & echo one >~lab/work; sync");
  const markRuns = async () => (await seat.inside("guest", "pgrep -cx sleep || true")) === "1";
  const parts = async (name: string): Promise<string[]> => {
    await virsh("pool-refresh", "trilab");
    const volumes = (await virsh("vol-list", "trilab"))
      .split("\n")
      .map((line) => line.trim().split(/\s/)[0] ?? "");
    return volumes.filter((volume) => volume.startsWith(`${seat.machine("guest")}.${name}.snapshot.`));
  };

  test("a snapshot of both is saved, and up notices nothing of it", async () => {
    await startMark();
    await seat.inside(
      "container",
      "echo one >~lab/work; rm ~lab/.bashrc; echo one >/etc/work; rm -f /bin/less",
    );
    const { snapshots } = JSON.parse(
      expectDone(await seat.run("snapshot", "save", "before", "--json")).stdout,
    );
    const shape = { name: "before", at: expect.any(String), bytes: expect.any(Number) };
    expect(snapshots).toEqual([
      { ...shape, target: "container", memory: false },
      { ...shape, target: "guest", memory: true },
    ]);
    // Emulated, the guest has touched more than 64 MiB of its memory.
    expect(snapshots[1].bytes).toBeGreaterThan(64 * 2 ** 20);
    expect(JSON.parse(expectDone(await seat.run("snapshot", "ls", "--json")).stdout)).toMatchObject({
      snapshots,
      unanswered: [],
    });
    expect(await markRuns()).toBe(true);
    const before = await seat.stateTime();
    expect(await seat.up()).toEqual(unchanged(11));
    expect(await seat.stateTime()).toBe(before);
  });

  test("what can't be saved or restored is refused, and nothing is lost", async () => {
    expectError(await seat.run("snapshot", "save", "before"), 2, /has a snapshot "before" already/);
    expectError(await seat.run("snapshot", "save", "A.b"), 2, /can't be a snapshot's name/);
    expectError(
      await seat.run("snapshot", "restore", "after", "--yes"),
      6,
      /no snapshot "after"/,
      /it has: before/,
    );
    expectError(await seat.run("snapshot", "rm", "after"), 6, /no snapshot "after"/);
    expectError(
      await seat.run("snapshot", "restore", "before"),
      2,
      /nothing was changed/,
      /to snapshot "before"/,
    );
    expect(await markRuns()).toBe(true);
  });

  test("restoring gives back files and memory; the end and the time are the present ones", async () => {
    expectDone(await seat.run("extend", "20m"));
    await seat.up();
    const change = "echo two >~lab/work; touch ~lab/.bashrc /etc/new; rm -f /etc/work; sync";
    for (const target of ["container", "guest"]) await seat.inside(target, change);
    await seat.inside("guest", "pkill -x sleep");
    const expires = await seat.inside("guest", "cat /var/lib/trilab/expires");
    const { Image: _, ...before } = (await seat.container()) as Record<string, Record<string, unknown>>;
    expectDone(await seat.run("snapshot", "restore", "before", "--yes"));
    expect(await markRuns()).toBe(true);
    const look = "cat /var/lib/trilab/expires ~lab/work; ls /etc/new 2>&1; ls -A ~lab";
    expect(await seat.inside("guest", look)).toMatch(
      new RegExp(`^${expires}\\none\\nls: .*new.*\\n.bash_logout\\n.bashrc\\n`),
    );
    expect(await seat.inside("container", `${look}; cat /etc/work; ls /bin/less 2>&1 || true`)).toMatch(
      new RegExp(`^${expires}\\none\\nls: .*new.*\\n.bash_logout\\n.profile\\nwork\\none\\nls: .*less`),
    );
    const { Image: __, ...after } = (await seat.container()) as Record<string, Record<string, unknown>>;
    expect({ ...after, Config: { ...after.Config, Image: before.Config?.Image } }).toEqual(before);
    const offset = Number(await seat.inside("guest", "date +%s")) - Date.now() / 1000;
    expect(Math.abs(offset)).toBeLessThan(10);
  });

  test("after that the next up has nothing to do, with the engine and without", async () => {
    const before = await seat.stateTime();
    expect(await seat.up()).toEqual(unchanged(11));
    expect(await seat.stateTime()).toBe(before);
    await home.forgetDeployment(LAB, seat.name);
    expect(await seat.up()).toEqual(unchanged(11));
  });

  test("a snapshot that a container was made from can be removed; its image goes with the container", async () => {
    const images = async () =>
      (await host("docker", "images", "-q", "--filter", `label=trilab.seat=${seat.name}`))
        .split("\n")
        .filter(Boolean);
    expectDone(await seat.run("snapshot", "rm", "before", "--on", "container"));
    expect(await images()).toHaveLength(1);
    expect(await seat.inside("container", "cat ~lab/work")).toBe("one");
    expectDone(await seat.run("reset", "container", "--yes"));
    expect(await images()).toEqual([]);
    expectError(
      await seat.run("snapshot", "restore", "before", "--on", "container", "--yes"),
      6,
      /of its container/,
    );
  });

  test("a full disk: nothing is left of the snapshot, and the guest goes on", async () => {
    const file = `/var/lib/libvirt/images/trilab/${seat.machine("guest")}.full.snapshot.memory`;
    await writeFile(file, "");
    await host("mount", "--bind", "/dev/full", file);
    let run: Run;
    try {
      run = await seat.run("snapshot", "save", "full", "--on", "guest");
    } finally {
      await host("umount", file);
    }
    expectError(run, 3, /libvirt refuses "save/, /[Nn]o space left/);
    expect(await markRuns()).toBe(true);
    expect(existsSync(seat.file("changing-guest.json"))).toBe(false);
    await tryHost("rm", "-f", file);
  });

  test("killed while it is saved: the next command lets the guest go on, and nothing is left", async () => {
    const run = seat.start("snapshot", "save", "killed", "--on", "guest");
    await until("the memory's file", async () => (await parts("killed")).length > 0);
    run.kill("SIGKILL");
    await run.ended;
    expect(existsSync(seat.file("changing-guest.json"))).toBe(true);
    expectDone(await seat.run("start", "guest"));
    expect(await seat.up()).toEqual(unchanged(11));
    expect(await markRuns()).toBe(true);
    expect(await parts("killed")).toEqual([]);
    expect(existsSync(seat.file("changing-guest.json"))).toBe(false);
  });

  test("killed while it is restored, the disk gone: the next command finishes it from the snapshot", async () => {
    await seat.inside("guest", "pkill -x sleep; echo two >~lab/work; sync");
    const run = seat.start("snapshot", "restore", "before", "--yes");
    await until("the journal", async () => existsSync(seat.file("changing-guest.json")));
    run.kill("SIGKILL");
    await run.ended;
    await tryHost("virsh", "destroy", seat.machine("guest"));
    await tryHost("virsh", "vol-delete", "--pool", "trilab", `${seat.machine("guest")}.qcow2`);
    expectDone(await seat.run("start", "guest"));
    expect(await seat.up()).toEqual(unchanged(11));
    expect(await seat.inside("guest", "cat ~lab/work")).toBe("one");
    expect(await markRuns()).toBe(true);
  });

  test("a guest's snapshot is carried by a file, without its memory, and never with another disk below", async () => {
    const file = join(home.dir, "before-guest.tar");
    expectDone(await seat.run("snapshot", "export", "before", "guest", file));
    expectError(await seat.run("snapshot", "export", "before", "guest", file), 2, /exists already/);
    const { size } = await stat(file);
    expect(size).toBeLessThan(64 * 2 ** 20);

    // Files that somebody has changed: an overlay of a file of the host, another image, no snapshot at all.
    const dir = await mkdtemp(join(home.dir, "tampered-"));
    await host("tar", "-xf", file, "-C", dir);
    const packed = async (name: string): Promise<string> => {
      await host("tar", "-cf", join(dir, name), "-C", dir, "snapshot.json", "disk.qcow2");
      return join(dir, name);
    };
    const disk = join(dir, "disk.qcow2");
    await host("qemu-img", "rebase", "-u", "-F", "raw", "-b", "/etc/shadow", disk);
    expectError(
      await seat.run("snapshot", "import", await packed("shadow.tar"), "--as", "x"),
      1,
      /\/etc\/shadow/,
    );
    const manifest = await readFile(join(dir, "snapshot.json"), "utf8");
    await writeFile(
      join(dir, "snapshot.json"),
      manifest.replace(/"image": "\w+"/, '"image": "0123456789abcdef"'),
    );
    expectError(
      await seat.run("snapshot", "import", await packed("other.tar"), "--as", "x"),
      2,
      /image 0123456789abcdef/,
    );
    expectError(await seat.run("snapshot", "import", disk, "--as", "x"), 2, /is not a snapshot/);
    expect(await parts("x")).toEqual([]);
    expectError(await seat.run("snapshot", "import", file), 2, /has a snapshot "before" already/);

    expectDone(await seat.run("snapshot", "import", file, "--as", "again"));
    await seat.inside("guest", "echo two >~lab/work; sync");
    expectDone(await seat.run("snapshot", "restore", "again", "--yes"));
    expect(await seat.inside("guest", "cat ~lab/work")).toBe("one");
    expect(await markRuns()).toBe(false);
    expect(await seat.up()).toEqual(unchanged(11));
  });

  test("a lost record and state: down by label takes the snapshots, too", async () => {
    expectDone(await seat.run("snapshot", "save", "last", "--on", "container"));
    expect(await residueOf(LAB, seat.name)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^image .*-container:last$/),
        expect.stringMatching(/^libvirt volume .*\.before\.snapshot\.memory$/),
      ]),
    );
    await rm(home.checkpoint(LAB, seat.name));
    await rm(seat.file("seat.json"));
    const down = ["down", LAB, "--seat", seat.name, "--by-label", "--json"];
    await expectDown(await home.trilab(down), LAB, seat.name);
  });
});

describe("what does not go its way", () => {
  const seat = new Seat("f", ["container"]);
  const other = new Seat("o", ["container"]);
  const journal = () => seat.file("changing-container.json");
  const noted = () => until("the journal", async () => existsSync(journal()));

  test("one at a time: the second names the first, exit 7", async () => {
    const first = seat.start("reset", "--yes");
    await noted();
    first.kill("SIGSTOP");
    const second = await seat.run("reset", "--yes");
    first.kill("SIGCONT");
    expectError(second, 7, /is in use by another run/, new RegExp(`process ${first.pid} \\(trilab reset`));
    expectDone(await first.ended);
  });

  test.each(["reset", "up"])("killed when the container is gone: %s finishes it", async (next) => {
    const before = await seat.container();
    await seat.inside("container", "touch ~lab/work");
    const run = seat.start("reset", "--yes");
    await noted();
    run.kill("SIGKILL");
    await run.ended;
    const name = seat.machine("container");
    // The removal that was killed may still go on, or be given up.
    await until("the container's removal", async () => {
      await tryHost("docker", "rm", "-f", name);
      return (await tryHost("docker", "container", "inspect", name)).exitCode !== 0;
    });
    expect(existsSync(journal())).toBe(true);
    if (next === "up") expect(await seat.up()).toEqual(unchanged(6));
    else expectDone(await seat.run("reset", "--yes"));
    expect(await seat.container()).toEqual(before);
    expect(await seat.inside("container", "ls ~lab")).toBe("");
    expect(existsSync(journal())).toBe(false);
    expect(await seat.up()).toEqual(unchanged(6));
  });

  test("killed before it began: what runs stays as it is", async () => {
    await seat.inside("container", "touch ~lab/work");
    await writeFile(journal(), '{"operation":"replace"}');
    expect(await seat.up()).toEqual(unchanged(6));
    expect(await seat.inside("container", "ls ~lab")).toBe("work");
    expect(existsSync(journal())).toBe(false);
  });

  test("a machine with a missing part is refused before anything is lost: up makes it", async () => {
    await host("docker", "rm", "-f", seat.machine("container"));
    expectError(await seat.run("reset", "--yes"), 1, /is incomplete/, /no container /, /trilab up/);
    await seat.up();
    expect(await seat.inside("container", "ls ~lab")).toBe("work");
  });

  test("a daemon that does not answer is exit 3, and nothing is claimed", async () => {
    const text = await readFile(seat.file("seat.json"), "utf8");
    await writeFile(seat.file("seat.json"), text.replaceAll("/var/run/docker.sock", "/nonexistent.sock"));
    expectError(await seat.run("reset", "--yes"), 3, /does not answer/);
    await writeFile(seat.file("seat.json"), text);
    expect(await seat.inside("container", "ls ~lab")).toBe("work");
  });

  test("a container's snapshot is carried to another seat by a file, and is that seat's there", async () => {
    const file = join(home.dir, "container.tar");
    await seat.inside("container", "echo one >/etc/carried; echo one >~lab/carried; rm -f /bin/less");
    expectDone(await seat.run("snapshot", "save", "carried"));
    expectDone(await seat.run("snapshot", "export", "carried", "container", file));
    // What the image has stays out of it.
    expect((await stat(file)).size).toBeLessThan(2 ** 20);
    const { snapshot } = JSON.parse(expectDone(await other.run("snapshot", "import", file, "--json")).stdout);
    expect(snapshot).toMatchObject({ name: "carried", target: "container" });
    expect(snapshot.bytes).toBeLessThan(2 ** 20);
    const before = (await other.container()) as { Config: { Labels: object } };
    expectDone(await other.run("snapshot", "restore", "carried", "--yes"));
    expect(
      await other.inside("container", "cat /etc/carried ~lab/carried; ls /bin/less 2>&1 || true; hostname"),
    ).toMatch(new RegExp(`^one\\none\\nls: .*less.*\\n${other.machine("container")}$`));
    const after = (await other.container()) as { Config: { Labels: object } };
    expect(after.Config.Labels).toEqual(before.Config.Labels);
    expect(await other.up()).toEqual(unchanged(6));
    expectDone(await seat.run("reset", "--yes"));
    await seat.inside("container", "touch ~lab/work");
    expectDone(await seat.run("snapshot", "rm", "carried"));
    expect(await other.inside("container", "cat ~lab/carried")).toBe("one");
  });

  test("killed while a container is saved: the next command lets it go on, and nothing is left", async () => {
    const name = seat.machine("container");
    await host("docker", "pause", name);
    await host("docker", "commit", "--pause=false", name, `${name}:half`);
    await writeFile(journal(), '{"operation":"save","snapshot":"half"}');
    expect(await seat.up()).toEqual(unchanged(6));
    expect(await seat.inside("container", "ls ~lab")).toBe("work");
    expect(await host("docker", "images", "-q", name)).toBe("");
  });

  test("killed while a container is restored: the next command finishes it, with its old home", async () => {
    expectDone(await seat.run("snapshot", "save", "first"));
    await seat.inside("container", "rm ~lab/work; touch /etc/new");
    const run = seat.start("snapshot", "restore", "first", "--yes");
    await noted();
    run.kill("SIGKILL");
    await run.ended;
    await until("the container's removal", async () => {
      await tryHost("docker", "rm", "-f", seat.machine("container"));
      return (await tryHost("docker", "container", "inspect", seat.machine("container"))).exitCode !== 0;
    });
    expectDone(await seat.run("snapshot", "save", "second"));
    expect(await seat.inside("container", "ls ~lab /etc/new 2>&1 || true")).toMatch(/No such file.*work/s);
    const names = (await seat.run("snapshot", "ls")).stdout.split("\n").map((line) => line.split(/\s/)[0]);
    expect(names).toEqual(["SNAPSHOT", "first", "second"]);
  });
});
