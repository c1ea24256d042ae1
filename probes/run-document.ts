import { z } from "zod";
import { CLOUDS } from "../model/clouds.js";
import { TARGETS } from "../model/naming.js";

/**
 * One run of `trilab compare`, as it is stored: every figure that is ever shown is made from the raw samples in here.
 * Raised when a reader of the older form would misread the newer.
 */
export const RUN_SCHEMA = 2;

const target = z.enum(TARGETS);

/** What may run out first when a host is filled with machines; `networks`: the blocks of addresses for seats. */
export const RESOURCES = ["memory", "disk", "cpu", "networks"] as const;
export type Resource = (typeof RESOURCES)[number];

/** Why figures are missing, where they are: nothing is ever invented. */
const status = z.enum(["ok", "lost", "timeout", "unparsable", "missing-tool", "skipped", "failed"]);

/** One metric of one target: the samples in the order they were taken, warm-ups not among them. */
export const seriesSchema = z.object({
  target,
  /** Stable within a probe: `total`, `kernel`, `read-qd1`. */
  metric: z.string(),
  title: z.string(),
  /** UCUM-like: `s`, `ms`, `us`, `MiB`, `MiB/s`, `1/s`, `ns`, `%`, `1`. */
  unit: z.string(),
  better: z.enum(["lower", "higher", "none"]),
  samples: z.array(z.number()),
  warmups: z.int(),
  status,
  /** False: measured, shown, and left out of every conclusion (emulated CPU, parity out of tolerance, busy host). */
  representative: z.boolean(),
  /** What happened, or why it is not representative; for people. */
  note: z.string(),
  /** Of a figure that says how many fit: what runs out first. Schema 2. */
  limit: z.enum(RESOURCES).optional(),
});

/** What can't be put in a number: whose kernel, which capabilities, what can't be changed live. */
export const factSchema = z.object({
  title: z.string(),
  values: z.partialRecord(target, z.string()),
  note: z.string(),
});

const publishedSchema = z.object({
  what: z.string(),
  /** As printed: "Docker about native, KVM −22 %". */
  figures: z.string(),
  source: z.string(),
  /** A ratio guest : container to draw as a reference line, where the source gives one. */
  ratio: z.number().optional(),
  /** The metric that the ratio stands beside; absent: the one that stands for the probe (report/figures.ts). */
  metric: z.string().optional(),
});

export const probeResultSchema = z.object({
  id: z.string(),
  title: z.string(),
  /** What it teaches, in two sentences. */
  teaches: z.string(),
  kind: z.enum(["target", "host", "life-cycle"]),
  /** A negative control: a gap here means an unfair set-up. */
  control: z.boolean(),
  published: z.array(publishedSchema),
  status,
  note: z.string(),
  series: z.array(seriesSchema),
  facts: z.array(factSchema),
  /** Verbatim outputs: those of the first round that counts, and every one that could not be parsed. */
  raw: z.array(z.object({ target, round: z.int(), output: z.string() })),
});

/** The learner's guesses, made before the figures were shown. Ratios are guest : container. */
export const predictionSchema = z.object({
  at: z.string(),
  startRatio: z.number(),
  memoryRatio: z.number(),
  duelLoser: z.enum([...TARGETS, "neither"]),
  guestsThatFit: z.number(),
});

export const runDocumentSchema = z.object({
  schema: z.literal(RUN_SCHEMA),
  /** Sorts by time: `2026-11-21T03-45-00Z-first-boot-alice`. */
  id: z.string(),
  startedAt: z.string(),
  endedAt: z.string(),
  /** Ended before all was measured. */
  partial: z.boolean(),
  quick: z.boolean(),
  /** Of the order's random generator. */
  seed: z.int(),
  lab: z.string(),
  seat: z.string(),
  spec: z.record(z.string(), z.unknown()),
  targets: z.array(target),
  /** What the VPS was, where there was one. */
  vps: z.object({ cloud: z.enum(CLOUDS), type: z.string() }).optional(),
  /** A machine on this host ran under TCG. */
  emulated: z.boolean(),
  host: z.object({
    cpuModel: z.string(),
    cpus: z.number(),
    /** Bytes. */
    memory: z.number(),
    kernel: z.string(),
    /** `docker`, `libvirt`, `qemu`, `trilab`, `node` → version. */
    versions: z.record(z.string(), z.string()),
    /** One-minute load averages before, and at each round. */
    loadBefore: z.number(),
    load: z.array(z.number()),
    /** Rounds that began while the host was busy, of how many; absent in older runs. */
    busyRounds: z.int().optional(),
    rounds: z.int().optional(),
    pinned: z.boolean(),
  }),
  /** seats/parity.ts's ParityReport. */
  parity: z.object({
    inTolerance: z.boolean(),
    rows: z.array(
      z.object({
        id: z.string(),
        title: z.string(),
        wanted: z.string(),
        values: z.partialRecord(target, z.string()),
        verdict: z.enum(["match", "nature", "wrong"]),
        note: z.string(),
      }),
    ),
  }),
  /** What an empty probe costs, in seconds: the price of asking. */
  overhead: z.array(seriesSchema),
  prediction: predictionSchema.optional(),
  probes: z.array(probeResultSchema),
});

export type Series = z.infer<typeof seriesSchema>;
export type Fact = z.infer<typeof factSchema>;
export type ProbeResult = z.infer<typeof probeResultSchema>;
export type Prediction = z.infer<typeof predictionSchema>;
export type RunDocument = z.infer<typeof runDocumentSchema>;
