import { rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";

/** What the shell's prompt looks like: it contains the exit code of the command before it. */
const PROMPT = /^<(\d+)>\$ $/;

/** A learner at two terminals: one on the own machine, one for a shell inside a machine. Each is a window of a real tmux. */
export class TypedSession {
  private constructor(
    private readonly socket: string,
    private readonly environment: Readonly<Record<string, string>>,
  ) {}

  static async open(name: string, environment: Readonly<Record<string, string>>): Promise<TypedSession> {
    const session = new TypedSession(name, environment);
    await session.tmux(
      "new-session",
      "-d",
      "-s",
      "s",
      "-n",
      "own",
      "-x",
      "220",
      "-y",
      "500",
      ...session.shell(),
    );
    await session.tmux("new-window", "-d", "-t", "s", "-n", "inside", ...session.shell());
    for (const window of ["own", "inside"] as const) await session.prompt(window);
    return session;
  }

  /** Types lines, one command, and waits until the prompt is back. @returns what was printed, and the exit code. */
  async type(
    window: "own" | "inside",
    lines: readonly string[],
    limitMs = 300_000,
  ): Promise<{ text: string; code: number }> {
    await this.tmux("send-keys", "-t", `s:${window}`, "-R");
    await this.tmux("clear-history", "-t", `s:${window}`);
    for (const line of lines) {
      await this.tmux("send-keys", "-t", `s:${window}`, "-l", line);
      await this.tmux("send-keys", "-t", `s:${window}`, "Enter");
    }
    const deadline = Date.now() + limitMs;
    for (;;) {
      await sleep(100);
      const screen = await this.screen(window);
      const code = PROMPT.exec(screen.at(-1) ?? "")?.[1];
      // The first line is the prompt with what was typed.
      if (code !== undefined && screen.length > 1)
        return { text: screen.slice(1, -1).join("\n"), code: Number(code) };
      if (Date.now() > deadline)
        throw new Error(`no prompt after "${lines.join("\n")}":\n${screen.join("\n")}`);
    }
  }

  /** Types a line that opens another shell, and gives that shell the prompt of this session. */
  async enter(line: string): Promise<void> {
    await this.tmux("send-keys", "-t", "s:inside", "-R");
    await this.tmux("send-keys", "-t", "s:inside", "-l", line);
    await this.tmux("send-keys", "-t", "s:inside", "Enter");
    await this.until("inside", (last) => /[#$] ?$/.test(last) && !PROMPT.test(last));
    await this.prompt("inside");
  }

  async close(): Promise<void> {
    const socket = (await this.tmux("display-message", "-p", "#{socket_path}").catch(() => "")).trim();
    await this.tmux("kill-server").catch(() => {});
    // The server leaves it behind.
    if (socket !== "") await rm(socket, { force: true });
  }

  private async prompt(window: "own" | "inside"): Promise<void> {
    await this.tmux("send-keys", "-t", `s:${window}`, "-l", "PS1='<$?>\\$ ' PS2='' PROMPT_COMMAND=");
    await this.tmux("send-keys", "-t", `s:${window}`, "Enter");
    await this.until(window, (last) => PROMPT.test(last));
  }

  private async until(window: "own" | "inside", is: (last: string) => boolean): Promise<void> {
    for (let tries = 0; tries < 1200; tries += 1) {
      if (is((await this.screen(window)).at(-1) ?? "")) return;
      await sleep(100);
    }
    throw new Error(`no prompt in "${window}":\n${(await this.screen(window)).join("\n")}`);
  }

  /** The lines of a window, without empty ones at its end. */
  private async screen(window: "own" | "inside"): Promise<string[]> {
    const text = await this.tmux("capture-pane", "-t", `s:${window}`, "-p", "-J", "-S", "-");
    const lines = text.replace(/\n+$/, "").split("\n");
    const last = lines.pop() ?? "";
    // Root's prompt ends with #.
    return [...lines, last.replace(/^(<\d+>)[#$] ?$/, "$1$ ")];
  }

  private shell(): string[] {
    const variables = Object.entries(this.environment).map(([name, value]) => `${name}=${value}`);
    return ["env", ...variables, "bash", "--norc", "--noprofile"];
  }

  private async tmux(...args: string[]): Promise<string> {
    const { stdout } = await execa("tmux", ["-f", "/dev/null", "-L", this.socket, ...args], {
      stripFinalNewline: false,
    });
    return stdout;
  }
}
