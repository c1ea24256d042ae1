import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { RentedMachine } from "../../drivers/ec2/rented-machine.js";
import type { Clone, Machine, Unpacked } from "../../drivers/machine.js";
import type { MachineSize } from "../../model/machine-size.js";
import { machineSpecSchema } from "../../model/machine-spec.js";
import { MiB } from "../../model/units.js";
import { density } from "../../probes/density.js";
import { downtime } from "../../probes/downtime.js";
import { elasticity } from "../../probes/elasticity.js";
import { hostCalls } from "../../probes/host-calls.js";
import { moving } from "../../probes/moving.js";
import { duel } from "../../probes/neighbour-duel.js";
import type { Run, Subject } from "../../probes/probe.js";

/** The probes that disturb, in targets that are made up. */
const machine = (more: Partial<Machine> = {}): Machine => ({
  target: "container",
  name: "fake",
  host: "",
  start: async () => {},
  stop: async () => {},
  running: async () => true,
  resizeProblem: async () => undefined,
  memory: async () => ({ own: 10 * MiB, shared: 0, parts: {} }),
  process: async () => ({ name: "lifetime", numbers: [4711, 1] }),
  image: async () => ({ bytes: MiB, changed: false }),
  disk: async () => MiB,
  diskFree: async () => 1000 * MiB,
  cpuSeconds: async () => performance.now() / 2000, // half of one CPU
  pin: async () => undefined,
  size: async () => ({ memory: 512 * MiB, cpus: 1 }),
  resize: async () => {},
  clone: async () => Promise.reject(new Error("no clones here")),
  pack: async () => Promise.reject(new Error("no clones here")),
  unpack: async () => Promise.reject(new Error("no clones here")),
  ...more,
});

const subject = (own: Machine, exec: Subject["exec"] = async () => answer("")): Subject => ({
  target: own.target,
  name: own.name,
  machine: own,
  exec,
  running: () => own.running(),
  address: undefined,
  answer: async () => 0,
  settle: async () => {},
});

const answer = (stdout: string, exitCode = 0) => ({ exitCode, stdout, stderr: "" });

const run = (more: Partial<Run> = {}): Run => ({
  round: 0,
  quick: true,
  emulated: false,
  restarted: false,
  spec: machineSpecSchema.parse({ memory: "2GiB" }),
  others: [],
  random: () => 0,
  signal: new AbortController().signal,
  ...more,
});

/** A machine whose size can be read inside. */
function elastic(start: MachineSize, refuse: (change: Partial<MachineSize>) => boolean = () => false) {
  const now = { ...start };
  const asked: Partial<MachineSize>[] = [];
  const own = machine({
    size: async () => ({ ...now }),
    resize: async (change) => {
      asked.push(change);
      if (refuse(change)) throw new Error("daemon: no");
      Object.assign(now, change);
    },
  });
  return { now, asked, subject: subject(own, async () => answer(JSON.stringify(now))) };
}

it("elasticity goes from what the target has, not from today's spec, and back to it", async () => {
  const { now, asked, subject } = elastic({ memory: 512 * MiB, cpus: 3 });
  const reading = await elasticity.measure(subject, run());
  expect(asked).toEqual([{ memory: 384 * MiB }, { memory: 512 * MiB }, { cpus: 1.5 }, { cpus: 3 }]);
  expect(now).toEqual({ memory: 512 * MiB, cpus: 3 });
  expect(Object.keys(reading.values)).toEqual(["memory", "cpus"]);
  expect(reading.facts?.map(({ metric }) => metric)).toEqual(["memory", "cpus"]);
});

it("elasticity says so when the change can't be undone, and undoes nothing that was refused", async () => {
  const stuck = elastic({ memory: 512 * MiB, cpus: 1 }, ({ memory }) => memory === 512 * MiB);
  await expect(elasticity.measure(stuck.subject, run())).rejects.toMatchObject({
    status: "failed",
    message: "the container could not be changed back: daemon: no",
  });
  const rigid = elastic({ memory: 512 * MiB, cpus: 1 }, () => true);
  const reading = await elasticity.measure(rigid.subject, run());
  expect(rigid.asked).toEqual([{ memory: 384 * MiB }, { cpus: 0.5 }]);
  expect(reading.facts?.map((f) => f.value)).toEqual(["cannot: daemon: no", "cannot: daemon: no"]);
});

