import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { ExitCode, messageOf, UserError } from "../../base/errors.js";
import { quoted } from "../../base/shell-words.js";
import type { DomainTarget } from "../../model/naming.js";
import { addressAnswers } from "../address-answers.js";
import { runClient, UNREACHABLE } from "../client.js";
import { shellLine } from "../command-line.js";
import { copy, type Inside } from "../copy.js";
import type { Session, SessionRequest } from "../entry-session.js";
import type { Answer, Environment, ExecOptions, ExecResult, LogOptions } from "../environment.js";
import { closeConnections, sharedConnection } from "../kept-connections.js";
import { BootWatch, readPanics } from "./boot-watch.js";
import type { Connection } from "./connection.js";
import { Console, lastLines } from "./console.js";
import { openSshSession } from "./entry-session.js";
import { jumpCommand, type SshAccess, sshOptions } from "./ssh-options.js";

/** How to reach a machine with its own kernel: the seat's guest, or its VPS. */
export interface GuestAccess extends SshAccess {
  target: DomainTarget;
  name: string;
  address: string;
  user: string;
  /** The console log's volume in the seats' pool. Absent: the machine is rented. */
  consoleLog?: string;
  /** A clone lives for seconds: no connection to it is kept. Default false. */
  isClone?: boolean;
}

/** For so many milliseconds, a booting machine is tried ten times a second, and only if its address answers; then twice a second. */
const BOOT_MS = 30_000;
/** How often libvirt is queried whether it runs at all; milliseconds. */
const LOOK_MS = 500;

/** How often the console of a machine that does not answer is read; milliseconds. */
const WATCH_MS = 2_000;

/** How long a booting machine may refuse our key, or show a wrong host key; in milliseconds. */
const REFUSAL_MS = 15_000;

/** A guest or VPS, reached by OpenSSH with the seat's key and a pinned host key. */
export class GuestEnvironment implements Environment {
  /** Absent: the machine is rented. */
  private readonly console: Console | undefined;

  /** @param libvirt Absent: the machine is rented. */
  constructor(
    private readonly access: GuestAccess,
    private readonly libvirt?: Connection,
  ) {
    this.console = libvirt && new Console(libvirt, access.name, access.consoleLog);
  }

  get target(): DomainTarget {
    return this.access.target;
  }

  get name(): string {
    return this.access.name;
  }

  async firstAnswer(command: readonly string[], options: ExecOptions, waitMs: number): Promise<Answer> {
    const deadline = Date.now() + waitMs;
    let said = "";
    let state: string | undefined;
    let refusedSince: number | undefined;
    const began = Date.now();
    // Before that, an ssh is not worth its time. A machine that can't be reached directly, or must answer now, gets one at once.
    let isThere = waitMs === 0 || this.libvirt === undefined || this.jump !== undefined;
    const watch = new BootWatch(
      async () => (await this.console?.text()) ?? "",
      async (words) => {
        options.tell?.(`the ${this.target} ${this.name} said "${words}"; it is restarted`);
        await this.libvirt?.virsh("reset", this.name);
        await closeConnections(this.name);
      },
    );
    for (let looked = 0, watched = 0; ; ) {
      options.signal?.throwIfAborted();
      // A domain that is not running is not contacted: its address may belong to another machine then.
      if (this.libvirt && Date.now() - looked >= LOOK_MS) {
        state = await this.libvirt.domainState(this.name);
        looked = Date.now();
        if (state !== "running") break;
      }
      const before = Date.now();
      isThere ||= before - began > BOOT_MS || (await addressAnswers(this.access.address, 22));
      if (isThere) {
        const result = await this.exec(command, options);
        if (result.exitCode !== UNREACHABLE) return { result, before, after: Date.now() };
        said = `ssh said: ${result.stderr.trim().split("\n").at(-1)}`;
        const refuses = /host key|Permission denied/i.test(result.stderr);
        refusedSince = refuses ? (refusedSince ?? before) : undefined;
      } else said = `nothing answers at its address ${this.access.address}`;
      if (this.libvirt && waitMs > 0 && Date.now() - watched >= WATCH_MS) {
        const panicked = await watch.look().catch(() => undefined); // It only matters whether it answers.
        watched = Date.now();
        if (panicked !== undefined) throw await this.panicked(panicked);
      }
      if (refusedSince !== undefined && Date.now() - refusedSince > REFUSAL_MS) break;
      const pause = before - began < BOOT_MS ? 100 : 500;
      if (Date.now() + pause >= deadline) break;
      await sleep(pause);
    }
    const refused = refusedSince !== undefined;
    const printed = await this.printed();
    const panic = readPanics(printed);
    const panicked = panic.isLast && state === "running";
    const given = waitMs > 0 && !refused ? `; it was given ${Math.round(waitMs / 1000)} s` : "";
    const what = refused ? "answers SSH, but its keys are not the seat's" : "does not answer SSH";
    throw new UserError(`the ${this.target} ${this.name} ${what}`, {
      why: [
        this.rented
          ? `it is rented, at ${this.access.address}${given}`
          : `the domain is ${state ?? "gone"}${given}`,
        ...(said ? [said] : []),
        ...(panicked ? [`its kernel said last: ${panic.words}`] : []),
        ...(this.rented ? [] : ["its console ended with:", lastLines(printed, 12)]),
      ].join("\n"),
      fix: this.wayOut(refused, panicked),
      exitCode: ExitCode.failed,
    });
  }

