import { execa } from "execa";
import { beforeAll, describe, expect, test } from "vitest";
import { DockerDriver } from "../../drivers/docker/driver.js";
import { unfilteredCalls } from "../../drivers/docker/syscall-filter.js";
import { LOCAL } from "../../model/endpoint.js";
import { receive, spoof } from "../support/packets.js";
import { openHostServices } from "./host-services.js";
import { expectDone, host, machine, openHome, tryHost } from "./support.js";

/** What root's own work inside needs; all others are dropped. */
const CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID"].map(
  (c) => `CAP_${c}`,
);
const LAB = "first-boot";
/** A listener that says hello to whoever comes. */
const LISTEN = `use IO::Socket::INET; my $s = IO::Socket::INET->new(Listen => 5, LocalPort => 7777, ReuseAddr => 1) or die; while (my $c = $s->accept) { print $c "hello\\n"; close $c }`;

const home = openHome();
const services = openHostServices();
let alice: string;
let bob: string;
const address: Record<string, string> = {};

beforeAll(async () => {
  alice = home.seat("x");
  bob = home.seat("y");
  // One after the other: under emulation two booting guests take longer than twice one.
  for (const seat of [alice, bob]) expectDone(await home.trilab(["up", LAB, "--seat", seat]));
  const { seats } = JSON.parse((await home.trilab(["status", "--json"])).stdout);
  for (const s of seats as { seat: string; target: string; address: string }[])
    address[`${s.seat}-${s.target}`] = s.address;
  for (const seat of [alice, bob])
    await host("docker", "exec", "-d", machine(seat, "container"), "perl", "-e", LISTEN);
});

const inside = (seat: string, target: string, ...command: string[]) =>
  home.trilab(["ssh", target, "--seat", seat, "--", ...command]);

/** What the other side says first, or nothing: of the SSH server of a guest, of the listener in a container. */
async function firstWords(
  from: { seat: string; target: string },
  to: { seat: string; target: string },
): Promise<string> {
  const port = to.target === "guest" ? 22 : 7777;
  const at = address[`${to.seat}-${to.target}`];
  const run = await inside(
    from.seat,
    from.target,
    "timeout",
    "4",
    "bash",
    "-c",
    `head -n1 </dev/tcp/${at}/${port}`,
  );
  return run.stdout;
}

describe("a seat's neighbours", () => {
  test("the machines do answer this host, so that silence means something", async () => {
    const answer = async (at: string | undefined, port: number): Promise<string> =>
      (await tryHost("timeout", "4", "bash", "-c", `head -n1 </dev/tcp/${at}/${port}`)).all;
    for (const seat of [alice, bob]) {
      // The container's listener starts in the background, and an emulated guest sometimes takes its time.
      await expect.poll(() => answer(address[`${seat}-container`], 7777)).toBe("hello");
      await expect.poll(() => answer(address[`${seat}-guest`], 22)).toMatch(/^SSH-2\.0/);
    }
  });

  test.each([
    ["container", "container"],
    ["container", "guest"],
    ["guest", "container"],
    ["guest", "guest"],
  ])("one seat's %s can't reach another's %s", async (from, to) => {
    const [there, back] = await Promise.all([
      firstWords({ seat: alice, target: from }, { seat: bob, target: to }),
      firstWords({ seat: bob, target: from }, { seat: alice, target: to }),
    ]);
    expect([there, back]).toEqual(["", ""]);
  });

  test("no packet with another's address gets from a guest to another seat, nor an answer to one", async () => {
    const mine = address[`${alice}-guest`] ?? "";
    const theirs = address[`${bob}-container`] ?? "";
    const gateway = services.addresses(mine).gateway ?? "";
    // By docker exec: what a machine says through trilab comes when the command has ended.
    const listener = execa("docker", [
      "exec",
      machine(bob, "container"),
      "perl",
      "-e",
      receive(theirs, 7778),
    ]);
    await new Promise((resolve) => listener.stdout.once("data", resolve));
    const send = (...packet: Parameters<typeof spoof>) =>
      home.trilab(["ssh", "guest", "--root", "--seat", alice, "--", "perl", "-e", spoof(...packet)]);
    // Docker's own bridge's address: it takes what bears it for its own, and hands it on.
    for (const source of ["172.17.0.1", mine]) expectDone(await send(source, 7778, theirs, 7778));
    expectDone(await send(theirs, 7778, gateway, 53));
    await host("bash", "-c", `printf end >/dev/udp/${theirs}/7778`);
    expect((await listener).stdout).toBe("ready");
  });

  test("a guest still resolves names, and reaches its own gateway", async () => {
    const gateway = (address[`${alice}-guest`] ?? "").replace(/\d+$/, (last) => String(Number(last) - 1));
    const run = await inside(alice, "guest", "ping", "-c1", "-W2", gateway);
    expect(run.stdout).toContain("1 received");
    const dns = await inside(
      alice,
      "guest",
      "timeout",
      "4",
      "bash",
      "-c",
      `exec 3<>/dev/tcp/${gateway}/53 && echo open`,
    );
    expect(dns.stdout).toBe("open");
  });
});

