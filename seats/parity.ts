import { sustainedCpus } from "../model/instance-catalogue.js";
import type { MachineSize } from "../model/machine-size.js";
import type { MachineSpec } from "../model/machine-spec.js";
import type { Target } from "../model/naming.js";
import { formatSize } from "../model/units.js";
import type { Facts, ServiceState } from "./machine-facts.js";
import { baselineWords, type RentedShape } from "./rented-shape.js";

/**
 * `match`: as the spec says, within the tolerance. `nature`: differs because of what the target is; this is expected.
 * `wrong`: differs, but should not.
 */
export type Verdict = "match" | "nature" | "wrong";

export interface ParityRow {
  id: string;
  title: string;
  /** The spec's value; empty if it has none. */
  wanted: string;
  values: Partial<Record<Target, string>>;
  verdict: Verdict;
  /** Why it differs; absent for a match. */
  note: string;
}

export interface ParityReport {
  rows: ParityRow[];
  /** No row is wrong. */
  inTolerance: boolean;
}

/** The rows that are wrong, in a line each: `clock offset to the host: guest 2.4 s (more than 2 s off)`. */
export const wrongRows = ({ rows }: ParityReport): string[] =>
  rows
    .filter(({ verdict }) => verdict === "wrong")
    .map(({ note, title, values }) => {
      const each = Object.entries(values).map(([target, value]) => `${target} ${value}`);
      return `${title}: ${each.join(", ")} (${note})`;
    });

/** The guest's firmware keeps a few pages to itself: 1 % of the memory given. */
const MEMORY_TOLERANCE = 0.01;
/** A cloud's hypervisor keeps more. */
const CLOUD_MEMORY_TOLERANCE = 0.05;
/** How many seconds a clock may differ from the host's; guests without NTP drift by parts per million. */
const CLOCK_TOLERANCE = 2;
/** A CPU quota is set in whole hundredths. */
const CPU_TOLERANCE = 0.01;

type FactsByTarget = Partial<Record<Target, Facts>>;

/** The sizes of the targets that `resize` has changed. */
type ChangedSizes = Partial<Record<string, MachineSize>>;

/**
 * Compares the targets' facts with the spec and with each other. A VPS's are compared with its instance type, which rarely
 * equals the spec; those of a target that was resized with its present size. Pure.
 */
export function compareFacts(
  spec: MachineSpec,
  facts: FactsByTarget,
  rented?: RentedShape,
  changed: ChangedSizes = {},
): ParityReport {
  const rows = [
    ...matchingRows(spec, facts, rented, changed),
    ...servicesRow(spec, facts),
    diskRow(spec, facts, rented),
    ...rowsByNature(facts, rented),
    ...keysRow(spec, facts),
  ];
  return { rows, inTolerance: rows.every((r) => r.verdict !== "wrong") };
}

/** A value per target, as text. */
function column(facts: FactsByTarget, format: (facts: Facts) => string): ParityRow["values"] {
  return Object.fromEntries(Object.entries(facts).map(([target, f]) => [target, format(f)]));
}

/** The targets for which `holds` is false. */
const failing = (facts: FactsByTarget, holds: (facts: Facts, target: string) => boolean): string[] =>
  Object.entries(facts).flatMap(([target, f]) => (holds(f, target) ? [] : [target]));

const within = (value: number, wanted: number, tolerance: number): boolean =>
  Math.abs(value - wanted) <= tolerance;

