import { stat } from "node:fs/promises";
import { basename, posix } from "node:path";
import { execa, type Result } from "execa";
import { ExitCode, messageOf, UserError } from "../../base/errors.js";
import { runClient } from "../client.js";
import type { Answer, Environment, ExecOptions, ExecResult } from "../environment.js";
import { dockerCommand } from "./client.js";

/** The container target, entered by `docker exec`: there is no sshd in it, and none is needed. */
export class ContainerEnvironment implements Environment {
  readonly target = "container";

  constructor(
    readonly name: string,
    private readonly user: string,
  ) {}

  async firstAnswer(command: readonly string[], options: ExecOptions): Promise<Answer> {
    const before = Date.now();
    const result = await this.exec(command, options);
    const after = Date.now();
    options.signal?.throwIfAborted();
    // 126 and 127 are the program's; docker's own failures (no such container, not running) are 125 and 1 with its words.
    if (
      result.exitCode === 0 ||
      !/^(Error response from daemon|Error: No such container|Cannot connect to the Docker daemon)/m.test(
        result.stderr,
      )
    )
      return { result, before, after };
    const log = await execa("docker", dockerCommand("logs", "--tail", "10", this.name), {
      reject: false,
      all: true,
    });
    throw new UserError(`the container ${this.name} does not run commands`, {
      why: [result.stderr.trim(), log.exitCode === 0 ? log.all.trim() : ""].filter(Boolean).join("\n"),
      fix: "look at `trilab logs container`, then run `trilab up` again",
      exitCode: ExitCode.failed,
    });
  }

  async exec(command: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    return runClient(
      "docker",
      dockerCommand(
        "exec",
        ...(options.input === undefined ? [] : ["--interactive"]),
        "--user",
        this.login(options.root),
        this.name,
        ...command,
      ),
      options,
    );
  }

  async shell(command: readonly string[], options: { root?: boolean } = {}): Promise<number> {
    const terminal = process.stdin.isTTY && process.stdout.isTTY ? ["--tty"] : [];
    const program = command.length > 0 ? command : ["bash", "--login"];
    const home = options.root ? "/root" : `/home/${this.user}`;
    const result = await execa(
      "docker",
      dockerCommand(
        "exec",
        "--interactive",
        ...terminal,
        "--workdir",
        home,
        "--env",
        `HOME=${home}`,
        "--user",
        this.login(options.root),
        this.name,
        ...program,
      ),
      { reject: false, stdio: "inherit" },
    );
    return result.exitCode ?? 255;
  }

  async copy(direction: "in" | "out", local: string, remote: string): Promise<void> {
    if (direction === "out") await docked(["cp", `${this.name}:${remote}`, local], `can't copy ${remote}`);
    else await this.copyIn(local, remote);
  }

  /** Through the login user's own hands, so that what arrives is theirs, as with scp; `docker cp` would keep our uid. */
  private async copyIn(local: string, remote: string): Promise<void> {
    const what = `can't copy ${local}`;
    const from = await stat(local).catch((error: unknown) => {
      throw new UserError(what, { why: messageOf(error), fix: "check the path", exitCode: ExitCode.usage });
    });
    const intoFolder = (await this.exec(["test", "-d", remote])).exitCode === 0;
    const target = intoFolder ? posix.join(remote, basename(local)) : remote;
    const receive = (...command: string[]): string[] => [
      "exec",
      "--interactive",
      "--user",
      this.user,
      this.name,
      ...command,
    ];
    if (from.isDirectory()) {
      await docked(["exec", "--user", this.user, this.name, "mkdir", "-p", target], what);
      const pack = execa("tar", ["-C", local, "-cf", "-", "."], { buffer: { stdout: false }, reject: false });
      const unpacked = await pack.pipe("docker", dockerCommand(...receive("tar", "-xf", "-", "-C", target)), {
        reject: false,
      });
      mustSucceed(unpacked, what);
      const packed = await pack;
      if (packed.exitCode !== 0) {
        throw new UserError(`${local} was not copied whole`, {
          why: packed.stderr || packed.message || "",
          fix: "make what is named above readable, and copy again",
        });
      }
    } else {
      const mode = (from.mode & 0o777).toString(8);
      await docked(receive("sh", "-c", 'cat >"$1" && chmod "$2" "$1"', "sh", target, mode), what, {
        inputFile: local,
      });
    }
  }

  async logs(options: { follow: boolean; lines?: number }): Promise<number> {
    const args = [
      ...(options.follow ? ["--follow"] : []),
      ...(options.lines === undefined ? [] : ["--tail", String(options.lines)]),
    ];
    const result = await execa("docker", dockerCommand("logs", ...args, this.name), {
      reject: false,
      stdio: "inherit",
    });
    return result.exitCode ?? 255;
  }

  private login(root?: boolean): string {
    return root ? "root" : this.user;
  }
}

/** Runs a docker command that must succeed. @throws UserError with docker's own words. */
async function docked(
  args: readonly string[],
  what: string,
  input: { stdin: "ignore" } | { inputFile: string } = { stdin: "ignore" },
): Promise<void> {
  mustSucceed(await execa("docker", dockerCommand(...args), { reject: false, ...input }), what);
}

function mustSucceed(
  result: Pick<Result<{ reject: false }>, "exitCode" | "stderr" | "message">,
  what: string,
): void {
  if (result.exitCode !== 0) {
    throw new UserError(what, {
      why: String(result.stderr || result.message || ""),
      fix: "check both paths, and that it runs: trilab status",
    });
  }
}
