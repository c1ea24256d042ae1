import { execa } from "execa";
import { ExitCode, UserError } from "../base/errors.js";
import { dockerCommand } from "../hosts/docker.js";
import type { Answer, Environment, ExecOptions, ExecResult } from "./environment.js";

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
    // 126 and 127 are the program's; docker's own failures (no such container, not running) are 125 and 1 with its words.
    if (
      result.exitCode === 0 ||
      !/^(Error response from daemon|Error: No such container)/m.test(result.stderr)
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
    const result = await execa(
      "docker",
      dockerCommand(
        "exec",
        ...(options.input === undefined ? [] : ["--interactive"]),
        "--user",
        this.login(options.root),
        this.name,
        ...command,
      ),
      {
        reject: false,
        timeout: options.timeoutMs ?? 60_000,
        ...(options.input === undefined ? { stdin: "ignore" } : { input: options.input }),
      },
    );
    return {
      exitCode: result.exitCode ?? 255,
      stdout: result.stdout ?? "",
      stderr: result.stderr || result.message || "",
    };
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
    const there = `${this.name}:${remote}`;
    const result = await execa(
      "docker",
      dockerCommand("cp", ...(direction === "in" ? [local, there] : [there, local])),
      { reject: false },
    );
    if (result.exitCode !== 0) {
      throw new UserError(`can't copy ${direction === "in" ? local : remote}`, {
        why: result.stderr,
        fix: "check both paths",
      });
    }
    // docker cp keeps our uid; the file is the login user's, as scp would have it.
    if (direction === "in") await this.exec(["chown", "-R", `${this.user}:`, remote], { root: true });
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