describe("this host's services", () => {
  test.each(["container", "guest"])("answer this host, and not a seat's %s", async (target) => {
    const at = services.addresses(address[`${alice}-${target}`] ?? "");
    const here = await Promise.all(Object.values(at).map((a) => services.askHere(a)));
    expect(here).toEqual(Object.values(at).map(() => "hello"));
    const from = async (...command: string[]) => (await inside(alice, target, ...command)).stdout;
    const there = await Promise.all(Object.values(at).map((a) => services.ask(a, from)));
    expect(there).toEqual(Object.values(at).map(() => ""));
  });
});

describe("the container", () => {
  test("has nothing of the host's", async () => {
    const [it] = JSON.parse(await host("docker", "inspect", machine(alice, "container")));
    const c = it.HostConfig;
    expect(c).toMatchObject({
      Privileged: false,
      CapAdd: CAPABILITIES,
      CapDrop: ["ALL"],
      PidsLimit: 256,
      Memory: 512 * 1024 ** 2,
      MemorySwap: 512 * 1024 ** 2,
      NanoCpus: 1e9,
      IpcMode: "private",
      PidMode: "",
      UTSMode: "",
      UsernsMode: "",
      Devices: null,
      PublishAllPorts: false,
    });
    expect(c.NetworkMode).not.toBe("host");
    expect(c.SecurityOpt).toEqual(["no-new-privileges"]);
    expect(c.PortBindings ?? {}).toEqual({});
    expect(it.NetworkSettings.Ports).toEqual({});
    expect(it.Mounts.map((m: { Type: string; Destination: string }) => [m.Type, m.Destination])).toEqual([
      ["volume", "/home/lab"],
    ]);
    expect(Object.keys(it.NetworkSettings.Networks)).toEqual([machine(alice, "container")]);
    expect(it.Config.Labels).toMatchObject({
      "trilab.lab": LAB,
      "trilab.seat": alice,
      "trilab.target": "container",
    });
  });

  test("has, seen by the kernel, few capabilities, seccomp's filter, and no way to new privileges", async () => {
    const status = await host(
      "docker",
      "exec",
      "-u",
      "root",
      machine(alice, "container"),
      "cat",
      "/proc/self/status",
    );
    // The bits of CAPABILITIES in linux/capability.h: 0, 1 and 3–7.
    for (const set of ["CapEff", "CapBnd"]) expect(status).toMatch(new RegExp(`^${set}:\\s+0*fb$`, "m"));
    expect(status).toMatch(/^CapAmb:\s+0+$/m);
    expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
    expect(status).toMatch(/^Seccomp:\s+2$/m);
  });

  test("has no raw sockets, and both its users ping without", async () => {
    const gateway = services.addresses(address[`${alice}-container`] ?? "").gateway ?? "";
    const raw = "use Socket; socket(my $s, AF_INET, SOCK_RAW, 255) or die $!; print 1";
    for (const who of [[], ["--root"]]) {
      const run = (...command: string[]) =>
        home.trilab(["ssh", "container", ...who, "--seat", alice, "--", ...command]);
      expect(expectDone(await run("ping", "-c1", "-W2", gateway)).stdout).toContain("1 received");
      expect((await run("perl", "-e", raw)).stderr).toContain("Operation not permitted");
    }
  });

  test("doctor finds out what the daemon's system call filter lets through", async () => {
    const docker = new DockerDriver(LOCAL.docker).client;
    // What this kernel has at all: 425 is io_uring_setup, which takes no null pointer; 40 is AF_VSOCK.
    const program =
      'syscall(425, 1, 0); print "io_uring " if $! == 14; print "AF_VSOCK" if socket(my $s, 40, 1, 0)';
    const all = (await host("perl", "-e", program)).split(" ").filter(Boolean);
    expect(await unfilteredCalls(docker, "seccomp=unconfined")).toEqual(all);
    const refused = [
      { names: ["io_uring_setup"], action: "SCMP_ACT_ERRNO" },
      { names: ["socket"], action: "SCMP_ACT_ERRNO", args: [{ index: 0, value: 40, op: "SCMP_CMP_EQ" }] },
    ];
    const profile = JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: refused });
    expect(await unfilteredCalls(docker, `seccomp=${profile}`)).toEqual([]);
    const { checks } = JSON.parse((await home.trilab(["doctor", "--json"])).stdout);
    const open = await unfilteredCalls(docker);
    expect(checks.find(({ id }: { id: string }) => id === "syscalls")).toMatchObject({
      ok: open?.length === 0,
      found: expect.stringContaining(open?.join(" and ") ?? "not tried"),
    });
  });

  test("what root writes to the output of whatever runs there does not reach the daemon", async () => {
    const name = machine(alice, "container");
    // The last is its own, which the daemon hands to us.
    const all = 'for out in /proc/[0-9]*/fd/[12]; do [[ ! -e $out ]] || echo flood >"$out"; done; echo done';
    expect(await host("docker", "exec", "-u", "root", name, "bash", "-c", all)).toMatch(/flood[\s\S]*done/);
    expect(await host("docker", "logs", name)).toBe("");
    const log = await host("docker", "inspect", "-f", "{{.LogPath}}", name);
    expect(await host("stat", "-c", "%s", log)).toBe("0");
  });

  test("its process 1 ends orphans, so that they don't add up to the limit of processes", async () => {
    const orphans =
      "for i in $(seq 150); do (true &); done; until ! ps -e -o stat= | grep -q Z; do sleep 0.2; done";
    for (let i = 0; i < 3; i++) expectDone(await inside(alice, "container", "bash", "-c", orphans));
  });

  test("logs shows the log that it keeps inside, running or not", async () => {
    const name = machine(alice, "container");
    await host("docker", "exec", "-u", "root", name, "sh", "-c", "seq 3 >/var/log/trilab.log");
    const logs = async (...args: string[]) =>
      expectDone(await home.trilab(["logs", "container", "--seat", alice, ...args])).stdout;
    expect(await logs()).toBe("1\n2\n3");
    await host("docker", "stop", name);
    expect(await logs("-n", "2")).toBe("2\n3");
    await host("docker", "start", name);
  });

  test("a fork bomb ends at 256 processes, and the container lives on", async () => {
    const bomb = "for i in $(seq 300); do sleep 6 & done; wait";
    const run = await tryHost("docker", "exec", machine(alice, "container"), "bash", "-c", bomb);
    expect(run.all).toMatch(/fork: .*Resource temporarily unavailable/);
    expectDone(await inside(alice, "container", "true"));
  });

  test("memory past the limit is not given", async () => {
    const run = await tryHost(
      "docker",
      "exec",
      machine(alice, "container"),
      "perl",
      "-e",
      "$x = 'a' x (700 * 1024 * 1024); print length $x",
    );
    expect(run.exitCode).toBe(137);
    expectDone(await inside(alice, "container", "true"));
  });
});

