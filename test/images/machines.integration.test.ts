import { randomUUID } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import Docker from "dockerode";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { containerImageLoaded, importContainerImage } from "../../drivers/docker/image.js";
import { ensureImage, type MatchedImage, settledCommand } from "../../images/index.js";
import { probeKvm } from "../../images/kvm-probe.js";
import {
  makeKey,
  makeOverlay,
  type SshTarget,
  sshRun,
  stageImage,
  startRawGuest,
  startRawNetwork,
  stopRawGuest,
  stopRawNetwork,
  waitForSsh,
} from "../support/raw-guest.js";

/** What must be byte for byte the same in both machines. */
const sample = [
  "/usr/bin/bash",
  "/usr/sbin/sshd",
  "/lib/systemd/systemd",
  "/etc/passwd",
  "/var/lib/dpkg/status",
];
const suffix = String(process.pid);
const name = `tlimg-test-${suffix}`;
const dir = `/var/lib/libvirt/images/${name}`;
const network = { name, bridge: `img-${suffix}`, gateway: "10.213.224.17", prefix: 28 };
const docker = new Docker();

let image: MatchedImage;

// The real cache on purpose: the image is built once for all runs.
beforeAll(async () => {
  image = await ensureImage({ release: "bookworm", packages: [], user: "lab", diskBytes: 4 * 1024 ** 3 });
});

describe("the KVM probe", () => {
  it("sees a kernel boot under TCG", async () => {
    const verdict = await probeKvm({ ...image, accel: "tcg", timeoutMs: 30_000 });
    expect(verdict).toMatchObject({ works: true, why: "a kernel booted under tcg" });
  });

  it("gives up in time", async () => {
    const verdict = await probeKvm({ ...image, accel: "tcg", timeoutMs: 200 });
    expect(verdict).toMatchObject({ works: false, why: expect.stringContaining("within 0.2 s") });
  });

  it("answers about KVM itself, whichever way", async () => {
    const verdict = await probeKvm({ ...image, timeoutMs: 5_000 });
    expect(verdict.why).not.toBe("");
  });
});

describe("container and guest", () => {
  let target: SshTarget;

  beforeAll(async () => {
    await mkdir(dir, { recursive: true });
    const staged = await stageImage(dir, image);
    const [user, host] = [await makeKey(dir, "user"), await makeKey(dir, "host")];
    const address = "10.213.224.18";
    await writeFile(`${dir}/known`, `${address} ${host.publicKey}\n`);
    target = { address, user: "lab", keyPath: user.path, knownHosts: `${dir}/known` };
    await makeOverlay(staged.base, `${dir}/overlay.qcow2`);
    await startRawNetwork(network);
    const running = await startRawGuest({
      ...staged,
      name,
      uuid: randomUUID(),
      disk: `${dir}/overlay.qcow2`,
      network: name,
      mac: "52:54:00:21:00:12",
      consoleLog: `${dir}/console.log`,
      identity: {
        hostname: "machines-test",
        address: `${address}/28`,
        gateway: network.gateway,
        userKeys: [user.publicKey],
        hostKey: host.text,
        motd: "Grüß Gott\n",
      },
    });
    await waitForSsh(target, running.startedAt);
  });

  afterAll(async () => {
    await stopRawGuest(name);
    await stopRawNetwork(name);
    await execa("docker", ["image", "rm", `trilab/machine:${name}`], { reject: false });
    await rm(dir, { recursive: true, force: true });
  });

  const asRoot = (command: string) => sshRun({ ...target, user: "root" }, command);

  it("the guest has the identity it was given, behind the pinned host key", async () => {
    const { stdout } = await sshRun(
      target,
      "hostname; id -un; id -u; cat /etc/motd; ip -4 -br addr show eth0; ip route",
    );
    expect(stdout).toContain("machines-test\nlab\n1000\nGrüß Gott\n");
    expect(stdout).toContain("10.213.224.18/28");
    expect(stdout).toContain("default via 10.213.224.17");
  });

  it("the whole system comes up sane afterwards", async () => {
    await expect.poll(async () => (await asRoot(settledCommand.join(" "))).exitCode).toBe(0);
    const { stdout } = await asRoot(
      "systemctl is-system-running --wait; systemctl --failed --no-legend; loginctl list-sessions --no-legend; date +%s",
    );
    const lines = stdout.trim().split("\n");
    expect(lines[0]).toBe("running");
    expect(lines[1]).toMatch(/root/);
    expect(Math.abs(Number(lines.at(-1)) - Date.now() / 1000)).toBeLessThan(30);
  });

  it("passwords do not open it, and its console log tells how far the boot came", async () => {
    const { stdout } = await asRoot("sshd -T; passwd -S root; passwd -S lab");
    expect(stdout).toMatch(/^passwordauthentication no$/m);
    expect(stdout).toMatch(/^permitrootlogin (without-password|prohibit-password)$/m);
    expect(stdout).toMatch(/^usedns no$/m);
    expect(stdout).toMatch(/^root L /m);
    expect(stdout).toMatch(/^lab L /m);
    expect(await readFile(`${dir}/console.log`, "utf8")).toMatch(
      /vda mounted[\s\S]*identity: machines-test 10\.213\.224\.18/,
    );
  });

  it("share their files", async () => {
    // Under a name of its own: the real tag may be loaded already, and in use by others.
    const own = { ...image, hash: suffix.padStart(16, "0"), containerTag: `trilab/machine:${name}` };
    const id = await importContainerImage(docker, own);
    expect(await importContainerImage(docker, own)).toBe(id);
    expect(await containerImageLoaded(docker, own.containerTag)).toBe(true);
    expect(await containerImageLoaded(docker, "trilab/machine:0000000000000000")).toBe(false);
    const labels = (await docker.getImage(id).inspect()).Config.Labels;
    expect(labels).toMatchObject({ "trilab.image": own.hash, "trilab.root": image.rootHash });
    const inContainer = await execa("docker", [
      "run",
      "--rm",
      "--network",
      "none",
      own.containerTag,
      "sha256sum",
      ...sample,
    ]);
    const inGuest = await asRoot(`sha256sum ${sample.join(" ")}`);
    expect(inGuest.stdout.trim()).toBe(inContainer.stdout.trim());
  });

  it("the guest reboots, and powers off by ACPI", async () => {
    const boot = async (): Promise<string> =>
      (await asRoot("cat /proc/sys/kernel/random/boot_id")).stdout.trim();
    const before = await boot();
    await asRoot("systemctl reboot");
    await expect.poll(async () => ["", before].includes(await boot())).toBe(false);
    await expect.poll(async () => (await asRoot(settledCommand.join(" "))).exitCode).toBe(0);
    await sleep(1000);
    await execa("virsh", ["shutdown", name]);
    const gone = async (): Promise<boolean> =>
      (await execa("virsh", ["domstate", name], { reject: false })).failed;
    await expect.poll(gone).toBe(true);
  });
});