/** What must match the spec, and what must be the same in every target. */
function matchingRows(
  spec: MachineSpec,
  facts: FactsByTarget,
  rented: RentedShape | undefined,
  changed: ChangedSizes,
): ParityRow[] {
  const { vps, ...own } = facts;
  const type = vps && rented?.type;
  const first = (target: string): MachineSize =>
    target === "vps" && type ? { cpus: type.vcpus, memory: type.memory } : spec;
  const want = (target: string): MachineSize => changed[target] ?? first(target);
  const tolerance = (target: string): number =>
    target === "vps" && rented?.cloud === "aws" ? CLOUD_MEMORY_TOLERANCE : MEMORY_TOLERANCE;
  const whole = (differs: boolean | undefined): string =>
    differs && type
      ? `an instance type has a fixed size: a ${type.name} has ${type.vcpus} vCPUs and ${formatSize(type.memory)}`
      : "";
  const resized = (key: keyof MachineSize, format: (value: number) => string): string =>
    Object.keys(facts)
      .filter((target) => want(target)[key] !== first(target)[key])
      .map((target) => `the ${target} was resized to ${format(want(target)[key])}`)
      .join(", ");
  const either = (...notes: string[]): string => notes.filter(Boolean).join("; ");
  const wanted = (
    id: string,
    title: string,
    text: string,
    format: (f: Facts) => string,
    holds: (f: Facts, target: string) => boolean,
    otherwise: string,
    byNature = "",
  ): ParityRow => {
    const off = failing(facts, holds);
    return {
      id,
      title,
      wanted: text,
      values: column(facts, format),
      verdict: off.length > 0 ? "wrong" : byNature ? "nature" : "match",
      note: off.length > 0 ? `${off.join(", ")}: ${otherwise}` : byNature,
    };
  };
  const same = (
    id: string,
    title: string,
    format: (f: Facts) => string,
    otherwise: string,
    ofVps: string | undefined,
  ): ParityRow => {
    const values = column(facts, format);
    const row = { id, title, wanted: "the same", values };
    const agree = (some: ParityRow["values"]): boolean => new Set(Object.values(some)).size <= 1;
    if (agree(values)) return { ...row, verdict: "match", note: "" };
    return vps && ofVps && agree(column(own, format))
      ? { ...row, verdict: "nature", note: ofVps }
      : { ...row, verdict: "wrong", note: otherwise };
  };
  return [
    wanted(
      "cpus",
      "CPUs",
      String(spec.cpus),
      (f) => String(f.cpus),
      (f, target) => within(f.cpus, want(target).cpus, CPU_TOLERANCE),
      "not the CPU time that it should have",
      either(whole(type && type.vcpus !== spec.cpus), resized("cpus", String)),
    ),
    wanted(
      "memory",
      "memory given",
      formatSize(spec.memory),
      (f) => formatSize(f.memory),
      (f, target) => within(f.memory, want(target).memory, want(target).memory * tolerance(target)),
      "not the memory that it should have",
      either(whole(type && type.memory !== spec.memory), resized("memory", formatSize)),
    ),
    wanted(
      "swap",
      "swap it may use",
      "0B",
      (f) => formatSize(f.swap),
      (f) => f.swap === 0,
      "has swap",
    ),
    wanted(
      "release",
      "Debian release",
      spec.release,
      (f) => f.release,
      (f) => f.release === spec.release,
      "another release",
    ),
    same(
      "debian",
      "Debian version",
      (f) => f.debian,
      "the targets were made from different images",
      rented?.cloud === "aws" ? "Debian's own image on AWS has the packages of its last build" : undefined,
    ),
    same(
      "packages",
      "package set",
      (f) => `${f.packageCount} (${f.packages})`,
      "packages were added, removed or upgraded in one of them",
      rented?.cloud === "aws"
        ? "the VPS is Debian's own image on AWS, with the spec's packages installed on top"
        : "a rented machine has cloud-init, which sets it up for the learner",
    ),
    wanted(
      "clock",
      "clock offset to the host",
      "0 s",
      (f) => `${(Math.round(f.clockOffset * 10) / 10 + 0).toFixed(1)} s`, // + 0: not -0.0
      (f) => within(f.clockOffset, 0, CLOCK_TOLERANCE),
      `more than ${CLOCK_TOLERANCE} s off`,
    ),
  ];
}

/** The services that the lab names, where it names any. */
function servicesRow({ services }: MachineSpec, facts: FactsByTarget): ParityRow[] {
  if (services.length === 0) return [];
  const states = (f: Facts): string =>
    services
      .map((name) => (f.services[name] === "running" ? name : `${name} ${f.services[name] ?? "stopped"}`))
      .join(", ");
  const withState = (state: ServiceState): string[] =>
    failing(facts, (f) => services.every((name) => (f.services[name] ?? "stopped") !== state));
  const row = {
    id: "services",
    title: "services",
    wanted: services.join(", "),
    values: column(facts, states),
  };
  const [stopped, starting] = [withState("stopped"), withState("starting")];
  if (stopped.length > 0)
    return [
      {
        ...row,
        verdict: "wrong",
        note: `${stopped.join(", ")}: not running; to see why: service NAME status, and trilab logs`,
      },
    ];
  return starting.length > 0
    ? [
        {
          ...row,
          verdict: "nature",
          note: `${starting.join(", ")}: still starting; check again: trilab parity`,
        },
      ]
    : [{ ...row, verdict: "match", note: "" }];
}

