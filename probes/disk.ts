import { PROBE_NEEDS } from "../labs/probe-needs.js";
import { MiB } from "../model/units.js";
import type { Metric, Probe } from "./probe.js";
import { runIn } from "./run-in.js";

const FILE = "/var/tmp/.trilab-disk";
const WRITTEN = 64;

export const disk: Probe = {
  id: "disk",
  title: "Disk on the host",
  teaches:
    "Both use the same read-only image and store only what they changed. If a file is deleted in a container's layer, its space is free again. A guest's disk keeps the blocks until the guest reports them as unused (fstrim).",
  kind: "host",
  needs: PROBE_NEEDS.disk,
  metrics: [
    metric("own", "its own disk use, without the shared image"),
    metric("written", `its own, after ${WRITTEN} MiB more were written`),
    metric("kept", `still held after the ${WRITTEN} MiB were deleted`),
    metric("trimmed", "still held after fstrim"),
  ],
  published: [],
  runs: { full: 6, quick: 1, warmups: 0 },
  timeLimit: 90,
  async measure(subject) {
    const size = async (): Promise<number> => (await subject.machine.disk()) / MiB;
    const own = await size();
    const dd = `dd if=/dev/zero of=${FILE} bs=1M count=${WRITTEN} conv=fsync 2>/dev/null`;
    await runIn(subject, ["sh", "-c", dd], 60);
    const written = await size();
    await runIn(subject, ["sh", "-c", `rm -f ${FILE}; sync`], 30);
    // Compared with the use while the file existed: a disk that was used before may already have blocks for it.
    const stillHeld = async (): Promise<number> => Math.max(0, WRITTEN - (written - (await size())));
    const kept = await stillHeld();
    const trimmed = await trim();
    return {
      values: { own, written, kept, ...(trimmed === undefined ? {} : { trimmed }) },
      facts: [
        {
          title: "what is counted",
          value:
            subject.target !== "container"
              ? "the blocks of its qcow2 overlay"
              : "its writable layer and its home's volume",
          note: "all machines made from the image share it",
        },
      ],
      output: JSON.stringify({ own, written, kept, trimmed }),
    };

    async function trim(): Promise<number | undefined> {
      if (subject.target === "container") return undefined;
      await runIn(subject, ["fstrim", "/"], 60, { root: true });
      return stillHeld();
    }
  },
};

function metric(id: string, title: string): Metric {
  return { id, title, unit: "MiB", better: "lower", bound: "size" };
}
