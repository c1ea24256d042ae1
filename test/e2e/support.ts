import { createHash, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect } from "vitest";
import { digest } from "../../base/digest.js";
import { hasCode } from "../../base/errors.js";
import { repoDir } from "../../base/paths.js";
import { poll, pollUntil } from "../../base/poll.js";
import { scratchRoot } from "../../base/scratch.js";
import { KINDS, type SourceKind, sourceOf } from "../../model/kinds.js";
import { residueOf } from "./residue.js";

const CLI = join(repoDir, "dist/cli/bin.js");

/** What a run of the CLI said and how it ended; `exitCode` is undefined when a signal ended it. */
export interface Run {
  exitCode: number | undefined;
  stdout: string;
  stderr: string;
}

/** A CLI that runs. */
export interface Running {
  pid: number;
  kill(signal: NodeJS.Signals): void;
  /** Resolves once this text stands on its standard error. */
  said(text: string): Promise<void>;
  ended: Promise<Run>;
}

/** A state directory of its own, as a second user's would be; the cache is the machine's. */
export interface Home {
  /** XDG_STATE_HOME. */
  dir: string;
  /** trilab's folder in it. */
  state: string;
  /** Runs the real CLI to its end. */
  trilab(args: readonly string[], env?: Record<string, string>, input?: string): Promise<Run>;
  /** Starts the real CLI. @param input Its standard input. Default: nothing. */
  start(args: readonly string[], env?: Record<string, string>, input?: string): Running;
  /** A seat's name nobody else has, after `start`; taken down by label at the end of the file, and looked for. */
  seat(letter: string, lab?: string, start?: string): string;
  /** A lab's folder with this text below `name:`, for which a seat is `--seat`. @returns its path. */
  lab(name: string, yaml: string): Promise<string>;
  checkpoint(lab: string, seat: string): string;
  record(lab: string, seat: string, file?: string): string;
  /** Takes from a seat's record what the last `up` left, so that the next one runs the engine. */
  forgetDeployment(lab: string, seat: string): Promise<void>;
}

/**
 * A home for one test file, to be called at its top: hooks are taken only there. When the file is over every seat is
 * taken down by its labels, and Docker, libvirt and the process table are asked whether anything at all is left.
 *
 * @param environment What every command finds in its environment besides.
 */
