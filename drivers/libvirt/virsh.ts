import { execa } from "execa";
import { ExitCode, hasCode, UserError } from "../../base/errors.js";

/** What `virsh` said against doing something. `gone` when the thing asked about is not there. */
export class VirshError extends Error {
  readonly gone: boolean;
  constructor(args: readonly string[], stderr: string) {
    super(`virsh ${args.join(" ")}: ${stderr.trim()}`);
    // libvirt's error texts are untranslated under LC_ALL=C, and virsh has no other form for the error's code.
    this.gone =
      /not found|no domain with matching|no storage (pool|vol)|failed to get (domain|network|vol|pool)|Network not found/i.test(
        stderr,
      );
  }
}

/** Runs virsh commands on one connection. */
export class Virsh {
  constructor(readonly uri: string) {}

  /**
   * Runs one command and returns its standard output.
   *
   * @throws VirshError when virsh refuses; UserError (exit 3) when there is no virsh, or libvirt does not answer.
   */
  async run(...args: string[]): Promise<string> {
    const result = await execa("virsh", ["--quiet", "--connect", this.uri, ...args], {
      reject: false,
      env: { LC_ALL: "C" },
      stdin: "ignore",
      timeout: 120_000,
    });
    if (result.exitCode === 0) return result.stdout;
    const said = result.stderr || result.message || "";
    if (result.exitCode !== undefined && !UNANSWERED.test(said)) throw new VirshError(args, said);
    throw new UserError(`libvirt at ${this.uri} does not answer`, {
      why: hasCode(result, "ENOENT") ? "there is no virsh" : said.trim().split("\n").slice(-2).join(" "),
      fix: "install and start it (trilab doctor --fix); a new seat can be made elsewhere: --libvirt",
      exitCode: ExitCode.hostNotReady,
    });
  }

  /** Like {@link run}, but `undefined` when the thing is not there. */
  async ifThere(...args: string[]): Promise<string | undefined> {
    try {
      return await this.run(...args);
    } catch (error) {
      if (error instanceof VirshError && error.gone) return undefined;
      throw error;
    }
  }
}

const UNANSWERED =
  /failed to connect to the hypervisor|Failed to connect socket|Cannot recv data|End of file while reading/i;

/** The lines of virsh's output that are not empty. */
export const lines = (text: string): string[] =>
  text
    .split("\n")
    .map((l) => l.trim())
    .filter(Boolean);