describe("the guest", () => {
  test("runs as libvirt's own user on a network of its own, with an isolated port and the base disk read-only", async () => {
    const xml = await host("virsh", "-c", "qemu:///system", "dumpxml", machine(alice, "guest"));
    expect(xml).toContain("<port isolated='yes'/>");
    expect(xml).toContain(`<source network='${machine(alice, "guest")}'`);
    expect(xml).not.toMatch(/<(graphics|hostdev|filesystem|redirdev)/);
    expect(xml).toMatch(new RegExp(`trilab.seat['"]>${alice}<`));
    const pid = (await host("cat", `/run/libvirt/qemu/${machine(alice, "guest")}.pid`)).trim();
    expect(await host("stat", "-c", "%U", `/proc/${pid}`)).toBe("libvirt-qemu");
    const open = await host(
      "sh",
      "-c",
      `for f in /proc/${pid}/fd/*; do echo "$(readlink $f) $(sed -n 's/^flags:.*\\(.\\)$/\\1/p' /proc/${pid}/fdinfo/\${f##*/})"; done`,
    );
    const base = open.split("\n").filter((line) => line.includes("/trilab-images/"));
    expect(base.length).toBeGreaterThan(0);
    // The last octal digit of the open flags: 0 is read-only.
    for (const line of base) expect(line).toMatch(/ 0$/);
  });

  test("its disk is nobody's to read but QEMU's", async () => {
    const disk = `/var/lib/libvirt/images/trilab/${machine(alice, "guest")}.qcow2`;
    expect(await host("stat", "-c", "%U %a", disk)).toBe("libvirt-qemu 600");
  });
});
