import { execa } from "execa";
import { ExitCode, UserError } from "../../base/errors.js";
import type { DockerEndpoint } from "../../model/endpoint.js";
import { runClient, UNREACHABLE } from "../client.js";
import { shellLine } from "../command-line.js";
import { copy, type Inside } from "../copy.js";
import type { Session, SessionRequest } from "../entry-session.js";
import type { Answer, Environment, ExecOptions, ExecResult, LogOptions } from "../environment.js";
import { daemonSays, dockerClient, dockerCommand } from "./connect.js";
import { showContainerLog } from "./container-log.js";
import { openContainerSession } from "./entry-session.js";
import { execInContainer } from "./exec.js";
import { lastLines } from "./output.js";

/** By its name alone, as sshd calls it: it begins its messages with what it was called by. */
const LOGIN_SHELL = "bash";

/** The PATH that sshd sets for a login shell or a command, so that container and guest have the same. */
const loginEnvironment = (user: string, home: string) => ({
  HOME: home,
  LOGNAME: user,
  USER: user,
  SHELL: `/bin/${LOGIN_SHELL}`,
  PATH:
    user === "root"
      ? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
      : "/usr/local/bin:/usr/bin:/bin:/usr/games",
});

/** The container target, entered by `docker exec`: it has no sshd, and needs none. */
export class ContainerEnvironment implements Environment {
  readonly target = "container";

  constructor(
    readonly name: string,
    private readonly user: string,
    private readonly endpoint: DockerEndpoint,
  ) {}

  /** The `docker` command's arguments for this daemon. */
  private docker(...args: string[]): string[] {
    return dockerCommand(this.endpoint, ...args);
  }

  async firstAnswer(command: readonly string[], options: ExecOptions): Promise<Answer> {
    const container = dockerClient(this.endpoint).getContainer(this.name);
    const before = Date.now();
    try {
      const result = await execInContainer(container, { command, user: this.account(options.root) }, options);
      return { result, before, after: Date.now() };
    } catch (error) {
      options.signal?.throwIfAborted();
      throw new UserError(`the container ${this.name} does not run commands`, {
        why: [daemonSays(error), await lastLines(container)].filter(Boolean).join("\n"),
        fix: "look at `trilab logs container`, then run `trilab up` again",
        exitCode: ExitCode.failed,
        cause: error,
      });
    }
  }

  async exec(command: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    return runClient(
      "docker",
      this.docker(
        "exec",
        ...(options.input === undefined ? [] : ["--interactive"]),
        "--user",
        this.account(options.root),
        this.name,
        ...command,
      ),
      options,
    );
  }

  async shell(command: readonly string[], options: { root?: boolean } = {}): Promise<number> {
    const terminal = process.stdin.isTTY && process.stdout.isTTY ? ["--tty"] : [];
    const result = await execa("docker", this.login(command, options.root, ["--interactive", ...terminal]), {
      reject: false,
      stdio: "inherit",
    });
    return result.exitCode ?? UNREACHABLE;
  }

  capture(command: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    return runClient("docker", this.login(command, options.root), options);
  }

  /** The `docker` command's arguments for a login shell, or for a command in its place, as sshd starts them in a guest. */
  private login(command: readonly string[], root?: boolean, flags: readonly string[] = []): string[] {
    const [user, home] = [this.account(root), this.home(root)];
    return this.docker(
      "exec",
      ...flags,
      ...["--workdir", home],
      ...Object.entries(loginEnvironment(user, home)).flatMap(([key, value]) => ["--env", `${key}=${value}`]),
      ...["--user", user, this.name, LOGIN_SHELL],
      ...(command.length > 0 ? ["-c", shellLine(command)] : ["--login"]),
    );
  }

  session(request: SessionRequest): Promise<Session> {
    const [user, home] = [this.user, this.home()];
    const login = { user, home, environment: loginEnvironment(user, home), shell: LOGIN_SHELL };
    return openContainerSession(dockerClient(this.endpoint).getContainer(this.name), login, request);
  }

  async copy(direction: "in" | "out", local: string, remote: string): Promise<void> {
    const inside: Inside = (command) => [
      "docker",
      this.docker(
        ...["exec", "--interactive", "--workdir", this.home(), "--user", this.user, this.name],
        ...command,
      ),
    ];
    await copy(inside, direction, local, remote);
  }

  logs(options: LogOptions): Promise<number> {
    return showContainerLog(this.endpoint, this.name, options);
  }

  private home(root?: boolean): string {
    return root ? "/root" : `/home/${this.user}`;
  }

  private account(root?: boolean): string {
    return root ? "root" : this.user;
  }
}
