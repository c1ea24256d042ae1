import { existsSync } from "node:fs";
import ipaddr from "ipaddr.js";
import { digest } from "../../base/digest.js";
import { freeBytes } from "../../base/disk-space.js";
import { goldenOf, RESUMED_LABEL } from "../../model/golden.js";
import { imageOfVolume, imageVolumes } from "../../model/image-volumes.js";
import type { Kind } from "../../model/kinds.js";
import {
  bridgeName,
  DOMAIN_TARGETS,
  type DomainTarget,
  machineName,
  machineOf,
  namedAsBefore,
  type SeatId,
} from "../../model/naming.js";
import type { Snapshot } from "../../model/snapshots.js";
import { type Found, type Inventory, isSameSeat, type Labelled, labelledSeat } from "../found.js";
import { closeConnections } from "../kept-connections.js";
import type { Ending, StopOptions } from "../stop-options.js";
import { Connection } from "./connection.js";
import { metadataQuestion, parseMetadata } from "./domain-labels.js";
import { parseParts, partsQuestion } from "./fingerprint.js";
import {
  goldenKey,
  goldenKeys,
  goldenManifest,
  guestToResume,
  makeGolden,
  type ResumedGuest,
  removeGolden,
  resumeFromGolden,
} from "./golden-guest.js";
import { type GuestAccess, GuestEnvironment } from "./guest-environment.js";
import { GuestMachine } from "./guest-machine.js";
import { DISK_POOL, IMAGE_POOL } from "./pools.js";
import { startDomain, stopDomain } from "./power.js";
import { type FreshDisk, recreateDisk, requireBaseDisk, startFromDisk, switchOff } from "./recreate-disk.js";
import {
  domainSnapshots,
  removeSnapshot,
  restoreDisk,
  type SavedDomain,
  saveDomain,
  startRestored,
  undoSave,
} from "./snapshot.js";
import { readSnapshot, writeSnapshot } from "./snapshot-file.js";
import { lines, VirshError } from "./virsh.js";
import { volumeKind } from "./volume-kind.js";
import { type Element, parseXml } from "./xml.js";

/** How many domains one query covers: their names must fit into one command argument, 128 KiB. */
const DOMAINS_A_CALL = 500;

/** The first major version of libvirt in which a memory device's size can be changed; 7.9 was the very first. */
const FIRST_WITH_MEMORY_DEVICES = 8;

// One command line each, because every virsh takes 20 ms to start.
const SIZE_QUESTION = "nodeinfo; nodememstats";

/** CPUs and bytes of memory of the host, from the answer to {@link SIZE_QUESTION}. */
function sizeIn(text: string): { cpus: number; memory: number } {
  const number = (label: string): number =>
    Number(new RegExp(`^${label}:\\s*(\\d+)`, "m").exec(text)?.[1] ?? 0);
  // nodeinfo counts only the memory of the first NUMA cell, and on some hosts even less.
  return { cpus: number("CPU\\(s\\)"), memory: number("total *") * 1024 };
}

const versionIn = (text: string): { libvirt: string | undefined; hypervisor: string | undefined } => ({
  libvirt: /^Using library: libvirt (\S+)/m.exec(text)?.[1],
  hypervisor: /^Running hypervisor: (.*\S)/m.exec(text)?.[1],
});

/** One libvirt daemon: all queries and actions of trilab outside the engine. */
export class LibvirtDriver extends Connection {
  /**
   * Whether the daemon answers.
   *
   * @param timeoutMs Default 15 s: a connection through ssh, under emulation, takes seconds.
   * @throws UserError (exit 3) when it does not.
   */
  async preflight(timeoutMs = 15_000): Promise<void> {
    await this.version(timeoutMs);
  }

  /** The versions of libvirt and of its hypervisor: `9.0.0`, `QEMU 7.2.15`. @param timeoutMs As for {@link preflight}. */
  async version(
    timeoutMs = 15_000,
  ): Promise<{ libvirt: string | undefined; hypervisor: string | undefined }> {
    return versionIn(await this.connection.runWithin(timeoutMs, "version"));
  }