  /** The error for a kernel that panicked again after a restart. */
  private async panicked(words: string): Promise<UserError> {
    return new UserError(`the ${this.target} ${this.name} does not boot: its kernel panics`, {
      why: [
        `it said "${words}", was restarted, and panicked again; its console said before:`,
        readPanics(await this.printed()).context,
      ].join("\n"),
      fix: `see the whole console with \`trilab logs ${this.target}\`; more time does not help. Undo what was changed in its kernel's parameters or files; or make it anew, which loses what is on its disk: trilab down, trilab up`,
      exitCode: ExitCode.failed,
    });
  }

  async exec(command: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    return this.run(quoted(command), options);
  }

  async capture(command: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    return this.run(shellLine(command), options);
  }

  /** Runs a line of the login shell there. */
  private run(line: string, options: ExecOptions): Promise<ExecResult> {
    return this.connected(options, (connection) =>
      runClient("ssh", [...connection, "-o", "BatchMode=yes", this.login(options.root), "--", line], options),
    );
  }

  async shell(command: readonly string[], options: { root?: boolean } = {}): Promise<number> {
    const terminal = process.stdin.isTTY && process.stdout.isTTY ? ["-t"] : [];
    const remote = command.length > 0 ? ["--", shellLine(command)] : [];
    return this.connected(options, async (connection) => {
      const result = await execa("ssh", [...connection, ...terminal, this.login(options.root), ...remote], {
        reject: false,
        stdio: "inherit",
      });
      return result.exitCode ?? UNREACHABLE;
    });
  }

  session(request: SessionRequest): Promise<Session> {
    const { address, identityFile, knownHostsFile, user } = this.access;
    return openSshSession({ address, identityFile, knownHostsFile, user, jump: this.jump }, request);
  }

  async copy(direction: "in" | "out", local: string, remote: string): Promise<void> {
    await this.connected({}, (connection) => {
      const login = [...connection, "-o", "BatchMode=yes", this.login(), "--"];
      const inside: Inside = (command) => ["ssh", [...login, quoted(command)]];
      return copy(inside, direction, local, remote);
    });
  }

  async logs(options: LogOptions): Promise<number> {
    if (this.console === undefined) {
      throw new UserError("the console of a rented machine is at its provider", {
        fix: `read its own log: trilab ssh ${this.target} --root -- journalctl -b`,
      });
    }
    if (options.follow) return this.console.follow(options.raw);
    process.stdout.write(`${await this.console.text(options)}\n`);
    return 0;
  }

  /** Opens the connections that later commands use, as its user and as root. If one fails, each command connects by itself. */
  async keepConnections(): Promise<void> {
    await Promise.all([false, true].map((root) => this.exec(["true"], { root })));
  }

  /** What its console has printed, or why that can't be read: the original error is still shown. */
  private async printed(): Promise<string> {
    const unread = (error: unknown): string => `(not to be read: ${messageOf(error)})`;
    return (await this.console?.text().catch(unread)) ?? "";
  }

  /** The fix when it does not answer, or has other keys than the seat's, or its kernel has panicked. */
  private wayOut(refused: boolean, panicked: boolean): string {
    if (refused)
      return `undo the changes in its ~/.ssh or /etc/ssh; or make it again, which deletes its disk: trilab down, trilab up`;
    if (this.rented)
      return "its firewall allows only one address, and yours may have changed: trilab up --ssh-from ADDRESS; a slow start may need longer (--wait 10m)";
    if (panicked)
      return `\`trilab up\` restarts it; see the whole console with \`trilab logs ${this.target}\``;
    return `see the whole console with \`trilab logs ${this.target}\`; a slow host may need longer (trilab up --wait 10m); \`trilab up\` starts a stopped ${this.target}`;
  }

  /** The command through which ssh reaches it, on another host; see {@link jumpCommand}. */
  private get jump(): string | undefined {
    return this.libvirt && jumpCommand(this.libvirt.uri);
  }

  /** Whether it is rented. */
  private get rented(): boolean {
    return this.libvirt === undefined;
  }

  /** Calls `use` with ssh's options to reach the machine: over the connection that all commands share, or one of its own. */
  private async connected<T>(
    { ownConnection, root }: Pick<ExecOptions, "ownConnection" | "root">,
    use: (options: string[]) => Promise<T>,
  ): Promise<T> {
    const own = sshOptions(this.access, this.jump);
    const key = ownConnection || this.access.isClone ? undefined : await this.connectionKey(root);
    if (key === undefined) return use(own);
    const shared = await sharedConnection(this.name, key);
    try {
      return await use([...own, ...shared.options]);
    } finally {
      await shared.release();
    }
  }

  /** What a shared connection to it depends on; `undefined` when it does not run. */
  private async connectionKey(root?: boolean): Promise<string[] | undefined> {
    const { access, libvirt } = this;
    // A rented machine has another address at each start. If libvirt does not answer, the machine still may.
    const start = libvirt === undefined ? "" : await libvirt.startOf(this.name).catch(() => undefined);
    if (start === undefined) return undefined;
    const hostKey = await readFile(access.knownHostsFile, "utf8").catch(() => "");
    return [this.login(root), access.identityFile, hostKey, libvirt?.uri ?? "", start];
  }

  private login(root?: boolean): string {
    return `${root ? "root" : this.access.user}@${this.access.address}`;
  }
}