it("elasticity undoes its change when its time is over", async () => {
  const { now, subject } = elastic({ memory: 512 * MiB, cpus: 1 });
  const blind = { ...subject, exec: async () => answer("always the same") };
  await expect(elasticity.measure(blind, run({ signal: AbortSignal.timeout(50) }))).rejects.toThrow();
  expect(now.memory).toBe(512 * MiB);
});

/** A victim whose work takes so long (ms), beside a neighbour whose hogs rage for as many. */
function fight(takes: number, working: number) {
  const seen: string[] = [];
  let raging = false;
  const victim = subject(machine({ target: "guest" }), async () => {
    await sleep(takes);
    seen.push(raging ? "beside" : "alone");
    return answer(`events per second: ${raging ? 50 : 100}`);
  });
  const neighbour = subject(machine(), async (command, options) => {
    if (!command.includes("perl")) return answer("0");
    await sleep(100); // a hog takes a moment to get going
    raging = true;
    options?.onOutput?.("working\n");
    await sleep(working);
    raging = false;
    seen.push("over");
    return answer("9 processes");
  });
  return { victim, neighbour, seen };
}

it("the duel gives one figure a phase, in a shuffled order, of what ended beside the hog", async () => {
  const { victim, neighbour, seen } = fight(200, 2500);
  const { values, facts } = await duel.measure(victim, run({ others: [neighbour], random: () => 0 }));
  expect(values).toEqual({ alone: 100, cpu: 50, memory: 50, forks: 50 });
  expect(seen[0]).toBe("beside"); // a generator of zeros puts another phase first
  expect(facts?.map((f) => f.title)).toEqual(["its cpu hog", "its memory hog", "its fork bomb"]);
});

it("what ended after its hog may have is an upper limit for the duel, and the facts say so", async () => {
  const { victim, neighbour } = fight(2000, 2500);
  const { doubts, facts, values } = await duel.measure(victim, run({ others: [neighbour] }));
  expect(values).toEqual({ alone: 100, cpu: 50, memory: 50, forks: 50 });
  expect(Object.keys(doubts ?? {}).sort()).toEqual(["cpu", "forks", "memory"]);
  for (const fact of facts ?? []) expect(fact.value).toMatch(/; the guest finished nothing at that time$/);
});

it("a duel whose time is over waits for its hog, and starts no other", async () => {
  const { victim, neighbour, seen } = fight(50, 1500);
  const signal = AbortSignal.timeout(900);
  await expect(duel.measure(victim, run({ others: [neighbour], signal, random: () => 0 }))).rejects.toThrow();
  expect(seen.filter((s) => s === "over")).toHaveLength(1);
  expect(seen.at(-1)).toBe("over");
});

/** Clones that are there until they are removed. */
function cloning(target: "container" | "guest", make: (index: number, signal: AbortSignal) => Promise<void>) {
  const there = new Set<number>();
  const own = machine({
    target,
    clone: async (index, signal): Promise<Clone> => {
      there.add(index);
      await make(index, signal).catch((error: unknown) => {
        there.delete(index);
        throw error;
      });
      const environment = { target, name: `fake-clone${index}`, exec: async () => answer("") };
      return {
        seconds: 1,
        machine: machine({ target }),
        environment: environment as unknown as Clone["environment"],
        remove: async () => void there.delete(index),
      };
    },
  });
  return { there, subject: subject(own) };
}

it("density whose time is over ends its clones' starting and takes all of them away", async () => {
  const { there, subject } = cloning("guest", async (index, signal) => {
    if (index > 1) await sleep(60_000, undefined, { signal });
  });
  const time = new AbortController();
  setTimeout(() => time.abort(), 3_300); // it looks at idle CPU for 3 s first
  await expect(density.measure(subject, run({ signal: time.signal }))).rejects.toThrow();
  expect([...there]).toEqual([]);
});

