import { formatDuration } from "../model/units.js";
import { busyNote } from "../probes/host-load.js";
import type { RunDocument } from "../probes/run-document.js";
import { sufferings } from "./figures.js";
import { elsewhereWords } from "./shown-runs.js";
import { CONFIDENCE } from "./statistics.js";

/** The kernels of the targets, if they are not the same. */
function kernels(run: RunDocument): string | undefined {
  const values = run.parity.rows.find((row) => row.id === "kernel")?.values ?? {};
  const each = run.targets.flatMap((target) => (values[target] ? [[target, values[target]] as const] : []));
  if (new Set(each.map(([, kernel]) => kernel)).size < 2) return undefined;
  return each.map(([target, kernel]) => `the ${target} ${kernel}`).join(", ");
}

/** What a run can't show, from its own facts. Each is a heading and an explanation, divided by ". " or ": ". */
export function notShown(run: RunDocument): string[] {
  const { host } = run;
  const has = (id: string): boolean => run.probes.some((p) => p.id === id);
  const wrong = run.parity.rows.filter((r) => r.verdict === "wrong").map((r) => r.title);
  const missing = (["container", "guest"] as const).filter((t) => !run.targets.includes(t));
  const seconds = (Date.parse(run.endedAt) - Date.parse(run.startedAt)) / 1000;
  const busy = busyNote(host); // not from the load average, because `up` raises it, too
  const different = kernels(run);
  const hogs = new Set(sufferings(run).map((s) => s.series.metric)).size;
  const elsewhere = elsewhereWords(run);
  const [one, there] =
    elsewhere === undefined
      ? [
          `one machine (${host.cpuModel}, ${host.cpus} CPUs), one host kernel (${host.kernel})`,
          "this machine",
        ]
      : [`these machines (${elsewhere})`, "these machines"];
  const qemu = host.versions.qemu ? `QEMU ${host.versions.qemu}` : "this hypervisor";
  return [
    run.emulated &&
      "How fast a virtual machine computes. There was no KVM here, so the guest's processor was emulated in software (TCG). Its boot times and its CPU figures are those of an emulator, and a part of its memory belongs to the emulator. With KVM, a guest runs nearly at the speed of the CPU.",
    run.vps?.cloud === "local" &&
      `A cloud. The VPS is a rehearsal: a machine on this host with the size of a ${run.vps.type}, without a cloud's neighbours, network, disks and CPU credits.`,
    elsewhere !== undefined &&
      `The hosts of all targets. What this report says about CPU, memory, kernel and load is about the machine that ran trilab; but these targets were on other hosts: ${elsewhere}.`,
    missing.length > 0 && `A comparison: the ${missing.join(" and the ")} was not running.`,
    `Other hosts. These are figures of ${one} and ${qemu}, taken within ${formatDuration(seconds)}. The ${CONFIDENCE * 100} % intervals say how uncertain each median is, on ${there} at that time. They do not say how much single runs differ, or what another machine would show.`,
    run.quick && "Reliable figures: a quick run has too few samples. It only demonstrates how to measure.",
    run.partial && "All probes: the run ended early, so some are missing.",
    busy !== undefined && `An idle host: ${busy}, so the times contain other work. They are marked.`,
    !host.pinned &&
      "The same CPUs for all: the targets were not pinned for the micro-benchmarks, so the scheduler could move them.",
    different !== undefined &&
      `What virtualisation alone costs: the targets have different kernels (${different}). System calls, forks and context switches also depend on the kernel's version and on its security mitigations.`,
    !run.parity.inTolerance &&
      `Equal machines: the targets were out of parity (${wrong.join(", ")}). The affected figures are marked.`,
    has("disk") &&
      "Independent rounds of the disk probe: each round changed the disk that the next one measured. So the intervals of disk may be too narrow.",
    hogs > 1 &&
      `That the same hog would be the worst again: the duel's headline is the worst of ${hogs} hogs, without a correction for this choice.`,
    has("density") &&
      "How many working machines fit: density uses the cost of idle machines, extrapolated from the few that were started.",
    has("moving") &&
      "A network. moving carries the files on one disk, and the machine is off meanwhile: a live migration, and images of which the other place already has a part, are not measured.",
    (has("isolation") || has("duel")) &&
      "How secure they are. The facts say what a user inside sees and may do. The duel says whether limits hold against one hog. Neither tries to escape.",
    "Your workload: each probe is one small program. Two machines that start processes equally fast may still serve web pages at different speeds.",
    "Whether published figures are right: they come from other machines and other years. Compare ratios with them, never absolute values.",
  ].filter((sentence) => sentence !== false);
}
