import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { until } from "../e2e/support.js";
import { type SecondHost, startSecondHost } from "./second-host.js";

/** Whatever there is of a host on this machine: its device, folder, control groups, mounts and processes. */
async function tracesOf(name: string): Promise<string[]> {
  const number = name.replace(/\D/g, "");
  const folder = `/var/tmp/trilab-second-host/${number}`;
  const groups = await execa("find", ["/sys/fs/cgroup", "-type", "d", "-name", name]);
  const devices = await readdir("/sys/class/net");
  const processes = (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry));
  const inside = await Promise.all(
    processes.map(async (pid) =>
      (await readFile(`/proc/${pid}/mountinfo`, "utf8").catch(() => "")).includes(`${folder}/`),
    ),
  );
  return [
    ...devices.filter((device) => device === `trihost${number}`),
    ...(existsSync(folder) ? [folder] : []),
    ...groups.stdout.split("\n").filter(Boolean),
    ...processes.filter((_, i) => inside[i]).map((pid) => `process ${pid}`),
  ];
}

describe("a second host", () => {
  let host: SecondHost;
  let stopped = false;
  let dir: string;
  const docker = (...args: string[]) =>
    execa("docker", args, { env: { ...host.env, DOCKER_HOST: host.dockerHost } });
  const virsh = (...args: string[]) =>
    execa("virsh", ["--quiet", ...args], { env: { ...host.env, LIBVIRT_DEFAULT_URI: host.libvirtUri } });

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "trilab-second-host-test-"));
    host = await startSecondHost();
  });
  afterAll(async () => {
    if (host && !stopped) await host.stop();
    await rm(dir, { recursive: true, force: true });
  });

  it("answers SSH by address and by alias, as another machine than this one", async () => {
    const answers = await Promise.all(
      [`root@${host.address}`, host.name].map((target) =>
        execa("ssh", [target, "hostname; cat /etc/machine-id"], { env: host.env }),
      ),
    );
    const here = (await readFile("/etc/machine-id", "utf8")).trim();
    for (const { stdout } of answers) {
      expect(stdout.split("\n")[0]).toBe(host.name);
      expect(stdout).not.toContain(here);
    }
  });

  it("has a dockerd that runs a container", async () => {
    expect((await docker("info", "--format", "{{.Name}} {{.Containers}}")).stdout).toBe(`${host.name} 0`);
    // A program that needs nothing else: Debian links it statically.
    await mkdir(join(dir, "image/bin"), { recursive: true });
    await copyFile("/sbin/ldconfig", join(dir, "image/bin/program"));
    await execa("tar", ["-C", join(dir, "image"), "-cf", join(dir, "image.tar"), "bin"]);
    await docker("import", join(dir, "image.tar"), "tiny");
    const limits = ["--memory", "32m", "--pids-limit", "16", "--cpus", "0.5"];
    const ran = await docker("run", "--rm", ...limits, "tiny", "/bin/program", "--version");
    expect(ran.stdout).toContain("ldconfig");
    // This machine's own daemon has none of it.
    const here = await execa("docker", ["--host", "unix:///var/run/docker.sock", "images", "-q", "tiny"]);
    expect(here.stdout).toBe("");
  });

  it("has the same dockerd behind TLS, for whoever has the certificate", async () => {
    const { certPath, dockerHost } = host.tls;
    const info = ["--host", dockerHost, "info", "--format", "{{.Name}}"];
    const env = { DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: certPath };
    expect((await execa("docker", info, { env })).stdout).toBe(host.name);
    const without = await execa("docker", ["--tlscacert", join(certPath, "ca.pem"), "--tls", ...info], {
      reject: false,
    });
    expect(without.stderr).toMatch(/certificate/);
  });

  it("has a libvirtd that runs a domain on a network of its own", async () => {
    expect((await virsh("hostname")).stdout.trim()).toBe(host.name);
    expect((await virsh("list", "--all", "--name")).stdout.trim()).toBe("");
    const network = join(dir, "network.xml");
    await writeFile(
      network,
      `<network><name>second</name><bridge name='second0' stp='off' delay='0'/><ip address='10.213.0.1' prefix='28'/></network>`,
    );
    await virsh("net-create", network);
    const domain = join(dir, "domain.xml");
    await writeFile(
      domain,
      `<domain type='qemu'><name>second</name><memory unit='MiB'>32</memory>
        <os><type arch='x86_64' machine='pc'>hvm</type></os>
        <devices><interface type='network'><source network='second'/></interface></devices></domain>`,
    );
    await virsh("define", domain);
    await virsh("start", "second");
    expect((await virsh("domstate", "second")).stdout.trim()).toBe("running");
    expect((await host.run("pgrep -c qemu-system")).stdout).toBe("1");
    // Neither the network's device nor the domain shows on this machine.
    expect(await readdir("/sys/class/net")).not.toContain("second0");
    const here = await execa("virsh", ["--connect", "qemu:///system", "list", "--all", "--name"]);
    expect(here.stdout.split("\n")).not.toContain("second");
  });

  it("stands beside another, which has the same addresses inside", async () => {
    const other = await startSecondHost({ daemons: ["docker"], beside: host });
    try {
      expect(other.name).not.toBe(host.name);
      const info = await execa("docker", ["info", "--format", "{{.Name}} {{.Images}}"], {
        env: { ...host.env, DOCKER_HOST: other.dockerHost },
      });
      expect(info.stdout).toBe(`${other.name} 0`);
      // A host reaches this machine and nothing behind it.
      const reach = await other.run(`bash -c '</dev/tcp/${host.address}/22'`);
      expect(reach.stderr).toMatch(/unreachable/);
    } finally {
      await other.stop();
    }
    expect(await tracesOf(other.name)).toEqual([]);
    expect(await tracesOf(host.name)).not.toEqual([]);
  });

  it("leaves nothing behind when it is stopped, whatever runs there", async () => {
    await host.run("sleep 1000 >/dev/null 2>&1 &");
    await host.stop();
    stopped = true;
    expect(await tracesOf(host.name)).toEqual([]);
  });
});

it("is gone when its test process is killed; what is left is removed at the next start", async () => {
  const script = join(import.meta.dirname, "second-host-child.mjs");
  const child = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
  const [name = ""] = (
    await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next()
  ).value.split(" ");
  const number = name.replace(/\D/g, "");
  // The script that would tidy up dies first, as in a crash of everything.
  const scripts = await execa("pgrep", ["-f", `second-host.sh start .* ${number}$`]);
  for (const pid of scripts.stdout.split("\n")) process.kill(Number(pid), "SIGKILL");
  child.kill("SIGKILL");
  const alive = async () =>
    (await tracesOf(name)).filter((trace) => /^(process|trihost)/.test(trace)).length > 0;
  await until("everything in the host ends", async () => !(await alive()));
  expect(await tracesOf(name)).not.toEqual([]); // its folder

  const next = await startSecondHost({ daemons: [] });
  try {
    expect((await next.run("hostname")).stdout).toBe(next.name);
  } finally {
    await next.stop();
  }
  expect(await tracesOf(name)).toEqual([]);
});