it("density leaves the CPU time of an emulated guest out of how many fit, and says so", async () => {
  const fits = async (target: "container" | "guest", emulated: boolean) => {
    const { subject, there } = cloning(target, async () => {});
    const { values, facts, limits } = await density.measure(subject, run({ emulated }));
    expect(facts?.[0]?.value).toContain(`by ${limits?.fit} `);
    expect(there.size).toBe(0);
    return { fit: Number(values.fit), fact: facts?.[0]?.value ?? "" };
  };
  const [real, emulated, container] = await Promise.all([
    fits("guest", false),
    fits("guest", true),
    fits("container", false),
  ]);
  expect(real.fact).toContain("by cpu");
  expect(container.fact).toContain("by cpu");
  expect(emulated.fact).toContain("idle CPU not counted, as it is emulated");
  expect(emulated.fit).toBeGreaterThan(real.fit);
});

it("a duel is skipped between two hosts; what looks at the host is skipped on another one", async () => {
  const [here, there] = [subject(machine()), subject(machine({ host: "lab1" }))];
  const skipped = { status: "skipped" };
  await expect(duel.measure(here, run({ others: [there] }))).rejects.toMatchObject(skipped);
  await expect(duel.measure(there, run({ others: [here] }))).rejects.toMatchObject(skipped);
  await expect(hostCalls.measure(there, run())).rejects.toMatchObject({
    ...skipped,
    message: "its host can't be looked at",
  });
});

it("downtime and host calls are skipped for a machine that is rented or has no address", async () => {
  const rented = new RentedMachine("vps", "192.0.2.1");
  const skipped = { status: "skipped" };
  await expect(downtime.measure(subject(rented), run())).rejects.toMatchObject(skipped);
  await expect(hostCalls.measure(subject(rented), run())).rejects.toMatchObject(skipped);
  await expect(downtime.measure(subject(machine()), run())).rejects.toMatchObject(skipped);
});

/** A machine that can be moved. What arrives answers its questions with this exit code. */
function movable(arrives: number, free = 1000 * MiB) {
  const seen: string[] = [];
  const remove = async () => {
    seen.push("remove");
  };
  const own = machine({
    diskFree: async () => free,
    stop: async () => {
      seen.push("stop");
    },
    start: async () => {
      seen.push("start");
    },
    pack: async (folder) => {
      seen.push("pack");
      await writeFile(join(folder, "a.gz"), Buffer.alloc(MiB));
      await writeFile(join(folder, "b.gz"), Buffer.alloc(MiB / 2));
    },
    unpack: async (folder): Promise<Unpacked> => {
      seen.push(`unpack ${(await readFile(join(folder, "a.gz"))).length / MiB}`);
      return {
        start: async (): Promise<Clone> => {
          seen.push("start the copy");
          const environment = { exec: async () => answer("", arrives) } as unknown as Clone["environment"];
          return { seconds: 5, machine: machine(), environment, remove };
        },
        remove,
      };
    },
  });
  return { seen, subject: subject(own) };
}

it("moving carries a machine that is off, removes what arrived, and starts the original again", async () => {
  const { seen, subject } = movable(0);
  const { facts, values } = await moving.measure(subject, run());
  expect(seen).toEqual(["stop", "pack", "unpack 1", "start the copy", "remove", "start"]);
  expect(values).toMatchObject({ bytes: 1.5, start: 5 });
  expect(values.total).toBeGreaterThan(5);
  expect(facts?.[0]?.value).toBe("a.gz 1MiB, b.gz 512KiB");
});

it("moving gives no figure for a copy without what was written before, removes it, and starts the original", async () => {
  const { seen, subject } = movable(1);
  await expect(moving.measure(subject, run())).rejects.toMatchObject({
    status: "failed",
    message: "the moved machine does not have what was written before",
  });
  expect(seen.slice(-2)).toEqual(["remove", "start"]);
});

it("moving is skipped for a machine that is rented, and where there is no room for it", async () => {
  const rented = new RentedMachine("web", "192.0.2.1");
  await expect(moving.measure(subject(rented), run())).rejects.toMatchObject({ status: "skipped" });
  const { seen, subject: crowded } = movable(0, 5 * MiB);
  await expect(moving.measure(crowded, run())).rejects.toMatchObject({
    status: "skipped",
    message: "the host's disk has 5MiB free, and a move needs up to 6MiB",
  });
  expect(seen).toEqual([]);
});
