import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { mean } from "simple-statistics";
import { pollUntil } from "../base/poll.js";
import { memoryAvailable } from "../drivers/host-cost.js";
import type { Clone, Machine } from "../drivers/machine.js";
import { PROBE_NEEDS } from "../labs/probe-needs.js";
import { SEAT_SLOTS } from "../model/cidr.js";
import { MiB } from "../model/units.js";
import type { Probe } from "./probe.js";
import { RESOURCES, type Resource } from "./run-document.js";
import { settled } from "./settled.js";

/** Milliseconds over which idle CPU use is measured. */
const IDLE_WINDOW = 3_000;
/** Milliseconds in which the clones must finish starting. */
const SETTLE_LIMIT = 120_000;

export const density: Probe = {
  id: "density",
  title: "Density: how many would fit",
  teaches:
    "The cost of one more machine, times the number of learners, is the cost of a class. A few more of each are really started and measured. How many would fit is calculated from these, not tried.",
  kind: "host",
  needs: PROBE_NEEDS.density,
  metrics: [
    { id: "memory", title: "memory of one more", unit: "MiB", better: "lower", bound: "size" },
    { id: "disk", title: "disk of one more", unit: "MiB", better: "lower", bound: "size" },
    { id: "cpu", title: "CPU of an idle one, of one core", unit: "%", better: "lower", bound: "cpu" },
    { id: "first", title: "making and starting one more", unit: "s", better: "lower", bound: "time" },
    {
      id: "together",
      title: "the last of several started at once",
      unit: "s",
      better: "lower",
      bound: "time",
    },
    {
      id: "fit",
      title: "more would fit on this host (extrapolated)",
      unit: "1",
      better: "higher",
      bound: "size",
    },
  ],
  published: [],
  runs: { full: 1, quick: 1, warmups: 0 },
  timeLimit: 300,
  alone: true,
  async measure(subject, { emulated, quick, signal }) {
    const { machine } = subject;
    const more = quick ? 2 : 5;
    const room = {
      memory: await memoryAvailable(),
      disk: await machine.diskFree(),
      cpu: availableParallelism(),
      networks: SEAT_SLOTS - 1, // one is this seat's
    };
    const cpu = await idleCpu(machine, signal);
    const clones: Clone[] = [];
    try {
      const first = await machine.clone(1, signal);
      clones.push(first);
      const began = performance.now();
      const rest = await Promise.allSettled(
        Array.from({ length: more }, (_, i) => machine.clone(i + 2, signal)),
      );
      const together = (performance.now() - began) / 1000;
      clones.push(...rest.flatMap((r) => (r.status === "fulfilled" ? [r.value] : [])));
      const failed = rest.find((r) => r.status === "rejected");
      if (failed) throw failed.reason;
      await Promise.all(clones.map((clone) => settle(clone, signal)));
      const memory = await Promise.all(clones.map(async (c) => (await c.machine.memory()).own));
      const disk = await Promise.all(clones.map((c) => c.machine.disk()));
      // An emulated guest's CPU time is mostly the translator's, so it must not decide how many real guests fit.
      const counted = !emulated;
      const cost = { memory: mean(memory), disk: mean(disk), cpu: counted ? cpu : 0, networks: 1 };
      const fits = howManyFit(room, cost);
      const byCpu = counted ? fits.each.cpu : "not counted, as it is emulated";
      return {
        values: {
          memory: memory.map((bytes) => bytes / MiB),
          disk: disk.map((bytes) => bytes / MiB),
          cpu: cpu * 100,
          first: first.seconds,
          together,
          fit: fits.fit,
        },
        limits: { fit: fits.by },
        facts: [
          {
            title: "extrapolated",
            value: `${fits.fit} more, by ${fits.by} (memory ${fits.each.memory}, disk ${fits.each.disk}, idle CPU ${byCpu}, networks ${fits.each.networks})`,
            note: `calculated from ${clones.length} that were started and from what was free on the host; not tried`,
          },
        ],
        output: JSON.stringify({ room, memory, disk, cpu }),
      };
    } finally {
      await Promise.allSettled(clones.map((clone) => clone.remove()));
    }
  },
};

/** Memory and disk in bytes, CPUs, and the number of address blocks for seats. */
type Resources = Record<Resource, number>;
/** A number this large means that this resource is no limit. */
const MANY = 100_000;

/** How many machines each resource allows, and which resource runs out first. Pure. */
export function howManyFit(room: Resources, cost: Resources): { fit: number; by: Resource; each: Resources } {
  const times = (resource: keyof Resources): number =>
    cost[resource] > 0 ? Math.min(MANY, Math.floor(room[resource] / cost[resource])) : MANY;
  const each = {
    memory: times("memory"),
    disk: times("disk"),
    cpu: times("cpu"),
    networks: times("networks"),
  };
  const by = RESOURCES.reduce((least, r) => (each[r] < each[least] ? r : least), "memory" as Resource);
  return { fit: each[by], by, each };
}

/** Seconds of CPU time per second while it has nothing to do. */
async function idleCpu(machine: Machine, signal: AbortSignal): Promise<number> {
  const [before, began] = [await machine.cpuSeconds(), performance.now()];
  await sleep(IDLE_WINDOW, undefined, { signal });
  return ((await machine.cpuSeconds()) - before) / ((performance.now() - began) / 1000);
}

async function settle({ environment }: Clone, signal: AbortSignal): Promise<void> {
  const started = async (): Promise<boolean> => (await settled(environment)).exitCode === 0;
  if (!(await pollUntil(started, { limitMs: SETTLE_LIMIT, everyMs: 500, signal })))
    throw new Error(`${environment.name} did not finish starting`);
}
