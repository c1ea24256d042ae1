import type { Target } from "../components/helpers/naming.js";
import { formatSize } from "../components/helpers/units.js";
import type { MachineSpec } from "../components/machine-spec.js";
import type { Facts } from "./facts.js";

/**
 * `match`: as the spec says, within the tolerance. `nature`: differs because of what the target is; to be seen, not
 * mended. `wrong`: differs and should not.
 */
export type Verdict = "match" | "nature" | "wrong";

export interface ParityRow {
  id: string;
  title: string;
  /** What the spec asks for; empty where it says nothing. */
  wanted: string;
  values: Partial<Record<Target, string>>;
  verdict: Verdict;
  /** Why, for anything but a plain match. */
  note: string;
}

export interface ParityReport {
  rows: ParityRow[];
  /** No row is wrong. */
  inTolerance: boolean;
}

/** The guest's firmware keeps a few pages to itself: 1 % of the memory given. */
const MEMORY_TOLERANCE = 0.01;
/** Seconds a clock may be off the host's; NTP-less guests drift by parts per million. */
const CLOCK_TOLERANCE = 2;
/** A CPU quota is set in whole hundredths. */
const CPU_TOLERANCE = 0.01;

type FactsByTarget = Partial<Record<Target, Facts>>;

/** Sets the targets' facts beside the spec and each other. Pure. */
export function compareFacts(spec: MachineSpec, facts: FactsByTarget): ParityReport {
  const rows = [...matchingRows(spec, facts), diskRow(spec, facts), ...rowsByNature(facts)];
  return { rows, inTolerance: rows.every((r) => r.verdict !== "wrong") };
}

/** A value of each target, as text. */
function column(facts: FactsByTarget, format: (facts: Facts) => string): ParityRow["values"] {
  return Object.fromEntries(Object.entries(facts).map(([target, f]) => [target, format(f)]));
}

/** The targets for which `holds` is not true. */
const failing = (facts: FactsByTarget, holds: (facts: Facts) => boolean): string[] =>
  Object.entries(facts).flatMap(([target, f]) => (holds(f) ? [] : [target]));

const within = (value: number, wanted: number, tolerance: number): boolean =>
  Math.abs(value - wanted) <= tolerance;

/** What must be as the spec says, and what must be the same in every target. */
function matchingRows(spec: MachineSpec, facts: FactsByTarget): ParityRow[] {
  const wanted = (
    id: string,
    title: string,
    want: string,
    format: (f: Facts) => string,
    holds: (f: Facts) => boolean,
    otherwise: string,
  ): ParityRow => {
    const off = failing(facts, holds);
    const note = off.length > 0 ? `${off.join(", ")}: ${otherwise}` : "";
    return {
      id,
      title,
      wanted: want,
      values: column(facts, format),
      verdict: off.length > 0 ? "wrong" : "match",
      note,
    };
  };
  const same = (id: string, title: string, format: (f: Facts) => string, otherwise: string): ParityRow => {
    const values = column(facts, format);
    const agree = new Set(Object.values(values)).size <= 1;
    return {
      id,
      title,
      wanted: "the same",
      values,
      verdict: agree ? "match" : "wrong",
      note: agree ? "" : otherwise,
    };
  };
  return [
    wanted(
      "cpus",
      "CPUs",
      String(spec.cpus),
      (f) => String(f.cpus),
      (f) => within(f.cpus, spec.cpus, CPU_TOLERANCE),
      "not the CPU time asked for",
    ),
    wanted(
      "memory",
      "memory given",
      formatSize(spec.memory),
      (f) => formatSize(f.memory),
      (f) => within(f.memory, spec.memory, spec.memory * MEMORY_TOLERANCE),
      "not the memory asked for",
    ),
    wanted(
      "swap",
      "swap of its own",
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
    same("debian", "Debian version", (f) => f.debian, "the targets were made from different images"),
    same(
      "packages",
      "package set",
      (f) => `${f.packageCount} (${f.packages})`,
      "packages were added, removed or upgraded in one of them",
    ),
    wanted(
      "clock",
      "clock off the host's",
      "0 s",
      (f) => `${f.clockOffset.toFixed(1)} s`,
      (f) => within(f.clockOffset, 0, CLOCK_TOLERANCE),
      `more than ${CLOCK_TOLERANCE} s off`,
    ),
  ];
}

function diskRow(spec: MachineSpec, facts: FactsByTarget): ParityRow {
  const row = {
    id: "disk",
    title: "disk",
    wanted: formatSize(spec.disk),
    values: column(facts, (f) => formatSize(f.disk)),
  };
  const wrong = failing(facts, (f) => !f.diskBounded || f.disk === spec.disk);
  if (wrong.length > 0)
    return { ...row, verdict: "wrong", note: `${wrong.join(", ")}: not the disk asked for` };
  if (failing(facts, (f) => f.diskBounded).length === 0) return { ...row, verdict: "match", note: "" };
  return {
    ...row,
    verdict: "nature",
    note: "a container's layer grows on the host's own disk; overlay2 bounds it only on XFS with quotas",
  };
}

/** What differs because of what the target is: to be seen, not mended. */
function rowsByNature(facts: FactsByTarget): ParityRow[] {
  const nature = (id: string, title: string, format: (f: Facts) => string, note: string): ParityRow => ({
    id,
    title,
    wanted: "",
    values: column(facts, format),
    verdict: "nature",
    note,
  });
  return [
    nature(
      "memory_usable",
      "memory usable",
      (f) => formatSize(f.memoryUsable),
      "a guest's kernel takes its own share first; a container brings no kernel",
    ),
    nature(
      "memory_visible",
      "memory seen in /proc",
      (f) => formatSize(f.memoryVisible),
      "a container sees the host's /proc/meminfo, whatever its own limit",
    ),
    nature(
      "cpus_visible",
      "CPUs seen",
      (f) => String(f.cpusVisible),
      "a container's quota bounds CPU time, it hides no CPU",
    ),
    nature(
      "kernel",
      "kernel",
      (f) => `${f.system} ${f.kernel}`,
      "a container runs on the host's kernel, a guest boots its own",
    ),
    nature("init", "process 1", (f) => f.init, "a guest boots an init system, a container starts a program"),
    nature("virtualisation", "what it runs in", (f) => f.virtualisation, "what systemd-detect-virt says"),
  ];
}
