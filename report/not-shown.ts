import { formatDuration } from "../components/helpers/units.js";
import type { RunDocument } from "../probes/run-document.js";
import { CONFIDENCE } from "./statistics.js";

/** Load of one CPU that the host carried before: above it somebody else was at work. */
const BUSY = 0.5;

/** Whether the host was at work for others before the run began. */
export const wasBusy = ({ host }: RunDocument): boolean => host.loadBefore / host.cpus > BUSY;

/** The limits of what a run can show, from its own facts: sentences. */
export function notShown(run: RunDocument): string[] {
  const { host } = run;
  const has = (id: string): boolean => run.probes.some((p) => p.id === id);
  const wrong = run.parity.rows.filter((r) => r.verdict === "wrong").map((r) => r.title);
  const missing = (["container", "guest"] as const).filter((t) => !run.targets.includes(t));
  const seconds = (Date.parse(run.endedAt) - Date.parse(run.startedAt)) / 1000;
  const qemu = host.versions.qemu ? `QEMU ${host.versions.qemu}` : "this hypervisor";
  return [
    run.emulated &&
      "How fast a virtual machine computes. There was no KVM here, so the guest's processor was emulated in software (TCG); its times of boot and its CPU-bound figures are those of an emulator. With KVM a guest runs at nearly the CPU's own speed.",
    run.vps?.cloud === "local" &&
      `A cloud. The VPS is a rehearsal: a machine of a ${run.vps.type}'s shape on this host, without a cloud's neighbours, network, disks and credits.`,
    missing.length > 0 && `A comparison: the ${missing.join(" and the ")} was not up.`,
    `Other hosts. These are figures of one machine (${host.cpuModel}, ${host.cpus} CPUs), one kernel (${host.kernel}) and ${qemu}, taken within ${formatDuration(seconds)}; the ${CONFIDENCE * 100} % intervals tell how far the same machine would stray in the same hour, not how far another one would.`,
    run.quick &&
      "Settled figures: a quick run has too few samples for that. It shows how the measuring goes.",
    run.partial && "All probes: the run was ended early, and what it had not reached is missing.",
    wasBusy(run) &&
      `An idle host: the load was ${host.loadBefore} on ${host.cpus} CPUs before the run began, so somebody else's work is in the figures.`,
    !host.pinned &&
      "Figures free of the scheduler's moves: the targets were not pinned to CPUs of their own.",
    !run.parity.inTolerance &&
      `A fair pair in all respects: the targets were out of parity (${wrong.join(", ")}); the figures concerned are marked.`,
    has("density") &&
      "That so many would fit at work: density is the cost of idle ones, extrapolated from the few that were started.",
    (has("isolation") || has("duel")) &&
      "How secure either is. The facts say what a tenant sees and may call, the duel how limits hold against one bounded hog; neither looks for a way out.",
    "Your workload: each probe is one small program. Two machines that fork equally fast can serve a web page unequally.",
    "That published figures were confirmed or refuted: other machines, other years. Compare ratios with them, never absolutes.",
  ].filter((sentence) => sentence !== false);
}
