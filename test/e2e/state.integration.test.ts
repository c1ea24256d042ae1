import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { residueOf } from "./residue.js";
import {
  expectDone,
  expectDown,
  expectError,
  host,
  machine,
  openHome,
  type Run,
  tryHost,
} from "./support.js";

const LAB = "first-boot";

/** A folder for the daemons' sockets. Hooks run in reverse: it goes after the home's seats, which may be reached through it. */
const sockets = `/tmp/trilab-e2e-sockets-${process.pid}`;
afterAll(() => rm(sockets, { recursive: true, force: true }));

const home = openHome();
let seat: string;
let letter = 0;

const args = (command: string, ...more: string[]): string[] => [command, LAB, "--seat", seat, ...more];
const up = () => home.trilab(args("up", "--on", "container", "--json"));
const down = async (...more: string[]): Promise<void> =>
  expectDown(await home.trilab(args("down", "--json", ...more)), LAB, seat);
const containerId = (): Promise<string> =>
  host("docker", "inspect", "-f", "{{.Id}}", machine(seat, "container"));

describe("state that is lost or damaged", () => {
  let id: string;
  beforeEach(async () => {
    seat = home.seat(`s${letter++}`);
    expectDone(await up());
    id = await containerId();
  });
  /** Nothing was destroyed by the command that failed; by its labels the seat goes. */
  afterEach(async () => {
    expect(await containerId()).toBe(id);
    await down("--by-label");
    expectDone(await up());
    await down();
  });

  test("the whole state directory: up refuses and names the way out, down finds the seat by name", async () => {
    await rm(home.state, { recursive: true });
    expectError(
      await up(),
      1,
      /seat ".*" exists, but its state is lost/,
      new RegExp(`container ${machine(seat, "container")}`),
      new RegExp(`trilab down first-boot --seat ${seat} --by-label`),
    );
    expectError(await home.trilab(["ssh", "container", "--seat", seat]), 6, /no seat/);
  });

  test("the seat's folder alone: what is there is not taken over, though the engine's state knows it", async () => {
    await rm(dirname(home.record(LAB, seat)), { recursive: true });
    expectError(await up(), 1, /its state is lost/, /--by-label/);
  });

  test.each(["cut in half", "empty", "garbled"])("the checkpoint %s", async (how) => {
    const file = home.checkpoint(LAB, seat);
    const text = await readFile(file, "utf8");
    const damaged = {
      "cut in half": text.slice(0, text.length / 2),
      empty: "",
      garbled: `\0\0\0${text.slice(9)}`,
    }[how];
    await writeFile(file, damaged ?? "");
    for (const run of [await up(), await home.trilab(args("down"))])
      expectError(
        run,
        1,
        /the state of ".*" cannot be read/,
        /truncated or garbled/,
        /trilab down .*--by-label/,
      );
    expect(await readFile(file, "utf8")).toBe(damaged);
  });

  test("the seat's record", async () => {
    await writeFile(home.record(LAB, seat), '{"schema":1,"lab":');
    const says = [
      /record of seat ".*" .* can't be read/,
      new RegExp(`trilab down first-boot --seat ${seat} --by-label`),
    ];
    expectError(await up(), 1, ...says);
    expectError(await home.trilab(["ssh", "container", "--seat", seat, "--", "true"]), 1, ...says);
    expect((await home.trilab(["status"])).stdout).toMatch(/record damaged: trilab down/);
  });

  test("the record of another version", async () => {
    const record = JSON.parse(await readFile(home.record(LAB, seat), "utf8"));
    await writeFile(home.record(LAB, seat), JSON.stringify({ ...record, schema: 99 }));
    expectError(await up(), 1, /can't be read/, /--by-label/);
  });

  test("another passphrase", async () => {
    const file = join(home.state, "passphrase");
    const right = await readFile(file, "utf8");
    await writeFile(file, "another\n");
    // The one secret is the guest's key; a seat without a guest may well be brought up without it.
    const run = await home.trilab(args("up", "--on", "container,guest", "--json"));
    expectError(run, 2, /passphrase does not open/, /has changed since/, /unset it|--by-label/);
    await writeFile(file, right);
  });

  test("another passphrase, and it is not found again", async () => {
    await writeFile(join(home.state, "passphrase"), "another\n");
  });

  test("the cache, with the engine and its plugins: down needs none", async () => {
    const none = { XDG_CACHE_HOME: join(home.dir, "no-cache") };
    const run = await home.trilab(args("down", "--json"), none);
    expect(run.stderr).toMatch(/Pulumi is not installed here: removing by label and name/);
    await expectDown(run, LAB, seat);
    expectDone(await up());
    id = await containerId();
  });

  test("the keys", async () => {
    await rm(home.record(LAB, seat, "id_ed25519"));
    await rm(home.record(LAB, seat, "host_ed25519"));
    expectDone(await up());
  });
});

test("a disk that no record knows is not taken over by a target that is added", async () => {
  seat = home.seat("v");
  expectDone(await up());
  const disk = `${machine(seat, "guest")}.qcow2`;
  await host("virsh", "vol-create-as", "trilab", disk, "1M");
  expectError(await home.trilab(args("up", "--on", "guest")), 1, /its state is lost/, /guest disk/);
  expect(await host("virsh", "vol-list", "trilab")).toContain(disk);
  // The seat has no machine at libvirt: only by its labels and names is it looked for there.
  await down("--by-label");
});

describe("labs whose names begin alike: web, web-lab", () => {
  /** Of web and of web-lab: by one hyphen both would be joined to `trilab-web-lab-t…`. */
  let [one, other] = ["", ""];
  let labs: { web: string; weblab: string };
  beforeEach(async () => {
    const yaml = "targets: [container]\n";
    labs = { web: await home.lab("web", yaml), weblab: await home.lab("web-lab", yaml) };
    const at = `la${letter++}`;
    [one, other] = [home.seat(at, "web", "lab-"), home.seat(at, "web-lab")];
  });
  const start = async (lab: string, seat: string): Promise<{ changes: Record<string, number> }> =>
    JSON.parse(expectDone(await home.trilab(["up", lab, "--seat", seat, "--json"])).stdout);
  const end = (lab: string, seat: string, ...more: string[]): Promise<Run> =>
    home.trilab(["down", lab, "--seat", seat, "--json", ...more]);
  const nameInside = async (lab: string, seat: string): Promise<string> =>
    expectDone(
      await home.trilab(["ssh", "container", "--lab", lab, "--seat", seat, "--", "hostname"]),
    ).stdout.trim();

  test("have their seats side by side", async () => {
    await Promise.all([start(labs.web, one), start(labs.weblab, other)]);
    expect(await nameInside("web", one)).toBe(machine(one, "container", "web"));
    expect(await nameInside("web-lab", other)).toBe(machine(other, "container", "web-lab"));
    for (const [lab, name] of [
      [labs.web, one],
      [labs.weblab, other],
    ] as const)
      expect(Object.keys((await start(lab, name)).changes)).toEqual(["same"]);
    const { seats } = JSON.parse(expectDone(await home.trilab(["reap", "--dry-run", "--json"])).stdout);
    expect(seats).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ lab: "web", seat: one, known: true, verdict: "live" }),
        expect.objectContaining({ lab: "web-lab", seat: other, known: true, verdict: "live" }),
      ]),
    );
    // By its labels, too, a seat loses nothing to the other's removal.
    await expectDown(await end("web", one, "--by-label"), "web", one);
    expect(await nameInside("web-lab", other)).toBe(machine(other, "container", "web-lab"));
    await expectDown(await end("web-lab", other), "web-lab", other);
  });

  describe("a seat that an older trilab made", () => {
    const names = () =>
      host("docker", "ps", "-a", "--filter", `label=trilab.seat=${one}`, "--format={{.Names}}");
    const state = () => home.checkpoint("web", one);
    /** Under its names, which are those of the other seat today. */
    const expectGone = async (run: Run): Promise<void> => {
      await expectDown(run, "web", one);
      expect(await residueOf("web-lab", other)).toEqual([]);
      expect(existsSync(state())).toBe(false);
    };
    beforeEach(async () => {
      // Its record, and no machines: `up` makes them again.
      await start(labs.web, one);
      const { deployed: _, ...record } = JSON.parse(await readFile(home.record("web", one), "utf8"));
      await expectDown(await end("web", one), "web", one);
      for (const its of record.machines) its.name = `trilab-web-${one}-${its.target}`;
      await mkdir(dirname(home.record("web", one)), { recursive: true, mode: 0o700 });
      await writeFile(home.record("web", one), JSON.stringify(record));
      await start(labs.web, one);
      expect(await names()).toBe(`trilab-web-${one}-container`);
      expect(existsSync(state())).toBe(true);
    });

    test("keeps its names, and they are no one else's", async () => {
      expect(Object.keys((await start(labs.web, one)).changes)).toEqual(["same"]);
      expect(await nameInside("web", one)).toBe(`trilab-web-${one}-container`);
      const run = await home.trilab(["up", labs.weblab, "--seat", other]);
      expectError(run, 2, /same names as another seat/, new RegExp(`seat "${one}" of lab "web"`));
      await expectGone(await end("web", one));
      // The names are free again.
      await start(labs.weblab, other);
      await expectDown(await end("web-lab", other), "web-lab", other);
    });

    test("is found by its labels if its record is lost, and its state with it", async () => {
      await rm(home.record("web", one));
      expectError(await home.trilab(["up", labs.web, "--seat", one]), 1, /its state is lost/, /--by-label/);
      await expectGone(await end("web", one, "--by-label"));
    });

    test("is found by its labels if everything here is lost; another seat can't take or remove it", async () => {
      await rm(home.state, { recursive: true });
      expectError(
        await home.trilab(["up", labs.weblab, "--seat", other]),
        2,
        new RegExp(`container .* belongs to seat "${one}" of lab "web" of`),
        /an older trilab/,
      );
      const wrong = expectDone(await end("web-lab", other, "--by-label"));
      expect(wrong.stderr).toMatch(/left alone: container .*, which belongs to seat/);
      expect(await names()).toBe(`trilab-web-${one}-container`);
      await expectGone(await end("web", one, "--by-label"));
    });
  });
});

