import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../base/errors.js";
import { repoDir } from "../base/paths.js";
import type { Environment } from "../drivers/environment.js";
import { ClockExchange, readSetClock } from "./set-clock.js";

const SERVICE_STATES = ["running", "starting", "stopped"] as const;
/** `starting`: it does not run, but its machine has not finished starting. */
export type ServiceState = (typeof SERVICE_STATES)[number];

/** Milliseconds that the script may take: it waits at most two minutes for services. */
const SCRIPT_LIMIT = 180_000;

/** What one target really is. Numbers that could not be read are NaN: they match nothing. */
export interface Facts {
  kernel: string;
  /** The kernel draws it when it boots. */
  boot: string;
  /** It goes on from a golden guest's memory, and did not boot. */
  resumed: boolean;
  /** `Linux`. */
  system: string;
  hostname: string;
  /** /etc/debian_version. */
  debian: string;
  /** Code name. */
  release: string;
  /** The name of process 1. */
  init: string;
  /** As systemd-detect-virt names it. */
  virtualisation: string;
  /** CPU time, in CPUs: the cgroup's quota, else all CPUs seen. */
  cpus: number;
  cpusVisible: number;
  /** Bytes: the cgroup's limit, else the RAM that the firmware gives the kernel, with what was added and taken since. */
  memory: number;
  /** Bytes that are left after the target's own kernel, if it has one, has taken its share. */
  memoryUsable: number;
  /** Bytes: /proc/meminfo's MemTotal. */
  memoryVisible: number;
  /** Bytes of swap that it may use: its own, or what a container's cgroup allows of the host's. */
  swap: number;
  /** Bytes: the root disk; the size to which a container's files are kept; or else the host's file system. */
  disk: number;
  /** What limits it: its `own` size; a program that watches a container's files (`watched`); or `none`. */
  diskLimit: "own" | "watched" | "none";
  packageCount: number;
  /** The first 16 hex digits of SHA-256 over the sorted lines "name version architecture" of what is installed. */
  packages: string;
  /** The state of each service that the lab named when the image was made. */
  services: Record<string, ServiceState>;
  /** The kernel's clock source: `tsc`, `hpet`, `kvm-clock`, … */
  clockSource: string;
  /** Seconds between its clock and ours; 0 if its time lies within the exchange that read it. */
  clockOffset: number;
}

/**
 * Reads the facts of one target.
 *
 * @param options.waitMs Milliseconds to wait for a target that is still starting. Default 0: it must answer now.
 * @param options.setClock Sets its clock to ours first. Only for a machine with a clock of its own. Default false.
 * @param options.signal Aborting it ends the waiting.
 * @param options.tell Called with news about the machine while waiting. Default: none.
 * @throws UserError when it does not answer.
 */
export async function readFacts(
  environment: Environment,
  options: {
    waitMs?: number;
    setClock?: boolean;
    tell?: (text: string) => void;
    signal?: AbortSignal | undefined;
  } = {},
): Promise<Facts> {
  const scripts = [
    options.setClock ? await readSetClock() : "",
    await readFile(join(repoDir, "seats/facts.sh"), "utf8"),
  ];
  // One call both waits and reads: under emulation, an SSH handshake alone takes over a second.
  const clock = new ClockExchange();
  const { result } = await environment.firstAnswer(
    ["sh", "-s", ...(options.setClock ? ["set"] : [])],
    {
      root: true,
      input: scripts.join(""),
      reply: clock.reply,
      timeoutMs: SCRIPT_LIMIT,
      ...(options.tell ? { tell: options.tell } : {}),
      ...(options.signal ? { signal: options.signal } : {}),
    },
    options.waitMs ?? 0,
  );
  if (result.exitCode !== 0 || !result.stdout.includes("\nclock=")) {
    throw new UserError(`can't read the facts of ${environment.name}`, {
      why: result.stderr.trim() || "its answer is incomplete",
      fix: "check that it runs: trilab status; if not, start it: trilab up",
    });
  }
  return parseFacts(result.stdout, clock);
}

/**
 * Facts from what facts.sh printed. Pure.
 *
 * @param exchange Our clock, in milliseconds, before and after the target's clock was read.
 */
