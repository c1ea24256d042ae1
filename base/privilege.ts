import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import { ExitCode, UserError } from "./errors.js";

export const isRoot = (): boolean => process.getuid?.() === 0;

/** The path of a command, or `undefined`. Also searches sbin, where daemons are and which users' PATHs often lack. */
export function which(command: string): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/local/sbin", "/usr/sbin", "/sbin"];
  return folders.map((dir) => join(dir, command)).find((path) => existsSync(path));
}

/** Whether commands can be run as root: as root, or through sudo (which may ask for a password on the terminal). */
export const canBeRoot = (): boolean => isRoot() || which("sudo") !== undefined;

export interface RootOptions {
  /** Added to the command's environment. */
  env?: Record<string, string>;
  /** Whether sudo may ask for a password on the terminal. Default true; if false, it fails when it needs one. */
  ask?: boolean;
}

/**
 * Runs a command as root and returns its output.
 *
 * @throws UserError (exit 3) with the last lines it printed when it fails, or when there is no way to be root.
 */
export async function asRoot(
  command: string,
  args: readonly string[],
  options: RootOptions = {},
): Promise<string> {
  if (!canBeRoot()) {
    throw new UserError(`${command} must be run as root`, {
      why: "this is not root, and there is no sudo",
      fix: `as root: ${command} ${args.join(" ")}`,
      exitCode: ExitCode.hostNotReady,
    });
  }
  const ask = options.ask ?? true;
  const variables = Object.entries(options.env ?? {}).map(([key, value]) => `${key}=${value}`);
  const sudo = isRoot() ? [] : ["sudo", ...(ask ? [] : ["-n"])];
  const [program, ...rest] = [...sudo, "env", ...variables, command, ...args];
  const result = await execa(program ?? "env", rest, {
    reject: false,
    all: true,
    stdin: isRoot() || !ask ? "ignore" : "inherit",
  });
  if (result.exitCode === 0) return result.stdout;
  throw new UserError(`${command} ${args[0] ?? ""} failed`, {
    why: result.all.trim().split("\n").slice(-5).join("\n"),
    fix: ask
      ? `run it by hand to see more: ${command} ${args.join(" ")}`
      : "run `trilab doctor --fix`, which may ask for a password",
    exitCode: ExitCode.hostNotReady,
  });
}
