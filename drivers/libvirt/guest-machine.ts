import type { ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { scratchFolder } from "../../base/scratch.js";
import { hostOf } from "../../model/endpoint.js";
import type { MachineSize } from "../../model/machine-size.js";
import type { DomainTarget } from "../../model/naming.js";
import {
  allocatedBytes,
  diskFree,
  hostProcess,
  memoryOfProcess,
  processCpuSeconds,
  processWithArgument,
} from "../host-cost.js";
import {
  type Clone,
  HostCostError,
  type HostProcess,
  type Inside,
  type Machine,
  type MemoryCost,
  type StoredImage,
  type Unpacked,
} from "../machine.js";
import { cloneAddress, cloneVolumes, cloneXml } from "./clone-xml.js";
import type { Connection } from "./connection.js";
import { type GuestAccess, GuestEnvironment } from "./guest-environment.js";
import { appears, keptDomain } from "./kept-domain.js";
import { mergeOverlay, PACKED, packVolume, unpackVolume } from "./move-guest.js";
import { DISK_POOL } from "./pools.js";
import { startDomain, stopDomain } from "./power.js";
import { readQcow2Header } from "./qcow2.js";
import { removeQemuLogs } from "./remove-qemu-logs.js";
import { cannotBecomeLive, domainSize, resizeDomain } from "./resize-guest.js";

/** How long a clone may take to answer SSH, in milliseconds. */
const BOOT_LIMIT = 180_000;

/** A guest or rehearsed VPS, seen from its host. */
export class GuestMachine implements Machine {
  constructor(
    private readonly access: GuestAccess,
    private readonly libvirt: Connection,
  ) {}

  get target(): DomainTarget {
    return this.access.target;
  }

  get name(): string {
    return this.access.name;
  }

  get host(): string {
    return hostOf(this.libvirt.endpoint);
  }

  start(): Promise<void> {
    return startDomain(this.libvirt, this.name);
  }

  async stop(): Promise<void> {
    await stopDomain(this.libvirt, this.name);
  }

  async running(): Promise<boolean> {
    return (await this.libvirt.domainState(this.name)) === "running";
  }

  async memory(): Promise<MemoryCost> {
    const { own, shared } = await memoryOfProcess(await this.qemu());
    return { own, shared, parts: { QEMU: own } };
  }

  async process(): Promise<HostProcess> {
    return hostProcess(await this.qemu());
  }

  /** The disk under its own one, kernel and initrd. What QEMU writes to a file changes the time in it. */
  async image(): Promise<StoredImage> {
    const { disk, os } = await this.files();
    const base = (await readQcow2Header(disk))?.backing;
    if (base === undefined) throw new HostCostError(`the disk of ${this.name} has no image under it`);
    const files = [base, ...os];
    const [{ birthtimeMs }, { mtimeMs }] = await Promise.all([stat(disk), stat(base)]);
    if (!birthtimeMs)
      throw new HostCostError(`the file system of ${disk} does not record when a file was made`);
    const bytes = await Promise.all(files.map(allocatedBytes));
    return {
      bytes: bytes.reduce((sum, size) => sum + size, 0),
      changed: mtimeMs > birthtimeMs,
      files: files.length + 1,
    };
  }

  async disk(): Promise<number> {
    return allocatedBytes((await this.files()).disk);
  }

  /** Its own disk, and the files that it boots from. */
  private async files(): Promise<{ disk: string; os: string[] }> {
    if (!this.libvirt.isLocal) throw new HostCostError("libvirt is on another machine");
    const domain = await this.libvirt.domain(this.name, "--inactive");
    const disk = domain?.find("devices", "disk", "source")?.attributes.file;
    if (disk === undefined) throw new HostCostError(`${this.name} has no disk`);
    const os = ["kernel", "initrd"].flatMap((name) => domain?.find("os", name)?.text || []);
    return { disk, os };
  }

  async cpuSeconds(): Promise<number> {
    return processCpuSeconds(await this.qemu());
  }

  /** Pins every virtual CPU to these; QEMU's own threads are not pinned. */
  async pin(cpus: readonly number[]): Promise<(() => Promise<void>) | undefined> {
    if (!this.libvirt.isLocal) return undefined;
    const before = [
      ...(await this.libvirt.virsh("vcpupin", this.name, "--live")).matchAll(/^\s*(\d+)\s+(\S+)\s*$/gm),
    ];
    const unpin = async (): Promise<void> => {
      for (const [, cpu = "", list = ""] of before)
        await this.libvirt.virsh("vcpupin", this.name, cpu, list, "--live").catch(() => {});
    };
    try {
      for (const [, cpu = ""] of before)
        await this.libvirt.virsh("vcpupin", this.name, cpu, cpus.join(","), "--live");
    } catch {
      await unpin();
      return undefined; // no permission, or no cpuset controller
    }
    return unpin;
  }

  async diskFree(): Promise<number> {
    if (!this.libvirt.isLocal) throw new HostCostError("libvirt is on another machine");
    return diskFree(DISK_POOL.path);
  }

  async size(): Promise<MachineSize> {
    const live = await this.libvirt.domain(this.name);
    const defined = await this.libvirt.domain(this.name, "--inactive");
    if (live === undefined || defined === undefined)
      throw new HostCostError(`there is no domain ${this.name}`);
    // A CPU that the kernel has stopped using is still there until the next start.
    return { memory: domainSize(live).memory, cpus: domainSize(defined).cpus };
  }

  async resizeProblem(change: Partial<MachineSize>): Promise<string | undefined> {
    const live = (await this.running()) ? await this.libvirt.domain(this.name) : undefined;
    return live && cannotBecomeLive(live, change);
  }

  resize(change: Partial<MachineSize>, inside: Inside): Promise<void> {
    return resizeDomain(this.libvirt, this.name, change, inside);
  }

  async clone(index: number, signal: AbortSignal): Promise<Clone> {
    const started = performance.now();
    const { disk } = cloneVolumes(this.cloneName(index));
    const live = await this.libvirt.domain(this.name);
    const base = live?.find("devices", "disk", "backingStore", "source")?.attributes.file;
    if (base === undefined) throw new HostCostError("the guest's base disk is not known");
    const capacity = await this.diskCapacity();
    await this.removeClone(index);
    const volume = ["--backing-vol", base, "--backing-vol-format", "qcow2"];
    const make = ["vol-create-as", DISK_POOL.name, disk, String(capacity), "--format", "qcow2"];
    try {
      await this.libvirt.virsh(...make, ...volume);
      return await this.startClone(index, { disk }, started, signal);
    } catch (error) {
      await this.removeClone(index);
      throw error;
    }
  }

  async pack(folder: string, signal: AbortSignal): Promise<void> {
    const { disk, os } = await this.files();
    const whole = cloneVolumes(this.cloneName(1)).disk;
    await this.removeClone(1);
    try {
      await mergeOverlay(this.libvirt, disk, whole, await this.diskCapacity());
      await packVolume(this.libvirt, `${DISK_POOL.path}/${whole}`, join(folder, PACKED.disk), signal);
    } finally {
      await this.removeClone(1);
    }
    for (const [i, path] of os.entries())
      await packVolume(this.libvirt, path, join(folder, [PACKED.kernel, PACKED.initrd][i] ?? ""), signal);
  }

  async unpack(folder: string, index: number, signal: AbortSignal): Promise<Unpacked> {
    const volumes = cloneVolumes(this.cloneName(index));
    const remove = (): Promise<void> => this.removeClone(index);
    await remove();
    const parts: (keyof typeof PACKED)[] = ["disk"];
    try {
      const there = await readdir(folder);
      if (there.includes(PACKED.kernel)) parts.push("kernel", "initrd");
      for (const part of parts)
        await unpackVolume(this.libvirt, join(folder, PACKED[part]), volumes[part], signal);
    } catch (error) {
      await remove();
      throw error;
    }
    const own = Object.fromEntries(parts.map((part) => [part, volumes[part]]));
    return {
      start: (signal) => this.startClone(index, { disk: volumes.disk, ...own }, performance.now(), signal),
      remove,
    };
  }

  private cloneName(index: number): string {
    return `${this.name}-clone${index}`;
  }

  private async diskCapacity(): Promise<number> {
    const said = await this.libvirt.virsh("domblkinfo", this.name, "vda");
    const capacity = /^Capacity:\s+(\d+)/m.exec(said)?.[1];
    if (capacity === undefined) throw new HostCostError("the size of the guest's disk is not known");
    return Number(capacity);
  }

  /** Removes a clone, in any state, with its volumes and logs. */
  private async removeClone(index: number): Promise<void> {
    const name = this.cloneName(index);
    await this.libvirt.virsh("destroy", name).catch(() => {});
    await removeQemuLogs(this.libvirt, [name]);
    for (const volume of Object.values(cloneVolumes(name))) await this.libvirt.removeVolume(volume);
  }

  /** Starts a clone whose volumes are in the seats' pool. The caller removes it if that fails. */
  private async startClone(
    index: number,
    volumes: { disk: string; kernel?: string; initrd?: string },
    started: number,
    signal: AbortSignal,
  ): Promise<Clone> {
    const name = this.cloneName(index);
    const address = cloneAddress(this.access.address, index);
    const xml = await this.libvirt.virsh("dumpxml", this.name, "--inactive", "--security-info");
    const dir = await scratchFolder("clone"); // the host key is in it
    let keeper: ChildProcess | undefined;
    const remove = async (): Promise<void> => {
      await this.libvirt.virsh("destroy", name).catch(() => {});
      keeper?.stdin?.end();
      await rm(dir, { recursive: true, force: true });
      await this.removeClone(index);
    };
    try {
      const file = join(dir, "domain.xml");
      const paths = Object.fromEntries(
        Object.entries(volumes).map(([part, volume]) => [part, `${DISK_POOL.path}/${volume}`]),
      );
      const ids = { name, uuid: randomUUID(), address, index, disk: "", ...paths };
      await writeFile(file, cloneXml(xml, ids), { mode: 0o600 });
      keeper = keptDomain(this.libvirt.uri, file);
      const knownHostsFile = join(dir, "known_hosts");
      const known = await readFile(this.access.knownHostsFile, "utf8");
      await writeFile(knownHostsFile, known.replace(/^\S+/gm, address));
      // Its console is not logged, because the log would be that of the original guest.
      const consoleLog = `${name}.console.log`;
      const access = { ...this.access, name, address, knownHostsFile, consoleLog, isClone: true };
      await appears(this.libvirt, name, keeper, signal);
      await rm(file); // the host key is in it
      const environment = new GuestEnvironment(access, this.libvirt);
      await environment.firstAnswer(["true"], { signal }, BOOT_LIMIT);
      const seconds = (performance.now() - started) / 1000;
      return { seconds, machine: new GuestMachine(access, this.libvirt), environment, remove };
    } catch (error) {
      await remove();
      throw error;
    }
  }

  private async qemu(): Promise<number> {
    if (!this.libvirt.isLocal) throw new HostCostError("libvirt is on another machine");
    const pid = await processWithArgument(`guest=${this.name},`);
    if (pid === undefined) throw new HostCostError(`${this.name} is not running`);
    return pid;
  }
}
