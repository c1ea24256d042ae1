import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { settledCommand } from "../model/guest-contract.js";
import { residentMiB, type SshTarget, sshRun } from "../test/support/raw-guest.js";
import { aborted } from "./run.js";

/** A guest's QEMU process, seen from outside. */
export interface Sight {
  /** Seconds since its QEMU process was started, to a hundredth. */
  age: number;
  residentMiB: number;
}

/** Reads the state of a local guest's QEMU process. */
export async function look(domain: string): Promise<Sight> {
  const pid = (await readFile(`/run/libvirt/qemu/${domain}.pid`, "utf8")).trim();
  const [stat, uptime] = await Promise.all([
    readFile(`/proc/${pid}/stat`, "utf8"),
    readFile("/proc/uptime", "utf8"),
  ]);
  // Field 22: hundredths of a second since the host's boot, because USER_HZ is 100 on x86-64.
  const start = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]) / 100;
  return { age: Number(uptime.split(" ")[0]) - start, residentMiB: await residentMiB(domain) };
}

/** Waits until the guest has started its whole system, so that its boot does not disturb the next measurement. */
export async function settled(target: SshTarget): Promise<void> {
  const deadline = performance.now() + 120_000;
  for (;;) {
    aborted.signal.throwIfAborted();
    if ((await sshRun(target, settledCommand.join(" "), 30_000)).exitCode === 0) return;
    if (performance.now() > deadline)
      throw new Error(`the guest at ${target.address} is still busy after 2 minutes`);
    await sleep(500);
  }
}