describe("a daemon that does not answer", () => {
  /** Sockets of the daemons under other names, which are the seat's endpoints: a daemon goes when its link does. */
  const [docker, libvirt] = [join(sockets, "docker.sock"), join(sockets, "libvirt-sock")];
  const chosen = ["--docker", `unix://${docker}`, "--libvirt", `qemu+unix:///system?socket=${libvirt}`];
  const link = async (): Promise<void> => {
    await symlink("/var/run/docker.sock", docker).catch(() => {});
    await symlink("/run/libvirt/libvirt-sock", libvirt).catch(() => {});
  };
  beforeAll(() => mkdir(sockets, { recursive: true }));
  beforeEach(link);
  // A seat of a test that failed is taken down once more at the end of the file, by way of them.
  afterEach(link);

  test("dockerd: the seat's host is named and all of it kept, whatever the environment says by now", async () => {
    seat = home.seat("nd");
    await rm(docker);
    const first = await home.trilab(args("up", "--on", "container", ...chosen));
    expectError(first, 3, /not ready/, /Docker daemon/);
    await link();
    expectDone(await home.trilab(args("up", "--on", "container", ...chosen)));
    const id = await containerId();
    const state = await readFile(home.checkpoint(LAB, seat), "utf8");
    await rm(docker);
    // The daemon of this machine answers, and is not the seat's.
    for (const command of ["up", "down"])
      expectError(await home.trilab(args(command)), 3, /Docker daemon/, /docker\.sock/, /start|doctor/);
    expectError(await home.trilab(args("down")), 3, /all of it was kept/, /--host-gone/);
    expect((await home.trilab(["status", "--seat", seat])).stdout).toMatch(/container +not answered/);
    expectError(await home.trilab(["parity", "--seat", seat]), 1, /does not run commands|is not running/);
    expect(await readFile(home.checkpoint(LAB, seat), "utf8")).toBe(state);
    expect(await containerId()).toBe(id);
    await link();
    await down();
  });

  test("dockerd, gone for good: the rest is removed, and the receipt says what was not asked", async () => {
    seat = home.seat("ng");
    expectDone(await home.trilab(args("up", "--on", "container", ...chosen)));
    await rm(docker);
    const run = expectDone(await home.trilab(args("down", "--host-gone")));
    expect(run.stdout).toMatch(/containers +not asked/);
    expect(run.stdout).toMatch(/docker\.sock was not asked: it does not answer/);
    expect(run.stdout).not.toContain("Nothing of it is left");
    expectError(await home.trilab(args("down")), 6, /there is no seat/);
    await expectDown(await home.trilab(args("down", "--by-label", "--json")), LAB, seat);
  });

  test("libvirtd: likewise, with both targets", async () => {
    seat = home.seat("nl");
    expectDone(await home.trilab(args("up", ...chosen)));
    await rm(libvirt);
    for (const command of ["up", "down"])
      expectError(await home.trilab(args(command)), 3, /libvirt/, /libvirt-sock/, /start|doctor/);
    expect(await host("virsh", "-c", "qemu:///system", "domstate", machine(seat, "guest"))).toBe("running");
    await link();
    await down();
  });

  test("a seat that never was is exit 6; by its labels, a receipt claims only what was asked", async () => {
    seat = home.seat("nn");
    expectError(await home.trilab(args("down")), 6, /there is no seat/, /nothing was touched/);
    await rm(docker);
    const run = expectDone(await home.trilab(args("down", "--by-label", ...chosen)));
    expect(run.stdout).toMatch(/\(asked libvirt at [^,]*libvirt-sock,/);
    expect(run.stdout).toMatch(/containers +not asked/);
    expect(run.stdout).toMatch(/Nothing of it is left at libvirt at/);
    await rm(libvirt);
    expectError(await home.trilab(args("down", "--by-label", ...chosen)), 3, /no endpoint could be queried/);
  });
});

describe("a full disk", () => {
  /** KiB. */
  const SIZE = 32 * 1024;
  const mount = join("/tmp", `trilab-e2e-full-${process.pid}`);
  beforeEach(async () => {
    await host("mkdir", "-p", mount);
    await host("mount", "-t", "tmpfs", "-o", `size=${SIZE}k,mode=700`, "tmpfs", mount);
  });
  afterEach(async () => {
    await tryHost("umount", "-l", mount);
    await host("rmdir", mount);
  });
  const fillUpTo = (left: number): Promise<string> =>
    host("dd", "if=/dev/zero", `of=${join(mount, "filler")}`, "bs=1024", `count=${SIZE - left}`);

  test.each([0, 64, 4096])("state directory with %i KiB left: said before anything is made", async (left) => {
    seat = home.seat(`f${left}`);
    const env = { XDG_STATE_HOME: mount };
    await fillUpTo(left);
    const run = await home.trilab(args("up", "--on", "container"), env);
    expectError(run, 3, /disk space|no space/i, /free some space/);
    expect((await tryHost("docker", "inspect", machine(seat, "container"))).exitCode).not.toBe(0);
    await rm(join(mount, "filler"));
    expectDone(await home.trilab(args("up", "--on", "container"), env));
    await expectDown(await home.trilab(args("down", "--json"), env), LAB, seat);
  });

  test("state directory that fills up while a seat is up: said, nothing is orphaned, and it goes on afterwards", async () => {
    seat = home.seat("fu");
    const env = { XDG_STATE_HOME: mount };
    expectDone(await home.trilab(args("up", "--on", "container"), env));
    await fillUpTo(0).catch(() => {}); // dd ends with "no space left"
    expectError(
      await home.trilab(args("up", "--on", "container,guest"), env),
      3,
      /disk space|no space/i,
      /free some space/,
    );
    await rm(join(mount, "filler"));
    await expectDown(await home.trilab(args("down", "--json"), env), LAB, seat);
  });

  test("cache: the image says what is missing, and leaves no half of it", async () => {
    seat = home.seat("fc");
    const cache = join(process.env.XDG_CACHE_HOME ?? `${process.env.HOME}/.cache`, "trilab");
    await host("mkdir", "-p", join(mount, "trilab"));
    for (const part of ["engine", "pulumi-home", "kvm.json"])
      await host("ln", "-s", join(cache, part), join(mount, "trilab", part));
    const run = await home.trilab(args("up", "--on", "container"), { XDG_CACHE_HOME: mount });
    expectError(run, 3, /not enough disk space to build the image/, /MiB/, /XDG_CACHE_HOME/);
    expect(await host("find", join(mount, "trilab/images"), "-name", "*.tar", "-o", "-name", "*.qcow2")).toBe(
      "",
    );
    expectError(await home.trilab(args("down")), 6, /there is no seat/);
  });
});

describe("a state directory that can't be used", () => {
  test("is a file", async () => {
    seat = home.seat("rf");
    const moved = `${home.dir}-file`;
    await writeFile(moved, "");
    const run = await home.trilab(args("up", "--on", "container"), { XDG_STATE_HOME: moved });
    await rm(moved);
    expectError(run, 3, /state/, new RegExp(moved));
  });

  test("was copied with its files open to others: closed again", async () => {
    seat = home.seat("ro");
    await chmod(home.state, 0o755);
    expectDone(await up());
    expect((await host("stat", "-c", "%a", home.state)).trim()).toBe("700");
    await rename(home.state, `${home.state}.moved`);
    await rename(`${home.state}.moved`, home.state);
    await down();
  });
});
