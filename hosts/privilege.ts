import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import { ExitCode, UserError } from "../base/errors.js";

export const isRoot = (): boolean => process.getuid?.() === 0;

/** The path of a command, or `undefined`. sbin is searched too: daemons live there, and users' PATHs often lack it. */
export function which(command: string): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/local/sbin", "/usr/sbin", "/sbin"];
  return folders.map((dir) => join(dir, command)).find((path) => existsSync(path));
}

/** Whether commands can be run as root: as root, or through sudo (which may ask for a password on the terminal). */
export const canBeRoot = (): boolean => isRoot() || which("sudo") !== undefined;

/**
 * Runs a command as root and returns its output.
 *
 * @throws UserError (exit 3) with the last lines it printed when it fails, or when there is no way to be root.
 */
export async function asRoot(
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<string> {
  if (!canBeRoot()) {
    throw new UserError(`${command} must be run as root`, {
      why: "this is not root, and there is no sudo",
      fix: `as root: ${command} ${args.join(" ")}`,
      exitCode: ExitCode.hostNotReady,
    });
  }
  const variables = Object.entries(env).map(([key, value]) => `${key}=${value}`);
  const [program, ...rest] = isRoot()
    ? ["env", ...variables, command, ...args]
    : ["sudo", "env", ...variables, command, ...args];
  const result = await execa(program ?? "env", rest, {
    reject: false,
    all: true,
    stdin: isRoot() ? "ignore" : "inherit",
  });
  if (result.exitCode === 0) return result.stdout;
  throw new UserError(`${command} ${args[0] ?? ""} failed`, {
    why: result.all.trim().split("\n").slice(-5).join("\n"),
    fix: `run it by hand to see more: ${command} ${args.join(" ")}`,
    exitCode: ExitCode.hostNotReady,
  });
}
