import { z } from "zod";
import { PROBE_NEEDS } from "../labs/probe-needs.js";
import { type Inside, type Metric, type Probe, ProbeProblem, type Reading } from "./probe.js";
import { published } from "./published.js";
import { runIn } from "./run-in.js";

/** On the root file system: the container's writable layer, or the guest's disk. */
const FILE = "/var/tmp/.trilab-fio";

const JOBS = [
  { id: "read-qd1", rw: "randread", depth: 1, title: "4 KiB random reads, one at a time" },
  { id: "write-qd1", rw: "randwrite", depth: 1, title: "4 KiB random writes, one at a time" },
  { id: "read-qd32", rw: "randread", depth: 32, title: "4 KiB random reads, 32 at a time" },
  { id: "write-qd32", rw: "randwrite", depth: 32, title: "4 KiB random writes, 32 at a time" },
] as const;

const COMMAND = [
  "fio",
  `--filename=${FILE}`,
  "--size=32M",
  "--bs=4k",
  "--direct=1",
  "--ioengine=libaio",
  "--time_based",
  "--runtime=250ms",
  "--output-format=json",
  ...JOBS.flatMap((job, i) => [
    `--name=${job.id}`,
    `--rw=${job.rw}`,
    `--iodepth=${job.depth}`,
    ...(i > 0 ? ["--stonewall"] : []),
  ]),
];

export const diskIo: Probe = {
  id: "disk-io",
  title: "Disk I/O",
  teaches:
    "A container's request goes through the host's file system. A guest's request goes through its own file system, a virtual disk, QEMU and an overlay file before it reaches the same file system. Direct I/O in a guest skips the guest's page cache, but not the host's: QEMU may answer from there. So the two figures do not measure the same disk.",
  kind: "target",
  needs: PROBE_NEEDS["disk-io"],
  metrics: JOBS.map(({ id, title }): Metric => ({ id, title, unit: "1/s", better: "higher", bound: "cpu" })),
  published: [published.randomIo],
  runs: { full: 12, quick: 3, warmups: 1 },
  timeLimit: 60,
  // QEMU's default (writeback) suits a lab: machines of one image share its blocks in the host's memory.
  doubt: (_, target, { vps }) =>
    target === "guest" || (target === "vps" && vps?.cloud !== "aws")
      ? "answered from the host's page cache, which a container's direct I/O skips"
      : undefined,
  measure,
  baseline: measure,
  async cleanup(inside) {
    await runIn(inside, ["rm", "-f", FILE], 10);
  },
};

async function measure(inside: Inside): Promise<Reading> {
  const output = await runIn(inside, COMMAND, 60);
  return { values: parseFio(output), output };
}

const direction = z.object({ iops: z.number() });
const fioSchema = z.object({
  jobs: z.array(z.object({ jobname: z.string(), error: z.int(), read: direction, write: direction })),
});

/** Operations per second for each job, from `fio --output-format=json`. Pure. */
export function parseFio(output: string): Record<string, number> {
  let data: unknown;
  try {
    // fio prints a line about creating its file before the JSON.
    data = JSON.parse(output.slice(output.indexOf("{")));
  } catch {
    throw new ProbeProblem("unparsable", "fio's output is not JSON", output);
  }
  const parsed = fioSchema.safeParse(data);
  if (!parsed.success) throw new ProbeProblem("unparsable", "fio's JSON has no iops by job", output);
  return Object.fromEntries(
    JOBS.map(({ id, rw }) => {
      const job = parsed.data.jobs.find((j) => j.jobname === id);
      if (job === undefined || job.error !== 0)
        throw new ProbeProblem("failed", `fio's job ${id} failed (error ${job?.error ?? "unknown"})`, output);
      return [id, rw === "randread" ? job.read.iops : job.write.iops];
    }),
  );
}
