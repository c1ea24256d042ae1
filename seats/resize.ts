import { ExitCode, messageOf, UserError } from "../base/errors.js";
import { interruptible } from "../base/working.js";
import type { Inside, Machine } from "../drivers/machine.js";
import type { Lab } from "../labs/load-lab.js";
import { reporting, type StepEvent, type Steps } from "../model/events.js";
import { MEMORY_BLOCK } from "../model/hot-plug.js";
import type { MachineSize } from "../model/machine-size.js";
import type { Target } from "../model/naming.js";
import { formatSize } from "../model/units.js";
import { deployedNow, isAsDeployed } from "./as-deployed.js";
import { withSeatLock } from "./deploy-seat.js";
import { openEnvironment, openMachine } from "./open-target.js";
import { seatSettings } from "./prepare-seat.js";
import { firstSize } from "./present-size.js";
import { type ResizeWish, requireAllowed, requireFree } from "./resize-limits.js";
import { driversOf } from "./seat-drivers.js";
import { machineOf, readRecord, type SeatMachine, type SeatRecord, writeRecord } from "./seat-record.js";
import { inSizeSession, type SizeSession } from "./size-session.js";
import { refuseOnSwarm } from "./swarm.js";

export interface Resized {
  record: SeatRecord;
  target: Target;
  from: MachineSize;
  to: MachineSize;
  /** What it saw inside; absent: it is off, and gets its size when it starts. */
  inside?: {
    before: MachineSize;
    after: MachineSize;
    /** Seconds from our request until it was seen; absent: it was so before. */
    seconds: Partial<Record<keyof MachineSize, number>>;
  };
  /** Of a rented machine: its types, and for how many seconds it was off and did not answer. */
  rented?: { from: string; to: string; changed: boolean; off?: number; silent?: number };
}

/** How long a change may take to be seen inside, in milliseconds. */
const SEEN_MS = 30_000;

/**
 * Changes the memory or CPUs of a seat's machine on this host, while it runs, and waits until the change is seen inside. A
 * machine that is off gets its new size when it starts.
 *
 * The record gets the new size first: what a kill interrupts is finished by the next `resize` or `up`.
 *
 * @throws UserError: exit 2 when it is above the ceiling or below what is in use, exit 3 when the host has less, exit 1 when
 * the machine does not answer or does not follow; then it has its old size again.
 */
export const resize = (
  seat: SeatRecord,
  lab: Lab,
  target: Target,
  wish: ResizeWish,
): AsyncGenerator<StepEvent, Resized> =>
  reporting((steps) =>
    withSeatLock(seat, async () => {
      // Read under the lock: another command may just have changed it.
      const record = (await readRecord(seat)) ?? seat;
      return resizeHere(record, lab, target, wish, steps);
    }),
  );

async function resizeHere(
  record: SeatRecord,
  lab: Lab,
  target: Target,
  wish: ResizeWish,
  steps: Steps,
): Promise<Resized> {
  const known = machineOf(record, target);
  if (known === undefined) throw new Error(`seat ${record.seat} has no ${target}`);
  refuseOnSwarm(record, [target], "resize");
  await requireAllowed(record, lab, known, wish);
  const machine = await openMachine(record, target);
  const runs = await machine.running();
  const problem = await machine.resizeProblem(wish);
  if (problem !== undefined) {
    throw new UserError(`the ${target} of seat "${record.seat}" can't be resized while it runs`, {
      why: problem,
      fix: `stop it first (trilab stop ${target} --lab ${record.lab} --seat ${record.seat}), resize it, and start it again`,
      exitCode: ExitCode.usage,
    });
  }
  const about = { step: "resize", title: `${target}: resizing`, seat: record, machine: target };
  return steps.run(about, async (progress) => {
    const change = new Change(record, lab, known, machine, wish);
    if (!runs) return change.make();
    progress.update("logging in to watch it from inside");
    const environment = await openEnvironment(record, target);
    return inSizeSession(environment, (session) => {
      progress.update("changing it");
      return change.make(session);
    });
  });
}

/** One change of a machine's size, with what undoes it. */
class Change {
  constructor(
    private readonly record: SeatRecord,
    private readonly lab: Lab,
    private readonly known: SeatMachine,
    private readonly machine: Machine,
    private readonly wish: ResizeWish,
  ) {}

