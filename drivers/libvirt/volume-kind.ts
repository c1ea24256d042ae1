import { resumedMemory } from "../../model/golden.js";
import type { Kind } from "../../model/kinds.js";
import { snapshotOfVolume } from "../../model/snapshots.js";

/**
 * What a volume of the seats' pool is for a machine: its disk, its cloud-init seed, its host key, a part of a snapshot, the memory
 * that it resumes from, or its console's log (virtlogd numbers the older ones). Also those of clones left behind by an interrupted `compare`. Pure.
 */
export function volumeKind(machine: string, volume: string): Kind | undefined {
  if (!volume.startsWith(machine)) return undefined;
  if (snapshotOfVolume(volume)?.machine === machine) return "guest snapshot";
  if (volume === resumedMemory(machine)) return "memory file";
  const suffix = volume.slice(machine.length);
  const what = /^(?:-clone\d+)?\.(qcow2|kernel|initrd|seed\.iso|host-key|console\.log)(?:\.\d+)?$/.exec(
    suffix,
  )?.[1];
  // The kernel and the initrd are those of a clone that was moved.
  if (what === "qcow2" || what === "kernel" || what === "initrd") return "guest disk";
  if (what === "seed.iso") return "cloud-init seed";
  if (what === "host-key") return "host key";
  return what === "console.log" ? "console log" : undefined;
}
