import { existsSync } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";
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

describe("reset of container and guest", () => {
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

  test("down takes everything away", async () => {
    await expectDown(await home.trilab(["down", LAB, "--seat", seat.name, "--json"]), LAB, seat.name);
  });
});

describe("a reset that does not go its way", () => {
  const seat = new Seat("f", ["container"]);
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
});
