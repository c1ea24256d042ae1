import type { Target } from "../model/naming.js";
import { machineOf, type SeatMachine, type SeatRecord } from "./seat-record.js";

/**
 * Notes that `trilab stop` stops these targets. One that is off and was noted already keeps its time. Pure.
 *
 * @param areOn Those that run now: an older note of them is not true any more.
 */
export const stopsNoted =
  (targets: readonly Target[], now: Date, areOn: readonly Target[]) =>
  (record: SeatRecord): SeatRecord => ({
    ...record,
    machines: record.machines.map((machine) =>
      targets.includes(machine.target)
        ? { stopped: now.toISOString(), ...(areOn.includes(machine.target) ? unstopped(machine) : machine) }
        : machine,
    ),
  });

/** Takes back the note that a target is stopped: it was not. Pure. */
export const stopTakenBack =
  (target: Target) =>
  (record: SeatRecord): SeatRecord => ({
    ...record,
    machines: record.machines.map((machine) => (machine.target === target ? unstopped(machine) : machine)),
  });

const unstopped = ({ stopped: _, ...machine }: SeatMachine): SeatMachine => machine;

/**
 * Notes that these targets run again, and for how long a rented one was stopped. Pure.
 *
 * @param wereOff Those that were off until now. Nobody knows since when another one has run, so all of its time is paid.
 */
export const startsNoted =
  (targets: readonly Target[], now: Date, wereOff: readonly Target[]) =>
  (record: SeatRecord): SeatRecord => {
    const isPause = targets.includes("vps") && wereOff.includes("vps");
    const stopped = isPause ? machineOf(record, "vps")?.stopped : undefined;
    const seconds = stopped === undefined ? 0 : Math.max(0, now.getTime() - Date.parse(stopped)) / 1000;
    const { vps } = record;
    return {
      ...record,
      ...(vps && seconds > 0 ? { vps: { ...vps, stoppedSeconds: (vps.stoppedSeconds ?? 0) + seconds } } : {}),
      machines: record.machines.map((machine) =>
        targets.includes(machine.target) ? unstopped(machine) : machine,
      ),
    };
  };