  /** CPUs and bytes of memory of the daemon's host; bytes free for disks, if the host is this machine. */
  async capacity(): Promise<{ cpus: number; memory: number; diskFree: number | undefined }> {
    const size = sizeIn(await this.virsh(SIZE_QUESTION));
    return { ...size, diskFree: this.isLocal ? await freeBytes(IMAGE_POOL.path) : undefined };
  }

  /** What a new domain can grow to on the daemon's host; `undefined` where libvirt can't change a domain's memory device. */
  async roomToGrow(): Promise<{ cpus: number; memory: number } | undefined> {
    const text = await this.virsh(`version; ${SIZE_QUESTION}`);
    const { libvirt = "0" } = versionIn(text);
    return Number.parseInt(libvirt, 10) < FIRST_WITH_MEMORY_DEVICES ? undefined : sizeIn(text);
  }

  async domainNames(): Promise<string[]> {
    return lines(await this.virsh("list", "--all", "--name"));
  }

  async networkNames(): Promise<string[]> {
    return lines(await this.virsh("net-list", "--all", "--name"));
  }

  async poolNames(): Promise<string[]> {
    return lines(await this.virsh("pool-list", "--name", "--all"));
  }

  /** A domain's type: `kvm`, or `qemu` for emulation; `undefined` when there is none of that name. */
  async domainType(name: string): Promise<string | undefined> {
    return (await this.domain(name))?.attributes.type;
  }

  /** A volume of the seats' pool; `undefined` when there is none of that name. */
  async disk(name: string): Promise<Element | undefined> {
    const xml = await this.virshIfThere("vol-dumpxml", name, "--pool", DISK_POOL.name);
    return xml === undefined ? undefined : parseXml(xml);
  }

  /** The volumes in the image pool; none if there is no such pool. */
  imageVolumeNames(): Promise<string[]> {
    return this.volumeNames(IMAGE_POOL.name);
  }

  /** Whether both pools and all volumes of this image are there. Starts pools that are not active. */
  async hasImage(hash: string, pools: readonly string[]): Promise<boolean> {
    const rows = lines(await this.virsh("pool-list", "--all")).map((line) => line.split(/\s+/));
    const states = new Map(rows.map(([name, state]) => [name, state]));
    for (const name of pools) if (states.get(name) === "inactive") await this.refreshPool(name);
    if (!pools.every((name) => states.has(name))) return false;
    const volumes = await this.imageVolumeNames();
    return Object.values(imageVolumes(hash)).every((name) => volumes.includes(name));
  }

  /** The hashes of the base images of all seats' disks, of any owner. */
  async imagesUnderDisks(): Promise<string[]> {
    const disks = (await this.volumeNames(DISK_POOL.name)).filter(
      (name) => name.endsWith(".qcow2") && goldenOf(name) === undefined,
    );
    return (await Promise.all(disks.map((name) => this.imageUnder(name)))).flatMap((hash) => hash ?? []);
  }

  /** The hash of the base image of a disk in the seats' pool. */
  private async imageUnder(disk: string): Promise<string | undefined> {
    const base = (await this.disk(disk))?.find("backingStore", "path")?.text.split("/").at(-1);
    return base?.endsWith(".qcow2") ? imageOfVolume(base) : undefined;
  }

  /** Removes the image pool's volumes of this image. */
  async removeImage(hash: string): Promise<void> {
    for (const name of await this.imageVolumeNames())
      if (imageOfVolume(name) === hash) await this.removeVolume(name, IMAGE_POOL.name);
  }

  /** Whether libvirt offers KVM; does not test whether it works. */
  async offersKvm(): Promise<boolean> {
    try {
      await this.virsh("domcapabilities", "--virttype", "kvm");
      return true;
    } catch (error) {
      if (error instanceof VirshError) return false;
      throw error;
    }
  }

  /** Lets a storage pool start with libvirt. */
  async autostartPool(name: string): Promise<void> {
    await this.virsh("pool-autostart", name);
  }

  /** The UUID of a storage pool; `undefined` when there is none of that name. */
  async poolId(name: string): Promise<string | undefined> {
    return (await this.virshIfThere("pool-uuid", name))?.trim();
  }

