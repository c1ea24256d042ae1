import { MEMORY_BLOCK } from "../../model/hot-plug.js";
import type { MachineSize } from "../../model/machine-size.js";
import { formatSize } from "../../model/units.js";
import { HostCostError, type Inside } from "../machine.js";
import type { Connection } from "./connection.js";
import type { Element } from "./xml.js";

/*
 * The size of a domain, see model/hot-plug.ts: memory above that of its boot is requested from its memory device, memory
 * below it is taken by its balloon.
 */

/** What a domain's XML says about its size. In bytes. */
interface Parts {
  /** Memory at its boot. */
  boot: number;
  /** Its balloon leaves this much of it. */
  left: number;
  hasBalloon: boolean;
  /** How much its memory device can give, and is requested to; 0 without one. */
  device: number;
  requested: number;
  /** How much it gives; if the domain is off, how much it will. */
  given: number;
  cpus: number;
  maxCpus: number;
}

const bytes = (element: Element | undefined): number => Number(element?.text ?? 0) * 1024;

function partsOf(domain: Element): Parts {
  const target = domain.find("devices", "memory", "target");
  const [device, requested] = [bytes(target?.find("size")), bytes(target?.find("requested"))];
  const current = target?.find("current");
  const boot = bytes(domain.find("memory")) - device;
  const vcpu = domain.find("vcpu");
  return {
    boot,
    // Of a running domain it includes what its memory device gives.
    left: Math.min(boot, bytes(domain.find("currentMemory") ?? domain.find("memory"))),
    hasBalloon: (domain.find("devices", "memballoon")?.attributes.model ?? "none") !== "none",
    device,
    requested,
    given: current === undefined ? requested : bytes(current),
    cpus: Number(vcpu?.attributes.current ?? vcpu?.text),
    maxCpus: Number(vcpu?.text),
  };
}

/** The size in a domain's XML: what it has if it runs, else what it will have. Pure. */
export function domainSize(domain: Element): MachineSize {
  const { boot, cpus, given, left } = partsOf(domain);
  return { memory: given > 0 ? boot + given : left, cpus };
}

/** How large the domain can become without being defined anew, and whether it can become smaller. Pure. */
export function domainLimits(domain: Element): MachineSize & { shrinks: boolean } {
  const { boot, device, hasBalloon, maxCpus } = partsOf(domain);
  return { memory: boot + device, cpus: maxCpus, shrinks: hasBalloon };
}

/** What of a change a domain can't do, in words; `undefined`: nothing. Pure. */
export function cannotBecome(domain: Element, { memory, cpus }: Partial<MachineSize>): string | undefined {
  const limits = domainLimits(domain);
  if (memory !== undefined && memory > limits.memory)
    return `its definition lets it grow to ${formatSize(limits.memory)} of memory`;
  if (memory !== undefined && !limits.shrinks && memory < limits.memory) return "no balloon device";
  if (cpus !== undefined && cpus > limits.cpus) return `its definition lets it have ${limits.cpus} CPUs`;
  return undefined;
}

/**
 * Why a running domain can't become so without a restart; `undefined`: it can. Pure.
 *
 * QEMU's emulation (7.2) gives each new CPU a region of its translation cache, and aborts if the others have used up all of them
 * (`tcg_region_initial_alloc__locked`): the guest would be lost.
 */
export function cannotBecomeLive(live: Element, { cpus }: Partial<MachineSize>): string | undefined {
  return cpus !== undefined && cpus > partsOf(live).cpus && live.attributes.type === "qemu"
    ? "it is emulated, and QEMU may abort when an emulated guest gets a CPU while it runs"
    : undefined;
}

/**
 * Changes a domain's size, at once if it runs, and in its definition. The definition comes last, so that one with the new size
 * is done. A kernel keeps a CPU that it has stopped using; only the domain's next start takes it away, because QEMU's
 * emulation never tells libvirt that it is gone.
 *
 * @throws HostCostError when the domain can't become so; VirshError.
 */
export async function resizeDomain(
  libvirt: Connection,
  name: string,
  change: Partial<MachineSize>,
  inside: Inside,
): Promise<void> {
  const defined = await libvirt.domain(name, "--inactive");
  if (defined === undefined) throw new HostCostError(`there is no domain ${name}`);
  const problem = cannotBecome(defined, change);
  if (problem !== undefined) throw new HostCostError(problem);
  const state = await libvirt.domainState(name);
  const live = state === "shut off" ? undefined : await libvirt.domain(name);
  const before = partsOf(defined);
  const notLive = live && cannotBecomeLive(live, change);
  if (notLive !== undefined) throw new HostCostError(notLive);
  if (live) {
    const now = partsOf(live);
    await apply(libvirt, name, now, change, "--live");
    const { cpus } = change;
    if (cpus !== undefined && (cpus !== now.cpus || cpus !== before.cpus)) await useCpus(cpus, inside);
  }
  await apply(libvirt, name, before, change, "--config");
}

async function apply(
  libvirt: Connection,
  name: string,
  is: Parts,
  { memory, cpus }: Partial<MachineSize>,
  scope: "--live" | "--config",
): Promise<void> {
  if (memory !== undefined) {
    const left = Math.min(memory, is.boot);
    const requested = Math.ceil((memory - left) / MEMORY_BLOCK) * MEMORY_BLOCK;
    const kib = (size: number): string => `${size / 1024}KiB`;
    const device = ["--node", "0", "--requested-size", kib(requested)];
    if (left !== is.left) await libvirt.virsh("setmem", name, kib(left), scope);
    if (requested !== is.requested) await libvirt.virsh("update-memory-device", name, ...device, scope);
  }
  const isLess = cpus !== undefined && cpus < is.cpus;
  if (cpus !== undefined && cpus !== is.cpus && !(isLess && scope === "--live"))
    await libvirt.virsh("setvcpus", name, String(cpus), scope);
}

/** Has a guest's kernel use the first so many CPUs. A CPU that was just plugged in needs a moment to appear. */
async function useCpus(count: number, inside: Inside): Promise<void> {
  const line = [
    "cd /sys/devices/system/cpu",
    `tries=0; until [ -e cpu${count - 1} ] || [ $tries -ge 100 ]; do tries=$((tries + 1)); sleep 0.05; done`,
    "for cpu in cpu[0-9]*; do [ -e $cpu/online ] || continue; wanted=0",
    `for first in $(seq 0 ${count - 1}); do [ $cpu = cpu$first ] && wanted=1; done`,
    "read -r now <$cpu/online; [ $now = $wanted ] || echo $wanted >$cpu/online || exit 1; done",
  ].join("; ");
  const { exitCode, stderr } = await inside(line);
  if (exitCode !== 0) throw new HostCostError(`its kernel does not change its CPUs: ${stderr.trim()}`);
}
