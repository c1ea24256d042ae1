import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, UserError } from "../base/errors.js";
import { repoDir } from "../base/paths.js";
import type { Target } from "../components/helpers/naming.js";
import { formatSize } from "../components/helpers/units.js";
import type { MachineSpec } from "../components/machine-spec.js";
import type { Environment } from "./environment.js";

/** What was read from inside one target, by facts.sh: its key=value lines; `clock_offset` (s) is measured from here. */
export type Facts = Readonly<Record<string, string>>;

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

/** Reads the facts of one target. @throws UserError when it does not answer. */
export async function readFacts(environment: Environment): Promise<Facts> {
  const script = await readFile(join(repoDir, "environments", "facts.sh"), "utf8");
  const before = Date.now();
  const result = await environment.exec(["sh", "-s"], { root: true, input: script });
  const after = Date.now();
  const facts: Record<string, string> = {};
  for (const line of result.stdout.split("\n")) {
    const at = line.indexOf("=");
    if (at > 0) facts[line.slice(0, at)] = line.slice(at + 1).trim();
  }
  if (result.exitCode !== 0 || facts.clock === undefined) {
    throw new UserError(`can't read the facts of ${environment.name}`, {
      why: result.stderr.trim() || messageOf(result.stdout),
      fix: "check that it runs: trilab status; then bring it up: trilab up",
    });
  }
  // The clock is read last, so its moment is bracketed by the call's two ends.
  const clock = Number(facts.clock) * 1000;
  const offset = clock < before ? clock - before : clock > after ? clock - after : 0;
  return { ...facts, clock_offset: (offset / 1000).toFixed(3) };
}

/** Sets the targets' facts beside the spec and each other. Pure. */
export function compareFacts(spec: MachineSpec, facts: Partial<Record<Target, Facts>>): ParityReport {
  const targets = Object.keys(facts) as Target[];
  const get = (target: Target, key: string): string => facts[target]?.[key] ?? "";
  const column = (key: string, format: (raw: string) => string = (s) => s): Partial<Record<Target, string>> =>
    Object.fromEntries(targets.map((t) => [t, format(get(t, key))]));
  const size = (raw: string): string => formatSize(Number(raw));
  const near = (key: string, wanted: number, tolerance: number): Target[] =>
    targets.filter((t) => !(Math.abs(Number(get(t, key)) - wanted) <= wanted * tolerance));
  const agree = (key: string): boolean => new Set(targets.map((t) => get(t, key))).size <= 1;

  const rows: ParityRow[] = [];
  const row = (id: string, title: string, wanted: string, values: ParityRow["values"], off: boolean | "nature", note = ""): void => {
    rows.push({ id, title, wanted, values, verdict: off === "nature" ? "nature" : off ? "wrong" : "match", note });
  };
  const naming = (off: Target[], what: string): string => (off.length > 0 ? `${off.join(", ")}: ${what}` : "");

  const cpus = near("cpus", spec.cpus, CPU_TOLERANCE);
  row("cpus", "CPUs", String(spec.cpus), column("cpus"), cpus.length > 0, naming(cpus, "not the CPU time asked for"));

  const memory = near("memory", spec.memory, MEMORY_TOLERANCE);
  row("memory", "memory given", formatSize(spec.memory), column("memory", size), memory.length > 0, naming(memory, "not the memory asked for"));

  const swap = targets.filter((t) => t !== "container" && Number(get(t, "swap")) > 0);
  row("swap", "swap of its own", "0B", Object.fromEntries(targets.map((t) => [t, t === "container" ? "0B" : size(get(t, "swap"))])), swap.length > 0, naming(swap, "has swap"));

  const release = targets.filter((t) => get(t, "release") !== spec.release);
  row("release", "Debian release", spec.release, column("release"), release.length > 0, naming(release, "another release"));
  row("debian", "Debian version", "", column("debian"), !agree("debian"), agree("debian") ? "" : "the targets were made from different images");
  row("packages", "package set", "", Object.fromEntries(targets.map((t) => [t, `${get(t, "package_count")} (${get(t, "packages")})`])), !agree("packages"), agree("packages") ? "" : "packages were added or removed in one of them, or the images differ");

  const clock = targets.filter((t) => !(Math.abs(Number(get(t, "clock_offset"))) <= CLOCK_TOLERANCE));
  row("clock", "clock off the host's", "0 s", column("clock_offset", (s) => `${Number(s)} s`), clock.length > 0, naming(clock, `more than ${CLOCK_TOLERANCE} s off`));

  const disk = targets.filter((t) => t !== "container" && Math.abs(Number(get(t, "disk")) - spec.disk) > 0);
  const onHostDisk = targets.includes("container");
  row(
    "disk",
    "disk",
    formatSize(spec.disk),
    column("disk", size),
    disk.length > 0 ? true : onHostDisk ? "nature" : false,
    disk.length > 0 ? naming(disk, "not the disk asked for") : onHostDisk ? "a container's layer grows on the host's own disk; overlay2 bounds it only on XFS with quotas" : "",
  );

  if (targets.length > 0) {
    row("memory_usable", "memory usable", "", column("memory_usable", size), "nature", "a guest's kernel takes its own share of the memory first; a container brings no kernel");
    row("memory_visible", "memory seen in /proc", "", column("memory_visible", size), "nature", "a container sees the host's /proc/meminfo, whatever its own limit");
    row("cpus_visible", "CPUs seen", "", column("cpus_visible"), "nature", "a container's quota bounds CPU time, it hides no CPU");
    row("kernel", "kernel", "", column("kernel"), "nature", "a container runs on the host's kernel, a guest boots its own");
    row("init", "process 1", "", column("init"), "nature", "a guest boots an init system, a container starts a program");
    row("virtualisation", "what it runs in", "", column("virtualisation"), "nature", "what systemd-detect-virt says");
  }
  return { rows, inTolerance: rows.every((r) => r.verdict !== "wrong") };
}
