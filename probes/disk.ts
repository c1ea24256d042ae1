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
    "Both lie over the same read-only image and own only what they changed. A file deleted in a container's layer is space given back; a guest's disk keeps the blocks until the guest says that it needs them no more (fstrim).",
  kind: "host",
  needs: PROBE_NEEDS.disk,
  metrics: [
    metric("own", "its own, beside the shared image, as it stands"),
    metric("written", `its own, with ${WRITTEN} MiB more written`),
    metric("kept", `still held once the ${WRITTEN} MiB were deleted`),
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
    // Against what was held while the file was there: a disk that was used before has room for it already.
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
          note: "the image below is shared by all machines made from it",
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