  /** Removes an empty storage pool and its folder. */
  async removePool(name: string): Promise<void> {
    await this.virsh("pool-destroy", name).catch(() => {}); // It may be inactive already.
    await this.virsh("pool-delete", name).catch(() => {}); // Its folder may be gone already.
    await this.virsh("pool-undefine", name);
  }

  /** The IPv4 blocks of libvirt's networks. */
  async subnets(): Promise<string[]> {
    const texts = await Promise.all(
      (await this.networkNames()).map((name) => this.virshIfThere("net-dumpxml", name)),
    );
    return texts.flatMap((xml) =>
      (xml === undefined ? [] : parseXml(xml).all("ip")).flatMap(({ attributes }) => {
        const bits = attributes.prefix ?? prefixOf(attributes.netmask);
        return attributes.family === "ipv6" || !attributes.address || !bits
          ? []
          : [`${attributes.address}/${bits}`];
      }),
    );
  }

  /** Whether networks of trilab are left, of any owner. */
  async hasSeatNetworks(): Promise<boolean> {
    return (await this.networkNames()).some((name) => name.startsWith("trilab-"));
  }

  /** One seat's things by name, with their states; without a seat, those of every seat. */
  async inventory(seat?: SeatId): Promise<Inventory> {
    const machines = seat && machineNames(seat);
    const [labelled, networks, volumes] = await Promise.all([
      seat === undefined
        ? this.domains((name) => name.startsWith("trilab-"))
        : this.domainsOf(seat, machineNames(namedAsBefore(seat))),
      this.networkNames(),
      this.volumeNames(DISK_POOL.name),
    ]);
    machines?.push(...labelled.map(({ found }) => found.name));
    const mine = (name: string): boolean =>
      machines === undefined ? name.startsWith("trilab-") : machines.includes(machineOf(name));
    const named = networks.filter(mine).map((name) => unlabelled("guest network", name));
    for (const volume of volumes.filter(mine)) {
      const kind = volumeKind(machineOf(volume), volume);
      if (kind) named.push(unlabelled(kind, volume));
    }
    if (seat === undefined) return { labelled, named };
    const details = await Promise.all(
      named.map((found) => (found.kind === "guest network" ? this.networkDetails(seat, found) : [found])),
    );
    return { labelled, named: details.flat() };
  }

  /**
   * A digest of all that libvirt has of a seat: names, definitions, volumes. It changes when one of them does.
   *
   * @returns `undefined` when something of it does not run.
   */
  async fingerprint(seat: SeatId): Promise<string | undefined> {
    const machines = machineNames(seat);
    const { definitions, runs } = parseParts(machines, await this.virsh(partsQuestion(machines)));
    const bridges = DOMAIN_TARGETS.map((target) => this.hasBridge(seat, target));
    return runs ? digest([definitions, bridges]) : undefined;
  }

  /**
   * The domains with a seat's names. Those with the names that an older trilab gave it may be another seat's, and are its own
   * only if their labels say so.
   */
  private async domainsOf(seat: SeatId, before: readonly string[]): Promise<Labelled[]> {
    const names = machineNames(seat);
    const found = await this.domains((name) => names.includes(name) || before.includes(name));
    return found.filter((item) => {
      const of = labelledSeat(item);
      return names.includes(item.found.name) || (of !== undefined && isSameSeat(of, seat));
    });
  }

  /** The domains with these names, their states and labels, with one query for many. */
  private async domains(wanted: (name: string) => boolean): Promise<Labelled[]> {
    const there = (await this.virsh("list", "--all")).split("\n").flatMap((line) => {
      const [, name, state] = /^\s*\S+\s+(\S+)\s+(.+?)\s*$/.exec(line) ?? [];
      return name === undefined || state === undefined || !wanted(name) ? [] : [{ name, state }];
    });
    const found: Labelled[] = [];
    for (let i = 0; i < there.length; i += DOMAINS_A_CALL) {
      const some = there.slice(i, i + DOMAINS_A_CALL);
      // A domain without metadata, or one that is gone meanwhile, is skipped.
      const answers = parseMetadata(await this.virsh(metadataQuestion(some.map(({ name }) => name))));
      for (const { name, state } of some) {
        const labels = answers.get(name) ?? {};
        const owner = labels["trilab.owner"];
        const resumed = labels[RESUMED_LABEL] === undefined ? {} : { resumed: true };
        found.push({ labels, found: { kind: "domain", name, id: name, state, owner, ...resumed } });
      }
    }
    return found;
  }

