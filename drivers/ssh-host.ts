import { execa } from "execa";
import { ExitCode, UserError } from "../base/errors.js";
import { hostnameOf } from "../model/endpoint.js";
import { UNREACHABLE } from "./client.js";

/** The output and exit code of a script on another host. */
export interface ScriptResult {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** Another host, reached by the `ssh` command with the user's ~/.ssh/config, keys and known hosts. */
export class SshHost {
  private readonly login: readonly string[];

  /**
   * @param address `ssh://[user@]host[:port]`; the host may be an alias of ~/.ssh/config.
   * @throws UserError (exit 2) when it is not such an address.
   */
  constructor(readonly address: string) {
    const url = URL.canParse(address) ? new URL(address) : undefined;
    const rest = url && [url.password, url.search, url.hash, url.pathname.replace(/^\/$/, "")].join("");
    const target = url && `${url.username && `${decodeURIComponent(url.username)}@`}${hostnameOf(url)}`;
    if (url?.protocol !== "ssh:" || rest !== "" || !url.hostname || !target || target.startsWith("-")) {
      throw new UserError(`"${address}" is not the address of a host`, {
        why: "it is not of the form ssh://user@host",
        fix: "write ssh://user@host or ssh://user@host:port; an alias from your ~/.ssh/config works, too: ssh://alias",
        exitCode: ExitCode.usage,
      });
    }
    this.login = [...(url.port ? ["-p", url.port] : []), target];
  }

  /** The host of a `qemu+ssh://` URI; `undefined` for other URIs, and for URIs with parameters, which ssh does not know. */
  static of(libvirtUri: string): SshHost | undefined {
    const url = URL.canParse(libvirtUri) ? new URL(libvirtUri) : undefined;
    if (url?.protocol !== "qemu+ssh:" || url.search !== "" || url.hostname === "") return undefined;
    return new SshHost(`ssh://${url.username && `${url.username}@`}${url.host}`);
  }

  /** This host's daemons, as values for the options of `up`. */
  get endpoints(): { docker: string; libvirt: string } {
    const docker = this.address.replace(/\/$/, "");
    return { docker, libvirt: `${docker.replace(/^ssh:/, "qemu+ssh:")}/system` };
  }

  /**
   * Runs a shell script there, as the login user, with programs' messages in English, because callers parse them. Never asks
   * for a password, neither here nor there.
   *
   * @throws UserError (exit 3) when the host can't be reached.
   */
  run(script: string, timeoutMs?: number): Promise<ScriptResult> {
    return this.ssh("exec env LC_ALL=C sh -s", script, timeoutMs);
  }

  /**
   * Runs a shell script there as root, with sudo if the login user is not root.
   *
   * @param what For the error: `starting libvirt`.
   * @returns what it printed.
   * @throws UserError (exit 3) with the last lines that it printed when it fails.
   */
  async asRoot(what: string, script: string, timeoutMs?: number): Promise<string> {
    const shell = `exec sh -c '[ "$(id -u)" -eq 0 ] && exec sh -s; exec sudo -n sh -s'`;
    const result = await this.ssh(shell, script, timeoutMs);
    if (result.exitCode === 0) return result.stdout;
    throw new UserError(`${what} failed on ${this.address}`, {
      why: `${result.stdout}\n${result.stderr}`.trim().split("\n").slice(-5).join("\n"),
      fix: `log in and try it: ssh ${this.login.join(" ")} (trilab needs root there, or sudo without a password)`,
      exitCode: ExitCode.hostNotReady,
    });
  }

  /**
   * Unpacks a tar archive into a new folder there.
   *
   * @returns the folder.
   * @throws UserError (exit 3) when that fails, as on a full disk.
   */
  async unpack(archive: Uint8Array): Promise<string> {
    const unpack = 'd=$(mktemp -d) && { tar -x -C "$d" || { rm -rf "$d"; false; }; } && echo "$d"';
    const { exitCode, stderr, stdout } = await this.ssh(`exec sh -c '${unpack}'`, archive);
    if (exitCode === 0 && stdout.trim() !== "") return stdout.trim();
    throw new UserError(`files can't be copied to ${this.address}`, {
      why: stderr.trim().split("\n").slice(-5).join("\n") || `it ended with ${exitCode} and gave no reason`,
      fix: "free space there where temporary files go (/tmp), then run the command again",
      exitCode: ExitCode.hostNotReady,
    });
  }

  private async ssh(command: string, input: string | Uint8Array, timeout = 60_000): Promise<ScriptResult> {
    const options = ["-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"];
    const result = await execa("ssh", [...options, ...this.login, command], {
      reject: false,
      input,
      timeout,
    });
    const { exitCode = UNREACHABLE, stdout = "", stderr = "" } = result;
    if (exitCode !== UNREACHABLE) return { exitCode, stdout, stderr };
    const why = stderr.trim() || result.message || "ssh gave no reason";
    const byHand = `ssh ${this.login.join(" ")}`;
    throw new UserError(`${this.address} can't be reached`, {
      why,
      fix: /host key verification failed/i.test(why)
        ? `log in by hand once, and compare the key that is shown with the host's own: ${byHand}`
        : `make this work without a password: ${byHand} true`,
      exitCode: ExitCode.hostNotReady,
    });
  }
}
