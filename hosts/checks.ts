import { existsSync, statSync } from "node:fs";
import { hasCode, messageOf, UserError } from "../base/errors.js";
import { canBeRoot, which } from "../base/privilege.js";
import type { Progress } from "../base/progress.js";
import { type Drivers, endpointsOf } from "../drivers/drivers.js";
import { addressOf, LOCAL } from "../model/endpoint.js";
import { formatSize } from "../model/units.js";
import { type AcceleratorVerdict, accelerator } from "./accelerator.js";
import { hostCapacity } from "./capacity.js";
import { hasApt, installPackages, missingTools } from "./packages.js";
import { keepSeatsApart, seatsAreApart, seatsRunHere, takenForSeats } from "./set-firewall.js";
import { openKvmToItsGroup, startDocker, startLibvirt, virtlogdAnswers } from "./start-daemons.js";
import { addRanges, missingRanges } from "./subordinate-ids.js";

/** What a check found. */
export interface Finding {
  ok: boolean;
  found: string;
  wanted: string;
  /** What the reader can do if it is not ok. */
  fix?: string;
  /** Does it for them. */
  repair?: (progress: Progress) => Promise<void>;
  /** The daemon that is concerned, if it is on another host. */
  elsewhere?: string;
}

export interface Check {
  id: string;
  title: string;
  /** `advice` never makes the host "not ready". */
  level: "required" | "advice";
  /** Only for hosts of this daemon. */
  for?: keyof Drivers;
  run(drivers: Drivers): Promise<Finding>;
}

/** A check of one host: this one, or another over SSH. */
export type HostCheck = Pick<Check, "id" | "level" | "title"> & { run(): Promise<Finding> };

/** The checks of this machine that these daemons need, in the order in which they must hold. */
export const checksOf = (drivers: Drivers): HostCheck[] =>
  CHECKS.filter((check) => check.for === undefined || drivers[check.for] !== undefined).map(
    ({ id, level, run, title }) => ({ id, level, title, run: () => run(drivers) }),
  );

/** In the order in which they must hold: each may rely on those before it. */
export const CHECKS: readonly Check[] = [
  { id: "node", title: "Node.js", level: "required", run: checkNode },
  { id: "packages", title: "tools", level: "required", run: checkTools },
  { id: "subordinate-ids", title: "subordinate ids", level: "required", run: checkSubordinateIds },
  { id: "docker", title: "Docker daemon", level: "required", for: "docker", run: checkDocker },
  { id: "kvm-access", title: "access to /dev/kvm", level: "required", for: "libvirt", run: checkKvmAccess },
  { id: "libvirt", title: "libvirt", level: "required", for: "libvirt", run: checkLibvirt },
  { id: "isolation", title: "firewall", level: "required", run: checkIsolation },
  { id: "kvm", title: "KVM", level: "advice", for: "libvirt", run: checkKvm },
  { id: "syscalls", title: "syscall filter", level: "advice", for: "docker", run: checkSyscalls },
  { id: "capacity", title: "capacity", level: "advice", run: checkCapacity },
];

async function checkNode(): Promise<Finding> {
  const major = Number(process.versions.node.split(".")[0]);
  return {
    ok: major >= 20,
    found: process.versions.node,
    wanted: "20 or newer",
    fix: "install a newer Node.js",
  };
}

async function checkTools(drivers: Drivers): Promise<Finding> {
  const { commands, packages } = await missingTools(drivers);
  if (commands.length === 0) return { ok: true, found: "all there", wanted: "all there" };
  const install = `apt-get install ${packages.join(" ")}`;
  return {
    ok: false,
    found: `missing: ${commands.join(", ")}`,
    wanted: "all there",
    fix: hasApt() ? install : `install the equivalents of Debian's ${packages.join(", ")}`,
    ...(hasApt() ? { repair: (progress: Progress) => installPackages(packages, progress) } : {}),
  };
}

async function checkSubordinateIds({ docker, libvirt }: Drivers): Promise<Finding> {
  const wanted = "65536 for this user, to build images without root";
  if (!docker && !libvirt) return { ok: true, found: "no image is built", wanted };
  const missing = await missingRanges();
  if (missing.length === 0) return { ok: true, found: "all there", wanted };
  return {
    ok: false,
    found: `none, or too few, in ${missing.join(" and ")}`,
    wanted,
    fix: "add a range of them: usermod --add-subuids, --add-subgids",
    repair: addRanges,
  };
}

async function checkDocker({ docker }: Drivers): Promise<Finding> {
  try {
    if (docker === undefined) return { ok: true, found: "not needed", wanted: "an answer" };
    const versions = docker.version();
    versions.catch(() => {}); // The error of preflight says more.
    await docker.preflight();
    const { version, api } = await versions;
    return { ok: true, found: `${version} (API ${api})`, wanted: "an answer" };
  } catch (error) {
    // Starting a running daemon again would not give this user access.
    const refused = error instanceof UserError && hasCode(error.cause, "EACCES");
    const start = { fix: "start dockerd", repair: startDocker };
    return unanswered(docker, error, refused ? { fix: error.fix ?? "" } : start);
  }
}

