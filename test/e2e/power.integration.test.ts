import { beforeAll, describe, expect, test } from "vitest";
import { residueOf } from "./residue.js";
import {
  expectDone,
  expectDown,
  expectError,
  host,
  keepersOf,
  machine,
  openHome,
  until,
  virsh,
} from "./support.js";

const LAB = "first-boot";
const home = openHome();
let seat: string;
/** Its end comes while the other tests run. */
let brief: string;

const power = (verb: "stop" | "start" | "restart", ...args: string[]) =>
  home.trilab([verb, ...args, "--seat", seat, "--json"]);
const inside = async (target: "container" | "guest", ...command: string[]): Promise<string> =>
  expectDone(await home.trilab(["ssh", target, "--seat", seat, "--root", "--", ...command])).stdout;
const BOOT_ID = ["cat", "/proc/sys/kernel/random/boot_id"];
const bootId = (): Promise<string> => inside("guest", ...BOOT_ID);
const container = (seat: string, format: string): Promise<string> =>
  host("docker", "inspect", "-f", format, machine(seat, "container"));

interface Row {
  target: string;
  state: string;
  off?: string;
}
async function rows(of: string): Promise<string[][]> {
  const run = expectDone(await home.trilab(["status", "--seat", of, "--json"]));
  const { seats } = JSON.parse(run.stdout) as { seats: Row[] };
  return seats.map(({ target, state, off = "" }) => [target, state, off]);
}

/** Notes that it was asked to end: a program that is killed can't. */
const WITNESS = `trap 'echo asked >/root/asked; exit' TERM; echo ready >/root/ready; while :; do sleep 0.1; done`;

beforeAll(async () => {
  brief = home.seat("b");
  expectDone(await home.trilab(["up", LAB, "--seat", brief, "--on", "container", "--ttl", "45s"]));
  seat = home.seat("a");
  expectDone(await home.trilab(["up", LAB, "--seat", seat, "--wait", "10m"]));
});

describe("stop", () => {
  test("ends both by themselves, and their programs are asked to end first", async () => {
    for (const target of ["container", "guest"] as const) {
      const start = ["setsid", "--fork", "bash", "-c", `exec </dev/null >/dev/null 2>&1; ${WITNESS}`];
      await inside(target, ...start);
      await until(
        "the witness",
        async () => (await inside(target, "sh", "-c", "cat /root/ready || :")) === "ready",
      );
    }
    const run = expectDone(await power("stop", "--wait", "10m"));
    expect(JSON.parse(run.stdout)).toMatchObject({
      ...{ schema: 1, kind: "stop", lab: LAB, seat },
      targets: [
        { target: "container", ending: "clean" },
        { target: "guest", ending: "clean" },
      ],
    });
    expect(await virsh("domstate", "--reason", machine(seat, "guest"))).toBe("shut off (shutdown)");
    // With another policy, a daemon that is restarted would start it again.
    expect(await container(seat, "{{.State.Status}} {{.HostConfig.RestartPolicy.Name}}")).toBe("exited no");
  });

  test("is what status, ssh and run tell; a second stop has nothing to do", async () => {
    expect(await rows(seat)).toEqual([
      ["container", "exited", "stopped"],
      ["guest", "shut off", "stopped"],
    ]);
    const text = expectDone(await home.trilab(["status", "--seat", seat])).stdout;
    expect(text).toMatch(/container +exited: stopped/);
    const asks = [
      ["ssh", "guest"],
      ["run", "--on", "guest"],
      ["cp", "guest:x", "."],
    ];
    for (const ask of asks) {
      const command = ask[0] === "cp" ? [] : ["--", "true"];
      const run = await home.trilab([...ask, "--seat", seat, ...command]);
      expectError(run, 1, /the guest of seat .* is stopped/, /stopped at .* ago/, /trilab start guest --lab/);
    }
    const { targets } = JSON.parse(expectDone(await power("stop")).stdout);
    expect(targets).toMatchObject([{ ending: "off" }, { ending: "off" }]);
  });
});

describe("start", () => {
  test("of one target leaves the other stopped, and all work is there", async () => {
    const { targets } = JSON.parse(expectDone(await power("start", "guest", "--wait", "10m")).stdout);
    expect(targets).toMatchObject([{ target: "guest", started: true }]);
    expect(await inside("guest", "cat", "/root/asked")).toBe("asked");
    expect(await rows(seat)).toEqual([
      ["container", "exited", "stopped"],
      ["guest", "running", ""],
    ]);
  });

  test("up starts what is still stopped, and changes nothing else", async () => {
    const up = ["up", LAB, "--seat", seat, "--json"];
    const run = JSON.parse(expectDone(await home.trilab(up)).stdout);
    expect(run).toMatchObject({
      changes: { same: 11 },
      mended: ["container: started, as it was exited"],
    });
    expect(await inside("container", "cat", "/root/asked")).toBe("asked");
    expect(await container(seat, "{{.HostConfig.RestartPolicy.Name}}")).toBe("on-failure");
    expect(JSON.parse(expectDone(await home.trilab(up)).stdout)).toMatchObject({ mended: [] });
    const { targets } = JSON.parse(expectDone(await power("start")).stdout);
    expect(targets).toMatchObject([{ started: false }, { started: false }]);
  });
});

