import { formatDuration } from "../model/units.js";
import { busyNote } from "../probes/host-load.js";
import type { RunDocument } from "../probes/run-document.js";
import { sufferings } from "./figures.js";
import { CONFIDENCE } from "./statistics.js";

/** What each kernel of the run is, where they are not the same one. */
function kernels(run: RunDocument): string | undefined {
  const values = run.parity.rows.find((row) => row.id === "kernel")?.values ?? {};
  const each = run.targets.flatMap((target) => (values[target] ? [[target, values[target]] as const] : []));
  if (new Set(each.map(([, kernel]) => kernel)).size < 2) return undefined;
  return each.map(([target, kernel]) => `the ${target} ${kernel}`).join(", ");
}

/** The limits of what a run can show, from its own facts: sentences. */
export function notShown(run: RunDocument): string[] {
  const { host } = run;
  const has = (id: string): boolean => run.probes.some((p) => p.id === id);
  const wrong = run.parity.rows.filter((r) => r.verdict === "wrong").map((r) => r.title);
  const missing = (["container", "guest"] as const).filter((t) => !run.targets.includes(t));
  const seconds = (Date.parse(run.endedAt) - Date.parse(run.startedAt)) / 1000;
  const busy = busyNote(host); // the load average says nothing: `up` raises it, too
  const different = kernels(run);
  const hogs = new Set(sufferings(run).map((s) => s.series.metric)).size;
  const qemu = host.versions.qemu ? `QEMU ${host.versions.qemu}` : "this hypervisor";
  return [
    run.emulated &&
      "How fast a virtual machine computes. There was no KVM here, so the guest's processor was emulated in software (TCG); its times of boot and its CPU-bound figures are those of an emulator, and part of its memory is the emulator's. With KVM a guest runs at nearly the CPU's own speed.",
    run.vps?.cloud === "local" &&
      `A cloud. The VPS is a rehearsal: a machine of a ${run.vps.type}'s shape on this host, without a cloud's neighbours, network, disks and credits.`,
    missing.length > 0 && `A comparison: the ${missing.join(" and the ")} was not up.`,
    `Other hosts. These are figures of one machine (${host.cpuModel}, ${host.cpus} CPUs), one host kernel (${host.kernel}) and ${qemu}, taken within ${formatDuration(seconds)}; the ${CONFIDENCE * 100} % intervals tell how uncertain each median is, on this machine in that time. They tell neither how far single runs stray nor what another machine would show.`,
    run.quick &&
      "Settled figures: a quick run has too few samples for that. It shows how the measuring goes.",
    run.partial && "All probes: the run was ended early, and what it had not reached is missing.",
    busy !== undefined &&
      `An idle host: ${busy}, so work other than what was measured is in the timings. They are marked.`,
    !host.pinned &&
      "Figures free of the scheduler's moves: the targets were not pinned to the same CPUs for the micro-benchmarks.",
    different !== undefined &&
      `What virtualisation alone costs: each has another kernel (${different}). System call, fork and context switch also differ by kernel version, and by the mitigations that each kernel turned on.`,
    !run.parity.inTolerance &&
      `A fair pair in all respects: the targets were out of parity (${wrong.join(", ")}); the figures concerned are marked.`,
    has("disk") &&
      "Independent rounds of the disk probe: they ran one after another on one machine, whose disk each changed, so the intervals of disk may be too narrow.",
    hogs > 1 &&
      `That the worst hog would be the worst again: the duel's headline is the worst of ${hogs} hogs, not corrected for having been picked.`,
    has("density") &&
      "That so many would fit at work: density is the cost of idle ones, extrapolated from the few that were started.",
    (has("isolation") || has("duel")) &&
      "How secure either is. The facts say what a tenant sees and may call, the duel how limits hold against one bounded hog; neither looks for a way out.",
    "Your workload: each probe is one small program. Two machines that fork equally fast can serve a web page unequally.",
    "That published figures were confirmed or refuted: other machines, other years. Compare ratios with them, never absolutes.",
  ].filter((sentence) => sentence !== false);
}
