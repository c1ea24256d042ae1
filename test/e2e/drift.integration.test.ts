import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import {
  bridge,
  expectDone,
  expectDown,
  expectError,
  host,
  machine,
  openHome,
  tryHost,
  until,
  virsh,
} from "./support.js";

const LAB = "first-boot";
const home = openHome();

const up = async (seat: string, on?: string) => {
  const run = expectDone(
    await home.trilab(["up", LAB, "--seat", seat, "--json", ...(on ? ["--on", on] : [])]),
  );
  expect(JSON.parse(run.stdout).parity.inTolerance).toBe(true);
  return run;
};
const down = (seat: string): Promise<void> =>
  home.trilab(["down", LAB, "--seat", seat, "--json"]).then((run) => expectDown(run, LAB, seat));
const inside = async (seat: string, target: string, script: string): Promise<string> =>
  expectDone(await home.trilab(["ssh", target, "--seat", seat, "--", "sh", "-c", script])).stdout;

/** What a person, or a reboot, may do to a container seat behind trilab's back. */
const CONTAINER_FAULTS = {
  "container removed": (c: string) => host("docker", "rm", "-f", c),
  "container stopped": (c: string) => host("docker", "stop", "-t", "0", c),
  "container paused": (c: string) => host("docker", "pause", c),
  "container killed": (c: string) => host("docker", "kill", c),
  "off its network": (c: string) => host("docker", "network", "disconnect", "-f", c, c),
  "network removed": async (c: string) => {
    await host("docker", "network", "disconnect", "-f", c, c);
    await host("docker", "network", "rm", c);
  },
  "stopped, and its network removed": async (c: string) => {
    await host("docker", "stop", "-t", "0", c);
    await host("docker", "network", "rm", c);
  },
} as const;

/** What `up` says of each; of a container that is gone its steps tell. */
const MENDED: Partial<Record<keyof typeof CONTAINER_FAULTS, string[]>> = {
  "container stopped": ["container: started, as it was exited"],
  "container paused": ["container: resumed, as it was paused"],
  "container killed": ["container: started, as it was exited"],
  "off its network": ["container: put back on its network"],
  "network removed": ["container: put back on its network"],
  "stopped, and its network removed": [
    "container: started, as it was exited",
    "container: put back on its network",
  ],
};

