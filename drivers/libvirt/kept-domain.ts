import { type ChildProcess, spawn } from "node:child_process";
import { poll } from "../../base/poll.js";
import { quoted } from "../../base/shell-words.js";
import { HostCostError } from "../machine.js";
import type { Connection } from "./connection.js";

/** A domain that ends with this process: libvirt ends it when this virsh's connection closes. */
export function keptDomain(uri: string, file: string): ChildProcess {
  const child = spawn("virsh", ["--quiet", "--connect", uri], {
    stdio: ["pipe", "ignore", "pipe"],
    env: { ...process.env, LC_ALL: "C" },
    // A process group of its own: this process handles Ctrl-C, and must clean up before it ends.
    detached: true,
  });
  // virsh splits the line as a shell does.
  child.stdin?.write(`create ${quoted([file])} --autodestroy\n`);
  return child;
}

/** Waits until a domain that {@link keptDomain} creates runs. @throws HostCostError when it does not. */
export async function appears(
  libvirt: Connection,
  name: string,
  keeper: ChildProcess,
  signal: AbortSignal | undefined,
): Promise<void> {
  let said = "";
  keeper.stderr?.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const outcome = async (): Promise<"running" | "failed" | undefined> => {
    if ((await libvirt.domainState(name)) === "running") return "running";
    return said.includes("error:") ? "failed" : undefined;
  };
  if ((await poll(outcome, { limitMs: 30_000, everyMs: 50, signal })) !== "running")
    throw new HostCostError(`libvirt did not start ${name}: ${said.trim() || "no answer in 30 s"}`);
}