  /** @param session Absent: the machine is off. */
  async make(session?: SizeSession): Promise<Resized> {
    const { machine, wish } = this;
    const { target } = this.known;
    const from = await machine.size();
    const to = { ...from, ...wish };
    if (session && to.memory < from.memory) requireFree(target, from, to, session);
    const drivers = driversOf(this.record);
    const deployed = async (record: SeatRecord) =>
      deployedNow(record, await seatSettings(record, this.lab), drivers);
    const isClean = isAsDeployed(this.record.deployed, await deployed(this.record));
    const record = this.resized();
    const over = interruptible();
    try {
      await writeRecord(record);
      const inside = await this.apply(from, to, session);
      // The next `up` then has nothing to do, if it had nothing to do before.
      const now = isClean ? await deployed(record) : undefined;
      const { deployed: _, ...kept } = (await readRecord(record)) ?? record;
      const done = { ...kept, ...(now ? { deployed: now } : {}) };
      await writeRecord(done);
      return { record: done, target, from, to, ...(inside ? { inside } : {}) };
    } finally {
      over();
    }
  }

  /** The record with the new size; what is as at first is not stored. */
  private resized(): SeatRecord {
    const first = firstSize(this.record, this.lab.machine, this.known.target);
    const { size: former, ...kept } = this.known;
    const { memory = first.memory, cpus = first.cpus } = { ...former, ...this.wish };
    const size = {
      ...(memory === first.memory ? {} : { memory }),
      ...(cpus === first.cpus ? {} : { cpus }),
    };
    const changed = { ...kept, ...(Object.keys(size).length > 0 ? { size } : {}) };
    const machines = this.record.machines.map((each) => (each.target === kept.target ? changed : each));
    return { ...this.record, machines };
  }

  /** Changes the machine; if that fails, changes it back. */
  private async apply(
    from: MachineSize,
    to: MachineSize,
    session: SizeSession | undefined,
  ): Promise<Resized["inside"]> {
    const { machine, wish } = this;
    const { target } = this.known;
    const run: Inside = session?.run ?? off;
    const began = performance.now();
    try {
      await machine.resize(wish, run);
      if (session === undefined) return undefined;
      return await watched(target, from, to, session, began);
    } catch (error) {
      const back = {
        ...(wish.memory === undefined ? {} : { memory: from.memory }),
        ...(wish.cpus === undefined ? {} : { cpus: from.cpus }),
      };
      const undone = await machine.resize(back, run).then(
        () => true,
        () => false,
      );
      if (undone) await writeRecord(this.record);
      throw notResized(this.record, target, error, undone);
    }
  }
}

/** A machine that is off is not called. */
const off: Inside = async () => ({ exitCode: 255, stdout: "", stderr: "it is off" });

/** Waits until the new size is seen inside. @throws Error with the figures when it is not. */
async function watched(
  target: Target,
  from: MachineSize,
  to: MachineSize,
  session: SizeSession,
  began: number,
): Promise<NonNullable<Resized["inside"]>> {
  const { first } = session;
  const isContainer = target === "container";
  // A guest's kernel shows less than it was given, always by the same amount, and is given memory in blocks.
  const kept = isContainer ? 0 : from.memory - first.memory;
  const wanted = { memory: to.memory - kept, cpus: to.cpus };
  const near = isContainer ? 1 : MEMORY_BLOCK - 1;
  const holds = {
    memory: (size: MachineSize): boolean => Math.abs(size.memory - wanted.memory) <= near,
    cpus: (size: MachineSize): boolean => Math.abs(size.cpus - wanted.cpus) < 0.01,
  };
  const format = { memory: formatSize, cpus: String };
  const seconds: Partial<Record<keyof MachineSize, number>> = {};
  for (const key of ["memory", "cpus"] as const) {
    if (to[key] === from[key] && holds[key](first)) continue;
    const at = await session.seen(holds[key], SEEN_MS);
    if (at === undefined)
      throw new Error(
        `after ${SEEN_MS / 1000} s it saw ${format[key](session.last()[key])} instead of ${format[key](wanted[key])} (${key})`,
      );
    seconds[key] = Math.max(0, at - began) / 1000;
  }
  return { before: first, after: session.last(), seconds };
}

function notResized({ lab, seat }: SeatRecord, target: Target, error: unknown, undone: boolean): UserError {
  const why = [messageOf(error), ...(error instanceof UserError ? [error.why] : [])].filter(Boolean);
  return new UserError(`the ${target} of seat "${seat}" could not be resized`, {
    why: [...why, undone ? "it has its old size again" : "it could not be changed back either"].join("\n"),
    fix: undone
      ? `see what it is doing (trilab ssh ${target}), and try again`
      : `trilab up ${lab} --seat ${seat} tries again`,
    cause: error,
  });
}