export function parseFacts(output: string, exchange: { before: number; after: number }): Facts {
  const lines = output.split("\n").flatMap((line): [string, string][] => {
    const at = line.indexOf("=");
    return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1).trim()]];
  });
  const one = (key: string): string => lines.find(([k]) => k === key)?.[1] ?? "";
  const all = (key: string): string[] => lines.filter(([k]) => k === key).map(([, v]) => v);
  const number = (key: string): number => (one(key) === "" ? Number.NaN : Number(one(key)));

  const isContainer = one("dockerenv") === "1";
  const watched = one("disk_watched") === "1" ? number("file_limit") : Number.NaN;
  const isWatched = isContainer && !Number.isNaN(watched);
  const [, size = ""] = one("filesystem").split(/\s+/);
  const limit = memoryLimit(one("memory_limit"), isContainer);
  const visible = number("mem_total_kb") * 1024;
  const installed = all("package")
    .filter((line) => line.startsWith("ii "))
    .map((line) => line.slice(3).trim())
    .sort();
  return {
    kernel: one("kernel"),
    boot: one("boot"),
    resumed: one("resumed") === "1",
    system: one("system"),
    hostname: one("hostname"),
    debian: one("debian"),
    release: one("release"),
    init: one("init"),
    clockSource: one("clocksource"),
    virtualisation: one("virtualisation"),
    cpus: cpuQuota(one("cpu_max") || `${one("cpu_quota")} ${one("cpu_period")}`) ?? number("cpus_visible"),
    cpusVisible: number("cpus_visible"),
    memory: limit ?? (ramGiven(all("ram")) + PAGE * changedPages(all) || visible),
    memoryUsable: limit ?? visible,
    memoryVisible: visible,
    swap: Math.min(
      number("swap_total_kb") * 1024,
      isContainer ? swapLimit(one("swap_limit"), number("memsw_limit") - number("memory_limit")) : Infinity,
    ),
    // A container sees the host's disks in /sys, and its root is on one of them, with any storage driver of Docker.
    disk: isWatched
      ? watched
      : isContainer || one("disk_sectors") === ""
        ? Number(size || Number.NaN)
        : number("disk_sectors") * 512,
    diskLimit: isWatched ? "watched" : isContainer ? "none" : "own",
    packageCount: installed.length,
    packages: createHash("sha256").update(installed.join("\n")).digest("hex").slice(0, 16),
    services: Object.fromEntries(
      all("service").flatMap((line) => {
        const [name = "", word] = line.split(" ");
        const state = SERVICE_STATES.find((s) => s === word);
        return state === undefined ? [] : [[name, state]];
      }),
    ),
    clockOffset: clockOffset(number("clock"), exchange),
  };
}

/** The size of a page on x86-64, in bytes. */
const PAGE = 4096;

/** How many pages a kernel has more than at its boot: from its memory device, without those that its balloon holds. */
function changedPages(all: (key: string) => string[]): number {
  const pages = (key: string): number => all(key).reduce((sum, text) => sum + Number(text), 0);
  return pages("added_pages") - (pages("taken_pages") - pages("returned_pages"));
}

/** Seconds between a time read inside and the nearest end of the exchange; 0 if it lies within the exchange. */
function clockOffset(clock: number, exchange: { before: number; after: number }): number {
  const [before, after] = [exchange.before / 1000, exchange.after / 1000];
  return clock >= before && clock <= after ? 0 : clock - (clock < before ? before : after);
}

/** `"100000 100000"` → 1; `"max 100000"`, `"-1 100000"` and nothing → undefined: no quota. */
export function cpuQuota(text: string): number | undefined {
  const [quota = Number.NaN, period = Number.NaN] = text.trim().split(/\s+/).map(Number);
  return quota > 0 && period > 0 ? quota / period : undefined;
}

/** A cgroup without a limit says `max` (v2) or a number near 2^63 (v1). Only a container's own cgroup counts. */
function memoryLimit(text: string, isContainer: boolean): number | undefined {
  const bytes = Number(text);
  return isContainer && bytes > 0 && bytes < 2 ** 60 ? bytes : undefined;
}

/** The swap that a cgroup allows: its swap limit (v2), else memory and swap together minus memory (v1); undefined is no limit. */
function swapLimit(word: string, difference: number): number {
  if (word !== "") return word === "max" ? Number.POSITIVE_INFINITY : Number(word);
  return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
}

/** The number of bytes in `0x0-0x9fbff` ranges, both ends included. */
function ramGiven(ranges: readonly string[]): number {
  return ranges.reduce((sum, range) => {
    const [first = Number.NaN, last = Number.NaN] = range.split("-").map(Number);
    return sum + last - first + 1;
  }, 0);
}
