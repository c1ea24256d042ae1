/**
 * A guest of the matched image by hand-written domain XML and virsh: the peer the bench compares with,
 * and what shows that the image keeps its side of model/guest-contract.ts.
 */

import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { commandLineText, type GuestIdentity, oemStrings } from "../../model/guest-contract.js";

export interface RawGuest {
  name: string;
  /** A version 4 UUID; it becomes the machine-id. */
  uuid: string;
  /** Default 512. */
  memoryMiB?: number;
  /** Default 1. */
  cpus?: number;
  /** `qemu` is TCG. Default `qemu`. */
  type?: "kvm" | "qemu";
  kernel: string;
  initrd: string;
  /** qcow2, written to. */
  disk: string;
  network: string;
  mac: string;
  identity: GuestIdentity;
  /** What the guest says on ttyS0 goes to this file. Absent: a pty. */
  consoleLog?: string;
}

const escapes: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "'": "&apos;",
  '"': "&quot;",
};
const xml = (text: string): string => text.replace(/[&<>'"]/g, (char) => escapes[char] ?? char);

/** The domain's XML, for `virsh create`. */
export function rawGuestXml(guest: RawGuest): string {
  const type = guest.type ?? "qemu";
  const strings = oemStrings(guest.identity).map((text) => `<entry>${xml(text)}</entry>`);
  const console =
    guest.consoleLog === undefined
      ? `<serial type='pty'><target port='0'/></serial>`
      : `<serial type='file'><source path='${xml(guest.consoleLog)}'/><target port='0'/></serial>`;
  return `<domain type='${type}'>
  <name>${xml(guest.name)}</name>
  <uuid>${xml(guest.uuid)}</uuid>
  <memory unit='MiB'>${guest.memoryMiB ?? 512}</memory>
  <vcpu>${guest.cpus ?? 1}</vcpu>
  <sysinfo type='smbios'><oemStrings>${strings.join("")}</oemStrings></sysinfo>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>${xml(guest.kernel)}</kernel>
    <initrd>${xml(guest.initrd)}</initrd>
    <cmdline>${xml(commandLineText(type === "kvm" ? "kvm" : "tcg"))}</cmdline>
    <smbios mode='sysinfo'/>
  </os>
  <features><acpi/><apic/>${type === "qemu" ? `<tcg><tb-cache unit='MiB'>128</tb-cache></tcg>` : ""}</features>
  ${type === "kvm" ? "<cpu mode='host-passthrough'/>" : ""}
  <clock offset='utc'/>
  <on_reboot>restart</on_reboot>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='unsafe'/>
      <source file='${xml(guest.disk)}'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <interface type='network'>
      <mac address='${xml(guest.mac)}'/>
      <source network='${xml(guest.network)}'/>
      <model type='virtio'/>
    </interface>
    ${console}
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
  </devices>
</domain>
`;
}

/** A NAT-less network of its own; without STP's two seconds before the first packet. */
export function rawNetworkXml(network: {
  name: string;
  bridge: string;
  gateway: string;
  prefix: number;
}): string {
  return `<network>
  <name>${xml(network.name)}</name>
  <bridge name='${xml(network.bridge)}' stp='off' delay='0'/>
  <ip address='${xml(network.gateway)}' prefix='${network.prefix}'/>
</network>
`;
}

export interface RunningGuest {
  guest: RawGuest;
  /** process.hrtime of the moment before `virsh create`, in milliseconds. */
  startedAt: number;
  /** Seconds `virsh create` took. */
  createSeconds: number;
}

const virsh = async (...args: string[]): Promise<string> =>
  (await execa("virsh", ["--connect", "qemu:///system", "--quiet", ...args])).stdout;

/** Creates a transient domain; it is gone when it stops. */
export async function startRawGuest(guest: RawGuest): Promise<RunningGuest> {
  const dir = await mkdtemp(join(tmpdir(), "tlimg-xml-"));
  const path = join(dir, "domain.xml");
  await writeFile(path, rawGuestXml(guest), { mode: 0o600 });
  const startedAt = performance.now();
  try {
    await virsh("create", path);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
  return { guest, startedAt, createSeconds: (performance.now() - startedAt) / 1000 };
}

/** Ends the domain at once, if it is there. */
export async function stopRawGuest(name: string): Promise<void> {
  await execa("virsh", ["--connect", "qemu:///system", "--quiet", "destroy", name], { reject: false });
}

export async function startRawNetwork(network: Parameters<typeof rawNetworkXml>[0]): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "tlimg-xml-"));
  try {
    await writeFile(join(dir, "network.xml"), rawNetworkXml(network));
    await virsh("net-create", join(dir, "network.xml"));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

export async function stopRawNetwork(name: string): Promise<void> {
  await execa("virsh", ["--connect", "qemu:///system", "--quiet", "net-destroy", name], { reject: false });
}

/** A folder QEMU's user may read: /root's own cache it may not. Holds kernel, initrd, base disk. */
export async function stageImage(
  dir: string,
  image: { kernel: string; initrd: string; disk: string },
): Promise<{ kernel: string; initrd: string; base: string }> {
  await mkdir(dir, { recursive: true });
  await chmod(dir, 0o755);
  const staged = { kernel: join(dir, "vmlinux"), initrd: join(dir, "initrd"), base: join(dir, "base.qcow2") };
  await execa("cp", ["--sparse=always", image.kernel, staged.kernel]);
  await execa("cp", [image.initrd, staged.initrd]);
  await execa("cp", ["--sparse=always", image.disk, staged.base]);
  return staged;
}

export async function makeOverlay(base: string, overlay: string): Promise<void> {
  await execa("qemu-img", ["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", base, overlay]);
}

/** An ed25519 pair in `dir`: the private file's path, its text, and the public line. */
export async function makeKey(
  dir: string,
  name: string,
): Promise<{ path: string; text: string; publicKey: string }> {
  const path = join(dir, name);
  await execa("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", path]);
  return {
    path,
    text: await readFile(path, "utf8"),
    publicKey: (await readFile(`${path}.pub`, "utf8")).trim(),
  };
}

export interface SshTarget {
  address: string;
  user: string;
  keyPath: string;
  /** Pins the host key: `address ssh-ed25519 …`. */
  knownHosts: string;
}

/** Runs a command by the ssh client; never asks anything, fails with its exit code in `exitCode`. */
export async function sshRun(
  target: SshTarget,
  command: string,
  timeoutMs = 60_000,
): Promise<{ exitCode: number | undefined; stdout: string; stderr: string }> {
  const { exitCode, stdout, stderr } = await execa(
    "ssh",
    [
      ...["-F", "none", "-i", target.keyPath, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"],
      ...["-o", "StrictHostKeyChecking=yes", "-o", `UserKnownHostsFile=${target.knownHosts}`],
      ...["-o", "ConnectTimeout=5", `${target.user}@${target.address}`, command],
    ],
    { reject: false, timeout: timeoutMs, stdin: "ignore" },
  );
  return { exitCode, stdout: String(stdout ?? ""), stderr: String(stderr ?? "") };
}

/** Waits until a command over SSH answers. @returns Seconds since `since` (performance.now()). */
export async function waitForSsh(target: SshTarget, since: number, timeoutMs = 90_000): Promise<number> {
  const deadline = performance.now() + timeoutMs;
  while (performance.now() < deadline) {
    if (await portSpeaks(target.address, 22, 20_000)) {
      const { exitCode } = await sshRun(target, "true", 30_000);
      if (exitCode === 0) return (performance.now() - since) / 1000;
    }
    await sleep(50);
  }
  throw new Error(`no SSH at ${target.address} within ${timeoutMs / 1000} s`);
}

/** Whether a server greets; a refused or silent port is `false` within a second. */
async function portSpeaks(host: string, port: number, greetingMs: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (spoke: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(spoke);
    };
    let timer = setTimeout(() => end(false), 300);
    socket.once("connect", () => {
      clearTimeout(timer);
      timer = setTimeout(() => end(false), greetingMs);
    });
    socket.once("data", () => end(true));
    socket.once("error", () => end(false));
  });
}

/** Resident memory of the domain's QEMU process in MiB. */
export async function residentMiB(name: string): Promise<number> {
  const pid = (await readFile(`/run/libvirt/qemu/${name}.pid`, "utf8")).trim();
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024);
}
