import { readFile } from "node:fs/promises";
import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

/** What the host was doing when a round began, nothing of ours running. */
export interface HostLoad {
  /** One-minute load average. */
  average: number;
  /** Share of all CPU time that was in use, 0 … 1; NaN where /proc/stat can't be read. */
  busy: number;
}

/** More than this share in use before a round: busy. Idle guests of ours stay far below. */
export const BUSY = 0.35;

const SAMPLE_MS = 150;

/** Total and idle ticks, from /proc/stat's first line. Time stolen by a host above counts as used. Pure. */
export function parseStat(text: string): { total: number; idle: number } {
  const ticks = (/^cpu +(.*)$/m.exec(text)?.[1] ?? "").split(" ").map(Number);
  return { total: ticks.slice(0, 8).reduce((a, b) => a + b, 0), idle: (ticks[3] ?? 0) + (ticks[4] ?? 0) };
}

export async function hostLoad(): Promise<HostLoad> {
  const read = async () => parseStat(await readFile("/proc/stat", "utf8").catch(() => ""));
  const before = await read();
  await sleep(SAMPLE_MS);
  const after = await read();
  return {
    average: loadavg()[0] ?? 0,
    busy: 1 - (after.idle - before.idle) / (after.total - before.total),
  };
}
