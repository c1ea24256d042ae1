import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { settledCommand } from "../model/guest-contract.js";
import { residentMiB, type SshTarget, sshRun } from "../test/support/raw-guest.js";
import { aborted } from "./run.js";

/** What is seen of a guest from outside at the moment it is asked. */
export interface Sight {
  /** Seconds since its QEMU process was started, to a hundredth. */
  age: number;
  residentMiB: number;
}

/** Looks at a local guest's QEMU process. */
export async function look(domain: string): Promise<Sight> {
  const pid = (await readFile(`/run/libvirt/qemu/${domain}.pid`, "utf8")).trim();
  const [stat, uptime] = await Promise.all([
    readFile(`/proc/${pid}/stat`, "utf8"),
    readFile("/proc/uptime", "utf8"),
  ]);
  // Field 22, in hundredths of a second since the host's boot: the kernel's USER_HZ is 100 on every Linux we run on.
  const start = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]) / 100;
  return { age: Number(uptime.split(" ")[0]) - start, residentMiB: await residentMiB(domain) };
}

/** Waits until the guest has started all of its system, so that its boot does not disturb what is measured next. */
export async function settled(target: SshTarget): Promise<void> {
  const deadline = performance.now() + 120_000;
  for (;;) {
    aborted.signal.throwIfAborted();
    if ((await sshRun(target, settledCommand.join(" "), 30_000)).exitCode === 0) return;
    if (performance.now() > deadline)
      throw new Error(`the guest at ${target.address} does not come to rest within 2 minutes`);
    await sleep(500);
  }
}