async function checkLibvirt({ libvirt }: Drivers): Promise<Finding> {
  try {
    if (libvirt === undefined) return { ok: true, found: "not needed", wanted: "an answer" };
    const version = await libvirt.version();
    if (libvirt.uri === LOCAL.libvirt.uri && !(await virtlogdAnswers())) {
      return {
        ok: false,
        found: "libvirtd answers, but virtlogd does not: no guest could start",
        wanted: "both answer",
        fix: "start virtlogd",
        repair: startLibvirt,
      };
    }
    return {
      ok: true,
      found: `libvirt ${version.libvirt ?? "?"}, ${version.hypervisor ?? ""}`,
      wanted: "an answer",
    };
  } catch (error) {
    return unanswered(libvirt, error, { fix: "start virtlogd and libvirtd", repair: startLibvirt });
  }
}

/** What is found of a daemon that does not answer. @param here How to start it on this machine. */
function unanswered(
  driver: Drivers["docker" | "libvirt"],
  error: unknown,
  here: Pick<Finding, "fix" | "repair">,
): Finding {
  const [why, fix] =
    error instanceof UserError ? [error.why ?? error.message, error.fix] : [messageOf(error)];
  const finding = { ok: false, wanted: "an answer" };
  if (driver === undefined || driver.isLocal) return { ...finding, found: why, ...here };
  const address = addressOf(driver.endpoint);
  return {
    ...finding,
    found: `no answer from ${address}: ${why}`,
    ...(fix ? { fix } : {}),
    elsewhere: address,
  };
}

async function checkKvmAccess({ libvirt }: Drivers): Promise<Finding> {
  const wanted = "open to its group, if it exists";
  if (!libvirt?.isLocal || !existsSync("/dev/kvm")) return { ok: true, found: "no /dev/kvm here", wanted };
  const { mode, gid } = statSync("/dev/kvm");
  const open = (mode & 0o006) === 0o006 || ((mode & 0o060) === 0o060 && gid !== 0);
  return {
    ok: open,
    found: `mode ${(mode & 0o777).toString(8)}, group ${gid}`,
    wanted,
    fix: "chgrp kvm /dev/kvm && chmod 660 /dev/kvm (otherwise libvirt probes QEMU for over a minute at every start)",
    repair: openKvmToItsGroup,
  };
}

async function checkIsolation(drivers: Drivers): Promise<Finding> {
  const wanted = "iptables rules that block traffic between seats, and to this host's services";
  if (!seatsRunHere(endpointsOf(drivers)))
    return { ok: true, found: "seats run on another host, which needs the rules", wanted };
  const [foreign] = await takenForSeats();
  if (foreign !== undefined)
    return {
      ok: false,
      found: `the rules apply to interfaces whose names begin like ${foreign}, which does not belong to a seat`,
      wanted,
      fix: `give it another name, such as: ip link set ${foreign} name my${foreign}`,
    };
  const apart = await seatsAreApart();
  if (apart === true) return { ok: true, found: "the rules are set", wanted };
  const unknown =
    which("iptables-save") === undefined
      ? "unknown: there is no iptables"
      : "unknown: only root can read them";
  const found = apart === false ? "the rules are missing or of an older version" : unknown;
  // Unknown counts as missing, because nothing else would show that seats reach each other.
  if (!canBeRoot()) return { ok: false, found, wanted, fix: "as root: trilab doctor --fix" };
  return {
    ok: false,
    found,
    wanted,
    fix: "set the rules, only for seats' bridges; with systemd, also add a unit that sets them at boot",
    repair: (progress) => keepSeatsApart(progress),
  };
}

async function checkKvm({ libvirt }: Drivers): Promise<Finding> {
  if (libvirt === undefined) return { ok: true, found: "not needed", wanted: "a kernel that boots under it" };
  return kvmFinding(await accelerator(libvirt));
}

/** What a check of KVM found, on this host or another. Pure. */
export function kvmFinding(verdict: AcceleratorVerdict): Omit<Finding, "repair"> {
  return {
    ok: verdict.use === "kvm",
    found: verdict.use === "kvm" ? `works: ${verdict.why}` : `guests are emulated (TCG): ${verdict.why}`,
    wanted: "a kernel that boots under it",
    fix: "use a host with hardware virtualisation (nested, in a VM); emulated guests work, but their CPU figures mean nothing",
  };
}

async function checkSyscalls({ docker }: Drivers): Promise<Finding> {
  const wanted = "a seccomp profile that keeps containers from io_uring and AF_VSOCK";
  try {
    const open = await docker?.unfilteredCalls();
    if (open === undefined) return { ok: true, found: "not tried: there is no image yet", wanted };
    if (open.length === 0) return { ok: true, found: "both are refused", wanted };
    return {
      ok: false,
      found: `a container can use ${open.join(" and ")}, as the daemon's default profile is an old one`,
      wanted,
      fix: "use Docker 25 or newer; or refuse them for the whole host: sysctl kernel.io_uring_disabled=2 (Linux 6.6 or newer); don't load the kernel module vsock",
    };
  } catch (error) {
    return { ok: false, found: messageOf(error), wanted, fix: "start dockerd" };
  }
}

async function checkCapacity(drivers: Drivers): Promise<Finding> {
  try {
    const { cpus, memory, diskFree } = await hostCapacity(drivers);
    const disk = diskFree === undefined ? "" : `, ${formatSize(diskFree)} of disk free`;
    const ok = diskFree === undefined || diskFree > 6 * 2 ** 30;
    return {
      ok,
      found: `${cpus} CPUs, ${formatSize(memory)} of memory${disk}`,
      wanted: "6GiB of disk free",
      fix: "free some disk",
    };
  } catch (error) {
    return {
      ok: false,
      found: messageOf(error),
      wanted: "6GiB of disk free",
      fix: "start the daemons first",
    };
  }
}