export function openHome(environment: () => Record<string, string> = () => ({})): Home {
  process.umask(0o077);
  // A space and a percent sign, as a home directory may have them.
  const base = join(tmpdir(), `trilab-e2e 100%41-${process.pid}-${randomUUID().slice(0, 8)}`);
  const [dir, labs] = [join(base, "state"), join(base, "labs")];
  const seats: { lab: string; seat: string }[] = [];
  const running = new Set<Running>();

  const state = join(dir, "trilab");
  const record: Home["record"] = (lab, seat, file = "seat.json") => join(state, "seats", lab, seat, file);

  const start: Home["start"] = (args, env = {}, input) => {
    const child = execa(process.execPath, [CLI, ...args], {
      reject: false,
      ...(input === undefined ? { stdin: "ignore" } : { input }),
      cwd: labs,
      env: { XDG_STATE_HOME: dir, NO_COLOR: "1", CI: "1", ...environment(), ...env },
      maxBuffer: 64 * 1024 * 1024,
    });
    const ended = child.then((result) => ({
      exitCode: result.exitCode,
      stdout: result.stdout,
      stderr: result.stderr,
    }));
    let heard = "";
    child.stderr.on("data", (chunk) => {
      heard += String(chunk);
    });
    const it: Running = {
      pid: child.pid ?? 0,
      kill: (signal) => void child.kill(signal),
      said: async (text) => void (await until(`"${text}"`, async () => heard.includes(text))),
      ended,
    };
    running.add(it);
    void ended.then(() => running.delete(it));
    return it;
  };
  const trilab: Home["trilab"] = (...run) => start(...run).ended;

  beforeAll(async () => {
    for (const folder of [dir, labs]) await mkdir(folder, { recursive: true, mode: 0o700 });
  });
  afterAll(async () => {
    for (const it of running) it.kill("SIGKILL");
    const left: string[] = [];
    for (const { lab, seat } of seats) {
      if (!existsSync(record(lab, seat)) && (await residueOf(lab, seat)).length === 0) continue; // It is down.
      const down = await trilab(["down", lab, "--seat", seat, "--by-label", "--json"]);
      // 6: a lab by path of which nothing was ever up.
      if (down.exitCode !== 0 && down.exitCode !== 6)
        left.push(`down of ${seat}: ${down.exitCode}\n${down.stderr}`);
      left.push(...(await residueOf(lab, seat)));
    }
    left.push(...(await processesOf(dir)));
    left.push(...(await keepersOf(state)).map((socket) => `connection kept at ${socket}`));
    // After a kill the next command sweeps; the last one may still have found a process at work.
    const scratch = scratchRoot(state);
    if (existsSync(scratch)) await trilab(["version"]);
    if (existsSync(scratch)) left.push(`${scratch}: ${(await readdir(scratch)).join(" ")}`);
    const locks = await readdir(join(state, "locks")).catch(() => []);
    // A seat that is still on record, as somebody else's things are at it, keeps its lock file.
    const kept = (await readdir(join(state, "seats"), { recursive: true }).catch(() => []))
      .filter((file) => file.endsWith("/seat.json"))
      .map((file) => `trilab-${dirname(file).replace("/", "-")}.lock`);
    left.push(...locks.filter((name) => !kept.includes(name)).map((name) => `lock file ${name}`));
    await removeGolden(state);
    await rm(base, { recursive: true, force: true });
    expect(left).toEqual([]);
  });

  return {
    dir,
    state,
    start,
    trilab,
    seat(letter, lab = "first-boot", start = "") {
      const seat = `${start}t${process.pid}${letter}`;
      seats.push({ lab, seat });
      return seat;
    },
    async lab(name, yaml) {
      const folder = join(labs, name);
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, "lab.yaml"), `name: ${name}\ntitle: Test\nsummary: A test's.\n${yaml}`);
      return folder;
    },
    checkpoint: (lab, seat) => join(state, "backend/.pulumi/stacks/trilab", `trilab-${lab}-${seat}.json`),
    record,
    async forgetDeployment(lab, seat) {
      const { deployed, ...rest } = JSON.parse(await readFile(record(lab, seat), "utf8"));
      expect(deployed).toBeDefined();
      await writeFile(record(lab, seat), JSON.stringify(rest));
    },
  };
}

/** With what the names of the golden guests of a state directory begin: see drivers/libvirt/golden-guest.ts. */
export const goldenPrefix = (state: string): string => `golden-${digest(state).slice(0, 8)}`;

/** Removes the golden guests of a state directory, which outlive its seats. */
async function removeGolden(state: string): Promise<void> {
  const { all } = await tryHost("virsh", "-q", "-c", "qemu:///system", "vol-list", "trilab");
  const names = all.split("\n").map((line) => line.trim().split(/\s+/)[0] ?? "");
  for (const name of names.filter((each) => each.startsWith(goldenPrefix(state))))
    await virsh("vol-delete", name, "--pool", "trilab");
}

/** Processes (engine, plugins, lock holders) that still work for this state directory; those that end soon are waited for. */
async function processesOf(stateHome: string): Promise<string[]> {
  let left: string[] = [];
  const none = async (): Promise<boolean> => {
    const found = await processesWith(`XDG_STATE_HOME=${stateHome}`);
    left = found.map((p) => `process ${p.pid} ${p.args}`);
    return left.length === 0;
  };
  await pollUntil(none, { limitMs: 20_000, everyMs: 200 });
  return left;
}

/** The sockets at which `ssh` keeps connections open to machines of this state directory; each is its process's name. */
export async function keepersOf(state: string): Promise<string[]> {
  const names = await host("ps", "-e", "-o", "args=");
  const sockets = names.split("\n").flatMap((name) => /^ssh: (\S+) \[mux\]/.exec(name)?.[1] ?? []);
  return sockets.filter((socket) => socket.startsWith(`${scratchRoot(state)}/`));
}

export interface Process {
  pid: number;
  /** The program and its arguments. */
  args: string;
}

/** Live processes with this entry in their environment. */
async function processesWith(entry: string): Promise<Process[]> {
  const found: Process[] = [];
  for (const name of await readdir("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const environment = await readFile(`/proc/${pid}/environ`, "latin1").catch(() => "");
    if (!environment.split("\0").includes(entry)) continue;
    const args = await readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => "");
    if (args !== "") found.push({ pid, args: args.replaceAll("\0", " ").trim() });
  }
  return found;
}