  /** A network with its state, and its leases. Guests have fixed addresses, so a lease belongs to something else. */
  private async networkDetails(seat: SeatId, network: Found): Promise<Found[]> {
    const leases = (await this.virshIfThere("net-dhcp-leases", network.name))?.split("\n") ?? [];
    return [
      { ...network, state: (await this.networkWorks(seat, network.name)) ? "running" : "down" },
      ...leases.filter((line) => line.includes(":")).map((line) => unlabelled("lease", line.trim())),
    ];
  }

  /** Whether a machine's network is active and, on a local host, its bridge exists. */
  private async networkWorks(seat: SeatId, network: string): Promise<boolean> {
    const info = (await this.virshIfThere("net-info", network)) ?? "";
    if (!/^Active:\s+yes/m.test(info)) return false;
    const target = DOMAIN_TARGETS.find((each) => machineName(seat, each) === network);
    return target === undefined || this.hasBridge(seat, target);
  }

  /** Whether a network's bridge is there; taken for granted where it can't be seen from here. */
  private hasBridge(seat: SeatId, target: DomainTarget): boolean {
    return !this.isLocal || existsSync(`/sys/class/net/${bridgeName(seat, target)}`);
  }

  /** Removes one thing, running or not. Succeeds if it is already gone. */
  async remove({ kind, id }: Found): Promise<void> {
    if (kind === "domain") await this.removeDomain(id);
    else if (kind === "guest network") {
      await this.virsh("net-destroy", id).catch(() => {}); // It may be inactive.
      await this.virshIfThere("net-undefine", id);
    } else if (kind !== "lease") await this.removeVolume(id);
    // A lease ends with its network.
  }

  private async removeDomain(id: string): Promise<void> {
    if ((await this.domainState(id)) !== "shut off") await this.virsh("destroy", id).catch(() => {});
    const parts = ["--managed-save", "--snapshots-metadata", "--checkpoints-metadata", "--nvram"];
    await this.virshIfThere("undefine", id, ...parts);
  }

  /** Starts a network, or a domain that is stopped or paused. */
  async start({ kind, id, state }: Found): Promise<void> {
    if (kind === "domain" && state === "paused") await this.virsh("resume", id);
    else if (kind === "domain") await startDomain(this, id);
    if (kind !== "guest network") return;
    await this.virsh("net-destroy", id).catch(() => {}); // It may be inactive.
    await this.virsh("net-start", id);
    // A new bridge has none of the old one's ports, so a running guest must be restarted to be connected.
    if ((await this.domainState(id)) !== "running") return;
    await closeConnections(id);
    await this.virsh("destroy", id);
    await this.virsh("start", id);
  }

  /** Switches a domain off without asking its system; resolves when its QEMU is gone. */
  switchOff(domain: string): Promise<void> {
    return switchOff(this, domain);
  }

  /** Removes the memory that libvirt has saved on its own of a domain that is off. */
  async forgetMemory(domain: string): Promise<void> {
    await this.virshIfThere("managedsave-remove", domain);
  }

  /** Starts a domain that is off from its disk, even if libvirt has saved its memory. */
  startFromDisk(domain: string): Promise<void> {
    return startFromDisk(this, domain);
  }

  /** @throws UserError when the image pool does not have the disk of this image. */
  requireBaseDisk(image: string): Promise<void> {
    return requireBaseDisk(this, image);
  }

  /** Makes a disk anew: all that is on it is lost. Its domain must be off. */
  recreateDisk(disk: FreshDisk): Promise<void> {
    return recreateDisk(this, disk);
  }

  /** Saves a domain's disk, and its memory if it runs, under a name. The domain then goes on; if saving fails, undoSave() lets it. */
  save(saved: SavedDomain, name: string): Promise<void> {
    return saveDomain(this, saved, name);
  }