describe("a container seat that was changed by hand", () => {
  test.each(Object.keys(CONTAINER_FAULTS) as (keyof typeof CONTAINER_FAULTS)[])(
    "%s: up heals it, and the home is kept; down takes it away",
    async (fault) => {
      const seat = home.seat(`c${Object.keys(CONTAINER_FAULTS).indexOf(fault)}`);
      const name = machine(seat, "container");
      await up(seat, "container");
      await inside(seat, "container", "echo mine > ~/work.txt");
      const id = await host("docker", "inspect", "-f", "{{.Id}}", name);
      await CONTAINER_FAULTS[fault](name);
      const healed = JSON.parse((await up(seat)).stdout);
      expect(healed.mended).toEqual(MENDED[fault] ?? []);
      // Whatever is in its layer is kept, too.
      if (fault !== "container removed")
        expect(await host("docker", "inspect", "-f", "{{.Id}}", name)).toBe(id);
      expect(await inside(seat, "container", "cat ~/work.txt")).toBe("mine");
      expect(await host("docker", "inspect", "-f", "{{.HostConfig.PidsLimit}}", name)).toBe("256");
      await home.forgetDeployment(LAB, seat);
      const again = await up(seat);
      expect(JSON.parse(again.stdout)).toMatchObject({ changes: { same: 6 }, mended: [] });
      await CONTAINER_FAULTS[fault](name);
      await down(seat);
    },
  );

  test("limits changed by hand, or in lab.yaml: they take effect, and the container is the same", async () => {
    const seat = home.seat("cl", "limits");
    const lab = await home.lab("limits", "machine: { cpus: 1, memory: 256MiB }\ntargets: [container]\n");
    const name = machine(seat, "container", "limits");
    const format = "{{.Id}} {{.HostConfig.NanoCpus}} {{.HostConfig.Memory}}";
    const limits = () => host("docker", "inspect", "-f", format, name);
    const deploy = async () => expectDone(await home.trilab(["up", lab, "--seat", seat, "--json"]));
    await deploy();
    const [id] = (await limits()).split(" ");
    await host("docker", "update", "--cpus", "0.5", "--cpu-shares", "7", "--restart", "no", name);
    await host("docker", "update", "--cpuset-cpus", "0", name);
    const mended = JSON.parse((await deploy()).stdout).mended.join("\n");
    expect(mended).toMatch(
      /CPUs set from 0.5 to 1\n.*shares set from 7 to 1024\n.*restart policy set from no/,
    );
    expect(mended).toContain("CPUs it may run on set from 0 to 0-");
    expect(await host("docker", "inspect", "-f", "{{.HostConfig.RestartPolicy.Name}}", name)).toBe(
      "on-failure",
    );
    expect(await limits()).toBe(`${id} 1000000000 ${256 * 2 ** 20}`);
    await home.lab(
      "limits",
      "machine: { cpus: 2, memory: 320MiB, disk: 5GiB }\ntargets: [container, guest]\nttl: 9h\n",
    );
    await deploy();
    expect(await limits()).toBe(`${id} 2000000000 ${320 * 2 ** 20}`);
    await home.forgetDeployment("limits", seat);
    const { changes, unapplied } = JSON.parse((await deploy()).stdout);
    expect(changes).toEqual({ same: 6 });
    // What was not applied is told, and how it would be.
    expect(unapplied).toMatchObject([
      {
        what: "targets",
        lab: "container, guest",
        seat: "container",
        apply: expect.stringMatching(/--on guest$/),
      },
      { what: "ttl", lab: "9h", seat: "3h", apply: expect.stringMatching(/^trilab extend/) },
      { what: "machine.disk", lab: "5GiB", seat: "4GiB", apply: expect.stringMatching(/^trilab down/) },
    ]);
    await home
      .trilab(["down", "limits", "--seat", seat, "--json"])
      .then((run) => expectDown(run, "limits", seat));
  });

  test("up refuses to replace a container unless told to; a seat of an older trilab stays as it is", async () => {
    const seat = home.seat("cr");
    const name = machine(seat, "container");
    const id = () => host("docker", "inspect", "-f", "{{.Id}}", name);
    await up(seat, "container");
    const first = await id();
    /** What the state says of the container, for the next engine. */
    const edit = async (change: (outputs: Record<string, unknown>, box: { protect?: boolean }) => void) => {
      const state = JSON.parse(await readFile(home.checkpoint(LAB, seat), "utf8"));
      const box = state.checkpoint.latest.resources.find((r: { type: string }) =>
        r.type.endsWith(":Container"),
      );
      change(box.outputs, box);
      await writeFile(home.checkpoint(LAB, seat), JSON.stringify(state));
      await rm(`${home.checkpoint(LAB, seat)}.attrs`, { force: true });
    };
    // As the stand-in wrote it once: the official plugin would replace the container for these.
    await edit((outputs, box) => {
      outputs.cgroupnsMode = "host";
      delete outputs.stdinOpen;
      delete box.protect;
    });
    expect(JSON.parse((await up(seat)).stdout).changes).toEqual({ same: 6 });
    await edit((outputs, box) => {
      expect(outputs).not.toHaveProperty("cgroupnsMode");
      expect(outputs.stdinOpen).toBe(false);
      expect(box.protect).toBe(true);
      outputs.hostname = "another";
      delete box.protect;
    });
    expectError(
      await home.trilab(["up", LAB, "--seat", seat]),
      2,
      /would be replaced, and the work in it lost/,
      /container \(changed: hostname\): everything installed or changed in it is lost/,
      new RegExp(`trilab up ${LAB} --seat ${seat} --replace`),
    );
    expect(await id()).toBe(first);
    expectDone(await home.trilab(["up", LAB, "--seat", seat, "--replace"]));
    expect(await id()).not.toBe(first);
    await down(seat);
  });

  test("a main program that root inside has replaced: up says that it does not stay up, down takes it away", async () => {
    const seat = home.seat("cm");
    const name = machine(seat, "container");
    await up(seat, "container");
    const program = "/usr/local/lib/trilab/lifetime";
    const script = `printf '#!/bin/sh\\necho broken\\nexit 3\\n' > ${program}`;
    await host("docker", "exec", "-u", "root", name, "sh", "-c", script);
    await host("docker", "restart", "-t", "0", name);
    const run = await home.trilab(["up", LAB, "--seat", seat]);
    expectError(run, 1, /does not stay up/, /exit code \d; its last output:\n *broken/, /trilab down/);
    await host("docker", "stop", "-t", "0", name);
    expectError(await home.trilab(["up", LAB, "--seat", seat]), 1, /does not stay up/);
    // Nor is it in the state, as where a plugin died before it could tell the engine: down removes it before its network.
    const file = home.checkpoint(LAB, seat);
    const state = JSON.parse(await readFile(file, "utf8"));
    const { latest } = state.checkpoint;
    latest.resources = latest.resources.filter((r: { type: string }) => !r.type.endsWith(":Container"));
    await writeFile(file, JSON.stringify(state));
    await rm(`${file}.attrs`, { force: true });
    const record = await readFile(home.record(LAB, seat), "utf8");
    const taken = await home.trilab(["down", LAB, "--seat", seat, "--json"]);
    await expectDown(taken, LAB, seat);
    expect(taken.stderr).not.toContain("the engine could not");
    // As plain `pulumi destroy` leaves it: a record of what is no more.
    await mkdir(dirname(home.record(LAB, seat)), { recursive: true });
    await writeFile(home.record(LAB, seat), record);
    expect(JSON.parse((await home.trilab(["status", "--seat", seat, "--json"])).stdout).seats).toEqual([]);
    await down(seat);
  });

  test("everything removed by hand, the volume too: up makes it again, down is content", async () => {
    const seat = home.seat("cv");
    const name = machine(seat, "container");
    const remove = async (): Promise<void> => {
      await host("docker", "rm", "-f", name);
      await host("docker", "network", "rm", name);
      await host("docker", "volume", "rm", `${name}-home`);
    };
    await up(seat, "container");
    await remove();
    await up(seat);
    await remove();
    await down(seat);
  });
});