describe("restart", () => {
  test("of the guest boots it anew, and leaves the container alone", async () => {
    const [boot, started] = [await bootId(), await container(seat, "{{.State.StartedAt}}")];
    const { targets } = JSON.parse(expectDone(await power("restart", "guest", "--wait", "10m")).stdout);
    expect(targets).toMatchObject([{ target: "guest", ending: "clean", started: true }]);
    expect(await bootId()).not.toBe(boot);
    expect(await container(seat, "{{.State.StartedAt}}")).toBe(started);
    expect(await rows(seat)).toEqual([
      ["container", "running", ""],
      ["guest", "running", ""],
    ]);
  });
});

describe("the connection that commands share", () => {
  const root = async (): Promise<string[]> => {
    await inside("guest", "true");
    return keepersOf(home.state);
  };

  test("is one, and another after a restart", async () => {
    const before = await root();
    expect(before.length).toBe(1);
    await Promise.all([inside("guest", "true"), inside("guest", "id")]);
    expect(await root()).toEqual(before);
    expectDone(await power("restart", "guest", "--force", "--wait", "10m"));
    const after = await root();
    expect(after.length).toBe(1);
    expect(after).not.toEqual(before);
  });

  test("does not outlive a guest that was reset behind its back, and keeps nobody from the new one", async () => {
    const boot = await bootId();
    await virsh("reset", machine(seat, "guest"));
    const again = await until(
      "an answer of the new boot",
      async () => {
        const run = await home.trilab(["ssh", "guest", "--seat", seat, "--root", "--", ...BOOT_ID]);
        return run.exitCode === 0 && run.stdout !== boot;
      },
      600_000,
    );
    expect(again).toBe(true);
    expect((await root()).length).toBe(1);
  });
});

describe("a machine that does not end by itself", () => {
  test("is switched off when its time to do so is over, and that is told", async () => {
    await inside("guest", "systemctl", "mask", "--now", "systemd-logind.service");
    await inside(
      "container",
      "sh",
      "-c",
      "setsid --fork sh -c 'trap : TERM HUP; while :; do sleep 1; done' >/dev/null 2>&1",
    );
    const run = expectDone(await home.trilab(["stop", "--seat", seat, "--wait", "3s"]));
    expect(run.stderr).toMatch(/guest: it did not shut down within 3s .*power button.*switched off/);
    expect(run.stderr).toMatch(/container: not all of its processes ended within 3s/);
    expect(run.stdout).toMatch(/^container: switched off .*\nguest: switched off /);
    expect(await virsh("domstate", "--reason", machine(seat, "guest"))).toBe("shut off (destroyed)");
  });

  test("with --force at once; one that is gone is told of", async () => {
    expectDone(await power("start", "container"));
    const { targets } = JSON.parse(expectDone(await power("stop", "container", "--force")).stdout);
    expect(targets).toMatchObject([{ ending: "forced" }]);
    expect(await container(seat, "{{.State.ExitCode}}")).toBe("137");
    await host("docker", "rm", "-f", machine(seat, "container"));
    for (const verb of ["stop", "start", "restart"] as const)
      expectError(await power(verb, "container"), 1, /the container of seat .* is gone/, /trilab up/);
    await expectDown(await home.trilab(["down", LAB, "--seat", seat, "--json"]), LAB, seat);
  });
});

describe("a stopped machine's end", () => {
  test("is told apart from an end that came by itself", async () => {
    await until(
      "the container ends",
      async () => (await container(brief, "{{.State.Status}} {{.State.ExitCode}}")) === "exited 0",
      200_000,
    );
    expect(await rows(brief)).toEqual([["container", "exited", "time was up"]]);
  });

  test("holds: it is not started any more, and reap removes it", async () => {
    const stopped = home.seat("s");
    expectDone(await home.trilab(["up", LAB, "--seat", stopped, "--on", "container", "--ttl", "40s"]));
    expectDone(await home.trilab(["stop", "--seat", stopped]));
    const { expires } = JSON.parse(
      expectDone(await home.trilab(["status", "--seat", stopped, "--json"])).stdout,
    ).seats[0];
    await until("its end", async () => Date.parse(expires) < Date.now());
    expect(await rows(stopped)).toEqual([["container", "exited", "stopped"]]);
    const start = await home.trilab(["start", "--seat", stopped]);
    expectError(start, 1, /time of seat .* is up/, new RegExp(`trilab up ${LAB} --seat ${stopped}`));
    const ssh = await home.trilab(["ssh", "--seat", stopped, "--", "true"]);
    expectError(ssh, 1, /is stopped/, /its time was up/, /give it more time: trilab up/);
    const reaped = JSON.parse(expectDone(await home.trilab(["reap", "--json"])).stdout).seats;
    for (const due of [stopped, brief]) {
      expect(reaped.find((s: { seat: string }) => s.seat === due)).toMatchObject({ outcome: "removed" });
      expect(await residueOf(LAB, due)).toEqual([]);
    }
  });
});