  /** Lets a domain go on whose saving was interrupted. @returns why without its memory; `undefined` if nothing is wrong. */
  undoSave(domain: string, name: string): Promise<string | undefined> {
    return undoSave(this, domain, name);
  }

  /** Gives a domain that is off the disk of a snapshot. */
  restoreDisk(saved: SavedDomain, name: string): Promise<void> {
    return restoreDisk(this, saved, name);
  }

  /** Lets a domain that has a snapshot's disk go on from its memory. @returns why without it; `undefined` if nothing is wrong. */
  startRestored(domain: string, name: string): Promise<string | undefined> {
    return startRestored(this, domain, name);
  }

  /** The complete snapshots of a domain, the oldest first. */
  snapshots(domain: string, target: DomainTarget): Promise<Snapshot[]> {
    return domainSnapshots(this, domain, target);
  }

  /** Writes the disk of a snapshot to a file in a folder, without what its image has. */
  writeSnapshot(domain: string, options: { dir: string; name: string }): Promise<void> {
    return writeSnapshot(this, domain, options);
  }

  /** Makes a snapshot of a domain from such a file. @throws UserError when it is of another image. */
  readSnapshot(domain: string, options: Parameters<typeof readSnapshot>[2]): Promise<void> {
    return readSnapshot(this, domain, options);
  }

  /** Removes a snapshot of a domain, complete or not. */
  removeSnapshot(domain: string, name: string): Promise<void> {
    return removeSnapshot(this, domain, name);
  }

  /** A guest that was just made, to resume it from a golden guest. */
  guestToResume(guest: Omit<ResumedGuest, "definition">): Promise<ResumedGuest> {
    return guestToResume(this, guest);
  }

  /** Names the golden guest that it can resume from. @param state The state directory. */
  goldenKey(guest: ResumedGuest, state: string): Promise<string> {
    return goldenKey(this, guest, state);
  }

  /** Says when a golden guest was made; `undefined` if it is not there. */
  goldenManifest(key: string): Promise<string | undefined> {
    return goldenManifest(this, key);
  }

  /** Makes a golden guest from a guest's definition. @throws Error when it does not boot in that time. */
  makeGolden(guest: ResumedGuest, key: string, options: Parameters<typeof makeGolden>[3]): Promise<void> {
    return makeGolden(this, guest, key, options);
  }

  /** Removes all golden guests, of any owner. They are made anew when they are needed. */
  async removeGoldenGuests(): Promise<void> {
    for (const key of await goldenKeys(this)) await removeGolden(this, key);
  }

  /** Removes a golden guest. */
  removeGolden(key: string): Promise<void> {
    return removeGolden(this, key);
  }

  /** Lets a new guest that is off go on from a golden guest's disk and memory. @throws Error: see golden-guest.ts. */
  resumeFromGolden(guest: ResumedGuest, key: string): Promise<void> {
    return resumeFromGolden(this, guest, key);
  }

  /** Shuts a domain down, and waits until it is off. */
  async stop({ id, kind }: Found, options: StopOptions): Promise<Ending> {
    if (kind !== "domain") throw new Error(`a ${kind} can't be stopped`);
    return stopDomain(this, id, options);
  }

  /** A guest to run commands in. Does not connect yet. */
  environment(access: GuestAccess): GuestEnvironment {
    return new GuestEnvironment(access, this);
  }

  /** The same guest, seen from its host: power and cost. */
  machine(access: GuestAccess): GuestMachine {
    return new GuestMachine(access, this);
  }
}

const machineNames = (seat: SeatId): string[] => DOMAIN_TARGETS.map((target) => machineName(seat, target));

const unlabelled = (kind: Kind, name: string): Found => ({
  kind,
  name,
  id: name,
  state: "",
  owner: undefined,
});

/** The length of a netmask's prefix: `255.255.255.0` → 24. */
const prefixOf = (netmask: string | undefined): string | undefined =>
  netmask && String(ipaddr.IPv4.parse(netmask).prefixLengthFromSubnetMask());