/** The processes of one kind that a home's run has started. */
export async function partsOf(
  home: Home,
  part: "engine" | "libvirt plugin" | "aws plugin",
): Promise<Process[]> {
  const is = {
    engine: /\/pulumi (up|destroy|preview)\b/,
    "aws plugin": /plugins\/aws\/main\.js/,
    "libvirt plugin": /terraform-provider-libvirt|pulumi-resource-terraform-provider/,
  }[part];
  return (await processesWith(`XDG_STATE_HOME=${home.dir}`)).filter(
    (p) => is.test(p.args) && !p.args.startsWith("/bin/sh"),
  );
}

/** Kills the processes of a part. One that has just ended, as the first of two does with the other, needs no kill. @returns how many there were. */
export async function killParts(home: Home, part: Parameters<typeof partsOf>[1]): Promise<number> {
  const parts = await partsOf(home, part);
  for (const { pid } of parts) {
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      if (!hasCode(error, "ESRCH")) throw error;
    }
  }
  return parts.length;
}

/** Waits for a condition, asked often; undefined is "not yet". @throws Error after `ms`. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false>,
  ms = 120_000,
): Promise<T> {
  const answer = await poll(async () => (await ask()) || undefined, { limitMs: ms, everyMs: 20 });
  if (answer === undefined) throw new Error(`waited in vain: ${what}`);
  return answer;
}

/** Asserts an error for people: the exit code, what happened, why, and how to mend it; no stack of ours. */
export function expectError(run: Run, exitCode: number, ...says: RegExp[]): void {
  expect(run, run.stderr).toMatchObject({ exitCode });
  const text = run.stderr.slice(run.stderr.indexOf("error: "));
  expect(text).toMatch(/^error: \S.*\n( {2}\S.*\n)+(.*\n)*?fix: \S/);
  expect(run.stderr).not.toMatch(/\n\s+at .*:\d+:\d+|something went wrong in trilab itself/);
  for (const pattern of says) expect(text).toMatch(pattern);
}

/** Asserts success. */
export function expectDone(run: Run): Run {
  expect(run.exitCode, `${run.stderr}\n${run.stdout}`).toBe(0);
  return run;
}

/** A `down` that ended with a receipt of zeros, and the daemons agree. */
export async function expectDown(run: Run, lab: string, seat: string): Promise<void> {
  expectDone(run);
  const receipt = JSON.parse(run.stdout) as { left: Record<string, number | null>; residue: unknown[] };
  // Nothing was rented, so AWS was not asked; of Docker and libvirt those were that the seat is on.
  const of = (...sources: SourceKind[]) => KINDS.filter((kind) => sources.includes(sourceOf(kind)));
  const asked = KINDS.filter((kind) => receipt.left[kind] !== null);
  expect([of("docker"), of("libvirt"), of("docker", "libvirt")]).toContainEqual(asked);
  expect(asked.map((kind) => receipt.left[kind])).toEqual(asked.map(() => 0));
  expect(receipt.residue).toEqual([]);
  expect(await residueOf(lab, seat)).toEqual([]);
}

/** One command on this machine. @throws with its words when it fails. */
export async function host(command: string, ...args: string[]): Promise<string> {
  return (await execa(command, args, { stdin: "ignore" })).stdout.trim();
}

/** As {@link host}; its exit code is 0 or not, and both are fine. */
export async function tryHost(
  command: string,
  ...args: string[]
): Promise<{ exitCode: number; all: string }> {
  const result = await execa(command, args, { stdin: "ignore", reject: false, all: true });
  return { exitCode: result.exitCode ?? -1, all: result.all };
}

export const virsh = (...args: string[]): Promise<string> =>
  host("virsh", "-q", "-c", "qemu:///system", ...args);

/** `trilab-<lab>-<seat>-<target>`, with the hyphens of the seat's name doubled. */
export const machine = (seat: string, target: "container" | "guest", lab = "first-boot"): string =>
  `trilab-${lab}-${seat.replaceAll("-", "--")}-${target}`;

/** The bridge of a target's network, as DESIGN.md says: `tl` and a hash. */
export const bridge = (name: string): string =>
  `tl${createHash("sha256").update(name).digest("hex").slice(0, 12)}`;
