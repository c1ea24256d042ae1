import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../base/errors.js";
import { repoDir } from "../base/paths.js";
import { pollUntil } from "../base/poll.js";
import type { Environment, ExecResult } from "../drivers/environment.js";
import { cgroupMemory } from "../drivers/host-cost.js";
import type { Inside } from "../drivers/machine.js";
import type { MachineSize } from "../model/machine-size.js";
import { cpuQuota } from "./machine-facts.js";

/** How long the session may take to begin, in milliseconds: an SSH handshake under emulation, on a busy host. */
const BEGIN_MS = 60_000;
/** How long a line may take inside, in milliseconds. */
const LINE_MS = 30_000;
/** How long a whole session may take, in milliseconds. */
const SESSION_MS = 300_000;

/** A session as root in a machine, that watches its size from inside. */
export interface SizeSession {
  /** Bytes and CPUs, when the session began: a container's limits; a guest's MemTotal and the CPUs that its kernel uses. */
  first: MachineSize;
  /** Bytes of memory that can't be taken from it. */
  used: number;
  /** The size that was seen last. */
  last(): MachineSize;
  /**
   * Waits until the size is as wanted.
   *
   * @returns when it was seen to be so, in `performance.now()`; `undefined` when it was not within the limit.
   */
  seen(holds: (size: MachineSize) => boolean, limitMs: number): Promise<number | undefined>;
  run: Inside;
}

/** What the session has told so far. */
interface Told {
  text: string;
  sizes: { size: MachineSize; at: number }[];
  ran: ExecResult[];
}

/**
 * Opens a session in a machine that runs, for as long as `body` takes.
 *
 * @throws UserError when the machine does not answer; what `body` throws.
 */
export async function inSizeSession<T>(
  environment: Pick<Environment, "name" | "exec">,
  body: (session: SizeSession) => Promise<T>,
): Promise<T> {
  const script = await readFile(join(repoDir, "seats", "size-session.sh"), "utf8");
  const input = new PassThrough();
  const told: Told = { text: "", sizes: [], ran: [] };
  input.write(script);
  let ended: ExecResult | undefined;
  const onOutput = (text: string): void => hear(told, text);
  const running = environment
    .exec(["bash", "-s"], { root: true, input, onOutput, timeoutMs: SESSION_MS })
    .then((result) => {
      ended = result;
    });
  try {
    const begins = async (): Promise<boolean> => told.sizes.length > 0 || ended !== undefined;
    await pollUntil(begins, { limitMs: BEGIN_MS, everyMs: 5 });
    const [first] = told.sizes;
    if (first === undefined) throw noAnswer(environment.name, ended?.stderr);
    return await body({
      first: first.size,
      used: parseUsed(told.text, first.size),
      last: () => told.sizes.at(-1)?.size ?? first.size,
      seen: async (holds, limitMs) => {
        // The last change counts: a balloon takes memory in steps.
        const at = (): number | undefined => {
          const last = told.sizes.at(-1);
          return last && holds(last.size) ? last.at : undefined;
        };
        await pollUntil(async () => at() !== undefined || ended !== undefined, { limitMs, everyMs: 5 });
        return at();
      },
      run: async (line) => {
        const before = told.ran.length;
        input.write(`${line}\n`);
        const done = async (): Promise<boolean> => told.ran.length > before || ended !== undefined;
        await pollUntil(done, { limitMs: LINE_MS, everyMs: 5 });
        return told.ran[before] ?? ended ?? { exitCode: 255, stdout: "", stderr: "no answer" };
      },
    });
  } finally {
    input.end();
    // A machine that is gone does not end it.
    await Promise.race([running, sleep(2_000, undefined, { ref: false })]);
  }
}

const noAnswer = (name: string, stderr = ""): UserError =>
  new UserError(`${name} does not answer`, {
    why: stderr.trim() || `no answer within ${BEGIN_MS / 1000} s`,
    fix: "check that it runs: trilab status; if not, start it: trilab up",
  });

/** Takes in a piece of the session's output. */
function hear(told: Told, piece: string): void {
  const at = performance.now();
  const lines = (told.text + piece).split("\n");
  const known = told.text.split("\n").length - 1;
  told.text += piece;
  for (const line of lines.slice(known, -1)) {
    const size = parseSize(line);
    if (size) told.sizes.push({ size, at });
    const [, code, said = ""] = /^ran=(\d+) (.*)$/.exec(line) ?? [];
    if (code !== undefined) told.ran.push({ exitCode: Number(code), stdout: "", stderr: said });
  }
}

/**
 * A size as size-session.sh tells it: `size=536870912 50000 100000` of a container, `size=481004 0-1` of a guest, in KiB.
 * No limit is Infinity. Pure.
 *
 * @returns `undefined` for other lines.
 */
export function parseSize(line: string): MachineSize | undefined {
  const [, memory = "", cpus = ""] = /^size=(\S+) (.+)$/.exec(line) ?? [];
  if (memory === "") return undefined;
  // A container's quota has two numbers.
  if (!cpus.includes(" ")) return { memory: Number(memory) * 1024, cpus: countCpus(cpus) };
  const limit = Number(memory);
  return {
    memory: limit < 2 ** 60 ? limit : Number.POSITIVE_INFINITY,
    cpus: cpuQuota(cpus) ?? Number.POSITIVE_INFINITY,
  };
}

/** The number of CPUs in a kernel's list: `0-2,5` → 4. */
const countCpus = (list: string): number =>
  list.split(",").reduce((sum, range) => {
    const [first = Number.NaN, last = first] = range.split("-").map(Number);
    return sum + last - first + 1;
  }, 0);

/** Bytes in use that can't be freed, from the session's first lines. A container's files can be. Pure. */
export function parseUsed(text: string, size: MachineSize): number {
  const values = (key: string): string[] =>
    [...text.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].map(([, value = ""]) => value);
  const [available] = values("available");
  if (available !== undefined) return size.memory - Number(available) * 1024;
  return cgroupMemory(values("usage")[0] ?? "", values("stat").join("\n")).own;
}