/** Where the lab's own keys work, if it has any: a container is entered through Docker. */
function keysRow({ authorizedKeys }: MachineSpec, facts: FactsByTarget): ParityRow[] {
  if (authorizedKeys.length === 0) return [];
  return [
    {
      id: "authorized_keys",
      title: "authorizedKeys accepted",
      wanted: String(authorizedKeys.length),
      values: Object.fromEntries(
        Object.keys(facts).map((target) => [
          target,
          target === "container" ? "none: no SSH server" : String(authorizedKeys.length),
        ]),
      ),
      verdict: "nature",
      note: "guest and VPS accept them for SSH, as the user and as root; a container is entered through Docker, by everybody who may use the daemon",
    },
  ];
}

function diskRow(spec: MachineSpec, facts: FactsByTarget, rented: RentedShape | undefined): ParityRow {
  const disk = (target: string): number => (target === "vps" && rented ? rented.disk : spec.disk);
  const row = {
    id: "disk",
    title: "disk",
    wanted: formatSize(spec.disk),
    values: column(facts, (f) => formatSize(f.disk)),
  };
  const wrong = failing(facts, (f, target) => f.diskLimit === "none" || f.disk === disk(target));
  if (wrong.length > 0)
    return { ...row, verdict: "wrong", note: `${wrong.join(", ")}: not the disk size of the spec` };
  const notes = [
    ...(facts.vps && disk("vps") !== spec.disk
      ? ["a rented disk is at least as large as the cloud's image"]
      : []),
    ...(failing(facts, (f) => f.diskLimit !== "none").length > 0
      ? ["a container's layer grows on the host's disk, whose free space is its only limit"]
      : []),
    ...(failing(facts, (f) => f.diskLimit !== "watched").length > 0
      ? [
          "in a container, the kernel refuses files larger than this; a program in the container adds up all files, and kills the other programs when the files take more. A guest's disk can't grow beyond its size",
        ]
      : []),
  ];
  return { ...row, verdict: notes.length > 0 ? "nature" : "match", note: notes.join("; ") };
}

/** What differs because of what the target is; this is expected. */
function rowsByNature(facts: FactsByTarget, rented: RentedShape | undefined): ParityRow[] {
  const baseline = facts.vps && rented && baselineWords(rented);
  const nature = (id: string, title: string, format: (f: Facts) => string, note: string): ParityRow => ({
    id,
    title,
    wanted: "",
    values: column(facts, format),
    verdict: "nature",
    note,
  });
  const row: ParityRow | undefined = baseline
    ? {
        ...nature("cpu_sustained", "CPU, sustained", (f) => String(f.cpus), baseline),
        values: { ...column(facts, (f) => String(f.cpus)), vps: String(sustainedCpus(rented.type)) },
      }
    : undefined;
  const resumed = Object.values(facts).some((f) => f.resumed)
    ? [
        nature(
          "start",
          "how it came up",
          (f) => (f.resumed ? "resumed" : f.virtualisation === "docker" ? "started" : "booted"),
          "a resumed guest goes on from the memory of one that has booted; it shows nothing about a boot until it is restarted (trilab restart)",
        ),
      ]
    : [];
  return [
    ...(row ? [row] : []),
    ...resumed,
    nature(
      "memory_usable",
      "memory usable",
      (f) => formatSize(f.memoryUsable),
      "a guest's own kernel takes a share first; a container has no kernel of its own",
    ),
    nature(
      "memory_visible",
      "memory seen in /proc",
      (f) => formatSize(f.memoryVisible),
      "a container sees the host's /proc/meminfo, not its own limit",
    ),
    nature(
      "cpus_visible",
      "CPUs seen",
      (f) => String(f.cpusVisible),
      "a container's quota limits CPU time, but does not hide CPUs",
    ),
    nature(
      "kernel",
      "kernel",
      (f) => `${f.system} ${f.kernel}`,
      "a container runs on the host's kernel, a guest boots its own",
    ),
    nature(
      "clock_source",
      "clock source",
      (f) => f.clockSource,
      Object.values(facts).some((f) => f.virtualisation === "qemu")
        ? "how the kernel counts time; an emulated guest does not use the TSC (tsc=unstable no_timer_check), because it can't calibrate it on a busy host"
        : "how the kernel counts time",
    ),
    nature(
      "init",
      "process 1",
      (f) => f.init,
      "a guest boots an init system; this container starts one program",
    ),
    nature("virtualisation", "what it runs in", (f) => f.virtualisation, "as systemd-detect-virt reports it"),
  ];
}
