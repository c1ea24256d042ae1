import { pollUntil } from "../../base/poll.js";
import { closeConnections } from "../kept-connections.js";
import { type Ending, GRACE_MS, type StopOptions } from "../stop-options.js";
import type { Connection } from "./connection.js";

/** How often the power button is pressed: a system that is starting does not notice it; in milliseconds. */
const PRESS_MS = 5_000;

/** Starts a domain. Does nothing if it runs. */
export async function startDomain(libvirt: Connection, name: string): Promise<void> {
  const state = await libvirt.domainState(name);
  if (state === "running") return;
  // Until it is off, libvirt treats it as active.
  if (state === "in shutdown") await isOff(libvirt, name, GRACE_MS);
  await libvirt.virsh("start", name);
}

/** Shuts a domain down by its power button, or switches it off if it does not react; resolves when it is off. */
export async function stopDomain(
  libvirt: Connection,
  name: string,
  { force = false, graceMs = GRACE_MS, signal }: StopOptions = {},
): Promise<Ending> {
  const state = await libvirt.domainState(name);
  if (isOffState(state)) return "off";
  if (!force) {
    // A paused one can't end by itself.
    if (state === "paused") await libvirt.virsh("resume", name);
    let pressed = 0;
    const hasEnded = async (): Promise<boolean> => {
      const now = await libvirt.domainState(name);
      if (now === "running" && Date.now() - pressed >= PRESS_MS) {
        pressed = Date.now();
        await libvirt.virsh("shutdown", name).catch(() => {}); // It may just have ended.
      }
      return isOffState(now);
    };
    if (await pollUntil(hasEnded, { limitMs: graceMs, everyMs: 50, signal })) {
      await closeConnections(name);
      return "clean";
    }
  }
  await libvirt.virsh("destroy", name).catch(() => {}); // it may just have ended by itself
  if (!(await isOff(libvirt, name, GRACE_MS))) throw new Error(`${name} does not stop`);
  await closeConnections(name);
  return "forced";
}

const isOffState = (state: string | undefined): boolean => state === undefined || state === "shut off";

/** Waits until its QEMU is gone: a domain "in shutdown" still holds the memory and the disk. @returns whether it is gone. */
async function isOff(libvirt: Connection, name: string, waitMs: number): Promise<boolean> {
  const off = async (): Promise<boolean> => isOffState(await libvirt.domainState(name));
  return pollUntil(off, { limitMs: waitMs, everyMs: 50 });
}