describe("a guest seat that was changed by hand", () => {
  let seat: string;
  let guest: string;
  const work = (): Promise<string> => inside(seat, "guest", "cat ~/work.txt");
  const FAULTS: Record<string, () => Promise<unknown>> = {
    "shut off": () => virsh("destroy", guest),
    paused: () => virsh("suspend", guest),
    "its network inactive": () => virsh("net-destroy", guest),
    "destroyed and undefined": async () => {
      await virsh("destroy", guest);
      await virsh("undefine", guest);
    },
    "its network undefined": async () => {
      await virsh("net-destroy", guest);
      await virsh("net-undefine", guest);
    },
    "its bridge deleted": () => host("ip", "link", "delete", bridge(guest)),
  };

  beforeAll(async () => {
    seat = home.seat("g");
    guest = machine(seat, "guest");
    await up(seat, "guest");
    await inside(seat, "guest", "echo mine > ~/work.txt; sync");
  });

  test.each([
    "shut off",
    "paused",
    "its network inactive",
    "destroyed and undefined",
    "its network undefined",
  ])("%s: up heals it, and the disk is kept", async (fault) => {
    await FAULTS[fault]?.();
    const healed = JSON.parse((await up(seat)).stdout);
    expect(await work()).toBe("mine");
    if (fault === "shut off") expect(healed.mended).toEqual(["guest: started, as it was shut off"]);
    if (fault === "paused") expect(healed.mended).toEqual(["guest: resumed, as it was paused"]);
  });

  test("guest that never answers: bounded, says the console's last words; a longer wait finishes", async () => {
    await virsh("destroy", guest);
    const run = await home.trilab(["up", LAB, "--seat", seat, "--wait", "2s"]);
    expectError(
      run,
      1,
      /does not answer SSH/,
      /the domain is running; it was given 2 s/,
      /its console ended with:/,
      /--wait 10m/,
    );
    await up(seat);
    expect(await work()).toBe("mine");
  });

  test("ssh, parity and logs of a guest that is off say so, at once", async () => {
    await virsh("destroy", guest);
    const parity = await home.trilab(["parity", "--seat", seat]);
    expectError(
      parity,
      1,
      /does not answer SSH/,
      /the domain is shut off/,
      /`trilab up` starts a stopped guest/,
    );
    for (const command of [
      ["ssh", "guest", "--seat", seat, "--", "true"],
      ["cp", "guest:x", ".", "--seat", seat],
    ])
      expectError(
        await home.trilab(command),
        1,
        /the guest of seat .* is not running/,
        /stopped/,
        /trilab up/,
      );
    expect(expectDone(await home.trilab(["logs", "guest", "--seat", seat])).stdout).toContain(
      "trilab: identity: ",
    );
    const { seats } = JSON.parse((await home.trilab(["status", "--seat", seat, "--json"])).stdout);
    expect(seats).toMatchObject([{ target: "guest", state: "shut off" }]);
  });

  test("kernel crashed: up restarts it; one that panics at every boot ends up early, with its words", async () => {
    const asRoot = (script: string) =>
      home.trilab(["ssh", "guest", "--seat", seat, "--root", "--", "sh", "-c", script]);
    const boot = () => inside(seat, "guest", "cat /proc/sys/kernel/random/boot_id");
    await up(seat);
    const before = await boot();
    // Not before ssh has gone: it would wait for an answer for ever.
    expectDone(await asRoot("(sleep 2; echo c >/proc/sysrq-trigger) >/dev/null 2>&1 &"));
    await until("the crash", async () =>
      (await home.trilab(["logs", "guest", "--seat", seat])).stdout.includes("sysrq triggered crash"),
    );
    await up(seat);
    expect(await boot()).not.toBe(before);
    await asRoot("mv /usr/lib/systemd/systemd /root/ && sync");
    await virsh("destroy", guest);
    const run = await home.trilab(["up", LAB, "--seat", seat, "--wait", "30m"]);
    expectError(
      run,
      1,
      /does not boot: its kernel panics/,
      /it said "Kernel panic - not syncing: .*", was restarted, and panicked again/,
      /trilab: initrd: \/dev\/vda mounted/,
    );
    expect(run.stderr).not.toContain("--wait 10m");
    expectError(await home.trilab(["parity", "--seat", seat]), 1, /does not answer SSH/);
  });

  test("disk deleted by hand: up makes a new machine", async () => {
    await tryHost("virsh", "-c", "qemu:///system", "destroy", guest);
    await virsh("vol-delete", `${guest}.qcow2`, "--pool", "trilab");
    await up(seat);
    expect(await inside(seat, "guest", "ls ~/work.txt 2>/dev/null || echo new")).toBe("new");
  });

  test.each(["its network inactive", "destroyed and undefined"])(
    "%s: down takes the rest away",
    async (fault) => {
      await up(seat);
      await FAULTS[fault]?.();
      await down(seat);
    },
  );

  test("disk and network deleted while it runs: down takes the rest away", async () => {
    await home.trilab(["up", LAB, "--seat", seat, "--on", "guest", "--wait", "1s"]);
    await virsh("net-destroy", guest);
    await virsh("net-undefine", guest);
    await virsh("vol-delete", `${guest}.qcow2`, "--pool", "trilab");
    await down(seat);
  });
});
