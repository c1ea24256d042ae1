import { execa } from "execa";
import { ExitCode, hasCode, UserError } from "../../base/errors.js";
import { isLocal } from "../../model/endpoint.js";
import { loginTurn } from "../login-turns.js";

/** An error of `virsh`. */
export class VirshError extends UserError {
  /** The network, pool or volume does not exist. Of a domain virsh does not say so: see {@link Virsh.ifThere}. */
  readonly gone: boolean;
  /** Its complete message. */
  readonly said: string;
  constructor(args: readonly string[], stderr: string) {
    const said = stderr.trim();
    super(`libvirt refuses "${args.join(" ")}"`, { why: said || "it gave no reason", ...wayOut(said) });
    this.said = said;
    // libvirt's messages are not translated under LC_ALL=C, and virsh reports errors in no other form. "failed to get
    // network" says only that it was looked up: a broken connection does so, too.
    this.gone =
      /^error: (domain|network|storage pool|storage volume) not found\b|\bno (domain|network|storage pool|storage vol) with matching\b/im.test(
        said,
      );
  }
}

/** How to fix what libvirt refuses, as far as its message says. */
function wayOut(said: string): { fix: string; exitCode?: ExitCode } {
  if (/kvm/i.test(said))
    return {
      fix: "make KVM work again (load kvm_intel or kvm_amd, see /dev/kvm), or make the seat again without it, which deletes its disk: trilab down, trilab up",
      exitCode: ExitCode.hostNotReady,
    };
  if (/cannot allocate memory|no space left/i.test(said))
    return {
      fix: "free some of the host's memory or disk, and run the command again",
      exitCode: ExitCode.hostNotReady,
    };
  return { fix: "check the host (trilab doctor) and libvirt's own log, then run the command again" };
}

/** Runs virsh commands on one connection. */
export class Virsh {
  constructor(readonly uri: string) {}

  /**
   * Runs one command and returns its standard output.
   *
   * @throws VirshError when virsh refuses; UserError (exit 3) when there is no virsh, or libvirt does not answer.
   */
  run(...args: string[]): Promise<string> {
    return this.runWithin(120_000, ...args);
  }

  /**
   * As {@link run}; libvirt does not answer when it takes longer than this many milliseconds. If libvirt refuses because a storage
   * pool is inactive, starts the pool and runs the command again: what is in an inactive pool can't be seen.
   */
  async runWithin(timeout: number, ...args: string[]): Promise<string> {
    try {
      return await this.#runOnce(timeout, ...args);
    } catch (error) {
      const pool = args[0] === "pool-destroy" ? undefined : inactivePool(error);
      if (pool === undefined) throw error;
      await this.#startPool(pool);
      return this.#runOnce(timeout, ...args);
    }
  }

  async #startPool(pool: string): Promise<void> {
    try {
      await this.run("pool-start", pool);
    } catch (error) {
      // Another command may have started it meanwhile.
      if (!(error instanceof VirshError && /already active/.test(error.said))) throw error;
    }
  }

  async #runOnce(timeout: number, ...args: string[]): Promise<string> {
    const over = /^[^:]*\+ssh:/.test(this.uri) ? await loginTurn(this.uri) : undefined;
    const result = await execa("virsh", ["--quiet", "--connect", this.uri, ...args], {
      reject: false,
      env: { LC_ALL: "C" },
      stdin: "ignore",
      timeout,
    });
    over?.();
    if (result.exitCode === 0) return result.stdout;
    const said = result.stderr || result.message || "";
    if (result.exitCode !== undefined && !UNANSWERED.test(said)) throw new VirshError(args, said);
    throw new UserError(`libvirt at ${this.uri} does not answer`, {
      why: hasCode(result, "ENOENT") ? "there is no virsh" : lastWords(said),
      fix: isLocal({ kind: "libvirt", uri: this.uri })
        ? "install and start it (trilab doctor --fix); to make a new seat elsewhere: --libvirt"
        : "start it there, and check the network and your permission to use it (trilab doctor --host); to make a new seat elsewhere: --libvirt",
      exitCode: ExitCode.hostNotReady,
    });
  }

  /** Like {@link run}, but `undefined` when the thing is not there. */
  async ifThere(...args: string[]): Promise<string | undefined> {
    for (let tries = 3; ; tries -= 1) {
      try {
        return await this.run(...args);
      } catch (error) {
        if (!(error instanceof VirshError)) throw error;
        if (error.gone) return undefined;
        const domain = /^error: failed to get domain '(.*)'$/m.exec(error.said)?.[1];
        if (domain === undefined) throw error;
        // virsh does not say why it could not look a domain up, so all are listed. If it is in the list, it was defined meanwhile.
        if (!lines(await this.run("list", "--all", "--name")).includes(domain)) return undefined;
        if (tries === 1) throw error;
      }
    }
  }
}

/** The end of what virsh said, without the word that begins each line of it. */
const lastWords = (said: string): string =>
  said
    .trim()
    .split("\n")
    .slice(-2)
    .map((line) => line.replace(/^error: /, ""))
    .join(" ");

/** The storage pool because of which virsh refused, if it is not active. */
const inactivePool = (error: unknown): string | undefined =>
  error instanceof VirshError ? /pool '(.*)' is not active/.exec(error.said)?.[1] : undefined;

const UNANSWERED =
  /failed to connect to the hypervisor|Failed to connect socket|no valid connection|^error: Disconnected from|Cannot (recv|write) data|End of file while reading|client socket is closed/im;

/** The lines of virsh's output that are not empty. */
export const lines = (text: string): string[] =>
  text
    .split("\n")
    .map((l) => l.trim())
    .filter(Boolean);
