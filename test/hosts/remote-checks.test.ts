import { describe, expect, it } from "vitest";
import { setScript } from "../../hosts/firewall-rules.js";
import { daemonTools } from "../../hosts/packages.js";
import {
  judgeCapacity,
  judgeDocker,
  judgeIsolation,
  judgeKvmAccess,
  judgeLibvirt,
  judgeLogin,
  judgeTools,
  parseFacts,
} from "../../hosts/remote-checks.js";
import { bootUnit } from "../../hosts/set-firewall.js";

const facts = (parts: Record<string, string>) => new Map(Object.entries(parts));

it("what a host printed is read part by part, whatever a part holds", () => {
  const text = "\n@user\nlab\n\n@unit\n[Unit]\nmail=a@b\n@ not a part\n\n@kvm\n\n@cpus\n4\n";
  expect([...parseFacts(text)]).toEqual([
    ["user", "lab"],
    ["unit", "[Unit]\nmail=a@b\n@ not a part"],
    ["kvm", ""],
    ["cpus", "4"],
  ]);
});

it("a host needs what its daemons need, and nothing to build images with", () => {
  const commands = (docker: boolean, libvirt: boolean) =>
    daemonTools({ docker, libvirt }).map(({ command }) => command);
  expect(commands(true, false)).toEqual(["docker", "dockerd", "iptables"]);
  expect(commands(false, true)).toEqual(
    expect.arrayContaining(["libvirtd", "qemu-system-x86_64", "dnsmasq", "qemu-img", "iptables"]),
  );
  expect(commands(true, true)).not.toEqual(expect.arrayContaining(["mmdebstrap"]));
});

describe("the login", () => {
  it("must be one that may be root", () => {
    expect(judgeLogin(facts({ user: "lab", root: "yes", machine: "x86_64" })).ok).toBe(true);
    const denied = judgeLogin(
      facts({ user: "lab", root: "sudo: a password is required", machine: "x86_64" }),
    );
    expect(denied).toMatchObject({ ok: false, found: expect.stringContaining("lab") });
    expect(denied.repair).toBeUndefined();
  });

  it("of another architecture is of no use: the image is built for this one", () => {
    expect(judgeLogin(facts({ user: "root", root: "yes", machine: "aarch64" })).ok).toBe(false);
  });
});

describe("tools", () => {
  const tools = daemonTools({ docker: true, libvirt: true });
  const all = tools.map(({ command }) => command);

  it("that are missing are named with their packages, and installed where there is apt", () => {
    const commands = all.filter((command) => !["qemu-img", "virsh"].includes(command)).join("\n");
    const found = judgeTools(facts({ commands, apt: "/usr/bin/apt-get" }), tools);
    expect(found).toMatchObject({
      ok: false,
      found: "missing: virsh, qemu-img",
      fix: "apt-get install libvirt-clients qemu-utils",
    });
    expect(found.repair?.script).toContain("install -y --no-install-recommends libvirt-clients qemu-utils\n");
    expect(judgeTools(facts({ commands, apt: "" }), tools).repair).toBeUndefined();
  });

  it("that are a daemon's own binary are not needed where the daemon answers", () => {
    const commands = all.filter((command) => !["dockerd", "libvirtd"].includes(command)).join("\n");
    const [docker, libvirt] = ["26.1.5", "Using library: libvirt 9.0.0"];
    const missing = (parts: Record<string, string>): string | undefined =>
      judgeTools(facts({ commands, ...parts }), tools).found;
    expect(missing({ docker, libvirt })).toBe("all there");
    expect(missing({ docker: "permission denied", "docker-root": docker, "libvirt-root": libvirt })).toBe(
      "all there",
    );
    expect(missing({ docker })).toBe("missing: libvirtd");
    expect(missing({ docker: "Cannot connect to the Docker daemon", libvirt })).toBe("missing: dockerd");
  });

  it("that are all there are all right", () => {
    expect(judgeTools(facts({ commands: all.join("\n") }), tools).ok).toBe(true);
  });
});

describe("daemons", () => {
  it("that answer the login are all right", () => {
    expect(judgeDocker(facts({ docker: "20.10.24+dfsg1" }))).toMatchObject({ ok: true });
    const libvirt = "Using library: libvirt 9.0.0\nRunning hypervisor: QEMU 7.2.22";
    expect(judgeLibvirt(facts({ libvirt, virtlogd: "yes" }))).toMatchObject({
      ok: true,
      found: "libvirt 9.0.0, QEMU 7.2.22",
    });
  });

  it("that answer root alone need the login in their group", () => {
    const docker = facts({ user: "lab", docker: "permission denied", "docker-root": "26.1.5" });
    expect(judgeDocker(docker).repair?.script).toBe("usermod -aG docker lab");
    const libvirt = facts({
      user: "lab",
      libvirt: "error: authentication unavailable",
      "libvirt-root": "Using library: libvirt 9.0.0",
      virtlogd: "yes",
    });
    expect(judgeLibvirt(libvirt).repair?.script).toBe("usermod -aG libvirt lab");
  });

  it("that answer nobody are started, and only those", () => {
    const down = "Cannot connect to the Docker daemon";
    expect(judgeDocker(facts({ docker: down, "docker-root": down })).repair?.script).toContain(
      "setsid dockerd",
    );
    const libvirt = "Using library: libvirt 9.0.0";
    const noLog = judgeLibvirt(facts({ libvirt, "libvirt-root": libvirt, virtlogd: "" }));
    expect(noLog).toMatchObject({ ok: false, found: expect.stringContaining("virtlogd does not") });
    expect(noLog.repair?.script).toContain("virtlogd -d");
    expect(noLog.repair?.script).not.toContain("libvirtd -d");
  });
});

it("/dev/kvm must be open to a group that is not root's, where there is one", () => {
  expect(judgeKvmAccess(facts({ kvm: "" })).ok).toBe(true);
  expect(judgeKvmAccess(facts({ kvm: "660 108" })).ok).toBe(true);
  expect(judgeKvmAccess(facts({ kvm: "666 0" })).ok).toBe(true);
  expect(judgeKvmAccess(facts({ kvm: "600 0" })).ok).toBe(false);
  expect(judgeKvmAccess(facts({ kvm: "660 0" })).ok).toBe(false);
});

describe("the firewall", () => {
  it("is set where it does not stand: by a unit where systemd runs, else at once", () => {
    const bare = judgeIsolation(facts({ iptables: "*mangle\nCOMMIT", systemd: "" }));
    expect(bare).toMatchObject({ ok: false, found: "no rules", repair: { script: setScript() } });
    const booted = judgeIsolation(facts({ iptables: "", systemd: "yes" }));
    expect(booted.repair?.script).toContain(`\n${bootUnit(setScript()).trimEnd()}\n`);
  });
});

it("a host with little disk left is warned of", () => {
  const host = (disk: string) => judgeCapacity(facts({ cpus: "4", memory: "8589934592", disk }));
  expect(host(`Avail\n${7 * 2 ** 30}`)).toMatchObject({
    ok: true,
    found: "4 CPUs, 8GiB of memory, 7GiB of disk free",
  });
  expect(host(`Avail\n${5 * 2 ** 30}`).ok).toBe(false);
});
