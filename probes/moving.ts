import { randomBytes } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { inScratchFolder } from "../base/scratch.js";
import { diskFree } from "../drivers/host-cost.js";
import { isOnThisHost, type Machine, type Unpacked } from "../drivers/machine.js";
import { PROBE_NEEDS } from "../labs/probe-needs.js";
import { formatSize, MiB } from "../model/units.js";
import { type Metric, type Probe, ProbeProblem, type Reading, type Run, type Subject } from "./probe.js";
import { runIn } from "./run-in.js";

/** Written before the move, in the home and outside of it, and looked for in the machine that arrives. */
const MARKS = ["~/.trilab-moving", "/var/tmp/.trilab-moving"];
/** Milliseconds in which a machine must answer after its start. */
const START_LIMIT = 180_000;
/** How many times the bytes of a machine the host needs: its files packed, carried and unpacked. */
const COPIES = 3;

export const moving: Probe = {
  id: "moving",
  title: "Moving to another place",
  teaches:
    "A machine that is moved takes all its files along: a container its file system, a guest also its kernel and the disk's own structure. What arrives needs no image there, and only the guest has to boot.",
  kind: "host",
  needs: PROBE_NEEDS.moving,
  metrics: [
    { id: "bytes", title: "all its files, compressed", unit: "MiB", better: "lower", bound: "size" },
    seconds("total", "from the first file read until the moved machine answers"),
    seconds("export", "writing its files, compressed, while it is off"),
    seconds("carry", "carrying them: here, to another folder on this host"),
    seconds("unpack", "unpacking them there"),
    seconds("start", "starting it there, until the first command is answered"),
  ],
  published: [],
  runs: { full: 2, quick: 1, warmups: 0 },
  slow: true,
  timeLimit: 420,
  alone: true,
  measure,
  async cleanup(inside) {
    await inside.exec(["sh", "-c", `rm -f ${MARKS.join(" ")}`]);
  },
};

function seconds(id: string, title: string): Metric {
  return { id, title, unit: "s", better: "lower", bound: "time" };
}

async function measure(subject: Subject, { signal }: Run): Promise<Reading> {
  const { machine } = subject;
  if (!isOnThisHost(machine)) throw new ProbeProblem("skipped", "only a machine on this host is moved");
  return inScratchFolder("moving", async (folder) => {
    await requireRoom(machine, folder);
    const mark = randomBytes(8).toString("hex");
    const write = MARKS.map((file) => `echo ${mark} >${file}`).join(" && ");
    await runIn(subject, ["sh", "-c", `${write} && sync`], 60);
    await machine.stop();
    const reading = await move(machine, folder, mark, signal).finally(() => machine.start());
    await subject.answer(START_LIMIT, signal);
    await subject.settle(signal);
    return reading;
  });
}

/** Moves a machine that is off, and removes what arrived. */
async function move(machine: Machine, folder: string, mark: string, signal: AbortSignal): Promise<Reading> {
  const [here, there] = [join(folder, "here"), join(folder, "there")];
  await Promise.all([mkdir(here), mkdir(there)]);
  let arrived: Pick<Unpacked, "remove"> | undefined;
  try {
    const exported = await timed(() => machine.pack(here, signal));
    const files = await readdir(here);
    const sizes = await Promise.all(files.map(async (file) => (await stat(join(here, file))).size));
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    const carried = await timed(async () => {
      for (const file of files) await carry(join(here, file), join(there, file), signal);
    });
    const unpacked = await timed(() => machine.unpack(there, 1, signal));
    arrived = unpacked.result;
    const clone = await unpacked.result.start(signal);
    arrived = clone;
    const check = MARKS.map((file) => `grep -q ${mark} ${file}`).join(" && ");
    const { exitCode, stderr } = await clone.environment.exec(["sh", "-c", check]);
    if (exitCode !== 0)
      throw new ProbeProblem("failed", "the moved machine does not have what was written before", stderr);
    const parts = { export: exported.seconds, carry: carried.seconds, unpack: unpacked.seconds };
    const total = parts.export + parts.carry + parts.unpack + clone.seconds;
    return {
      values: { bytes: bytes / MiB, total, ...parts, start: clone.seconds },
      facts: [
        {
          title: "carried",
          value: files.map((file, i) => `${file} ${formatSize(sizes[i] ?? 0)}`).join(", "),
          note: "compressed as by gzip -1; a network that carries 100 MB in a second takes a second for each 100 MB",
        },
      ],
      output: JSON.stringify({ files, sizes }),
    };
  } finally {
    await arrived?.remove();
  }
}

/** @throws ProbeProblem (skipped) if the host's disk does not have room for the machine's files a few times over. */
async function requireRoom(machine: Machine, folder: string): Promise<void> {
  const needed = COPIES * ((await machine.image()).bytes + (await machine.disk()));
  const free = Math.min(await machine.diskFree(), await diskFree(folder));
  if (free < needed)
    throw new ProbeProblem(
      "skipped",
      `the host's disk has ${formatSize(free)} free, and a move needs up to ${formatSize(needed)}`,
    );
}

/** Copies a file to the disk, not only to the host's memory. */
const carry = (from: string, to: string, signal: AbortSignal): Promise<void> =>
  pipeline(createReadStream(from), createWriteStream(to, { mode: 0o600, flush: true }), { signal });

async function timed<T>(work: () => Promise<T>): Promise<{ result: T; seconds: number }> {
  const began = performance.now();
  const result = await work();
  return { result, seconds: (performance.now() - began) / 1000 };
}
