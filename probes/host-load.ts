import { readFile } from "node:fs/promises";
import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { PHASES, type Phase, type RunDocument } from "./run-document.js";

/** How busy the host was when a round began. Nothing is measured at that moment. */
export interface HostLoad {
  /** One-minute load average. */
  average: number;
  /**
   * Share of the CPU time that was in use, 0 … 1: of all CPUs, or of those used for measuring, whichever is more. NaN
   * if /proc/stat can't be read.
   */
  busy: number;
}

/** A host whose CPUs are used more than this before a round is busy. Our idle guests use far less. */
export const BUSY = 0.35;

/** If more than this share of a phase's rounds began on a busy host, no timing of the phase is representative. */
const BUSY_SHARE = 0.2;

const SAMPLE_MS = 150;

const PHASE_WORDS: Readonly<Record<Phase, string>> = {
  "life-cycle": "life-cycle probes",
  host: "probes from the host",
  target: "probes inside the targets",
  alone: "probes that run alone",
};

/**
 * `the host was busy before 5 of 8 rounds of life-cycle probes`: the phases in which that was too often; undefined if there are none. Of
 * older runs, only the rounds of all phases together are known. Pure.
 */
export function busyNote({
  busyRounds = 0,
  phases,
  rounds = 0,
}: Pick<RunDocument["host"], "busyRounds" | "phases" | "rounds">): string | undefined {
  const known =
    phases === undefined
      ? [{ busyRounds, rounds, of: "" }]
      : PHASES.flatMap((phase) => {
          const counted = phases[phase];
          return counted ? [{ ...counted, of: ` of ${PHASE_WORDS[phase]}` }] : [];
        });
  const busy = known.filter((each) => each.busyRounds > each.rounds * BUSY_SHARE);
  if (busy.length === 0) return undefined;
  const each = busy.map((part) => `${part.busyRounds} of ${part.rounds} rounds${part.of}`);
  return `the host was busy before ${each.join(" and before ")}`;
}

/**
 * Total and idle ticks of some CPUs, or of all, from /proc/stat. Steal time counts as used. Pure.
 */
export function parseStat(text: string, cpus?: readonly number[]): { total: number; idle: number } {
  const names = cpus?.map((cpu) => `cpu${cpu}`) ?? ["cpu"];
  const lines = text.split("\n").map((line) => line.split(/ +/));
  const ticks = lines.flatMap(([name = "", ...rest]) => (names.includes(name) ? [rest.map(Number)] : []));
  const sum = (from: number, to: number): number =>
    ticks.flatMap((line) => line.slice(from, to)).reduce((a, b) => a + b, 0);
  return { total: sum(0, 8), idle: sum(3, 5) };
}

/** @param cpus The CPUs on which targets are measured. */
export async function hostLoad(cpus: readonly number[]): Promise<HostLoad> {
  const read = () => readFile("/proc/stat", "utf8").catch(() => "");
  const before = await read();
  await sleep(SAMPLE_MS);
  const after = await read();
  const busy = (of?: readonly number[]): number => {
    const [then, now] = [parseStat(before, of), parseStat(after, of)];
    return 1 - (now.idle - then.idle) / (now.total - then.total);
  };
  return { average: loadavg()[0] ?? 0, busy: Math.max(busy(), busy(cpus)) };
}
