import { z } from "zod";
import { CLOUDS } from "../model/clouds.js";
import { TARGETS } from "../model/naming.js";

/**
 * The version of the stored form of a run. Every figure that is shown is computed from the raw samples in a run. Raise it
 * when older code would misread the new form.
 */
export const RUN_SCHEMA = 3;

const target = z.enum(TARGETS);

/** Where figures come from: the targets, and since schema 3 the baseline, which is a plain process on the host. */
export const PLACES = [...TARGETS, "baseline"] as const;
export type Place = (typeof PLACES)[number];
const place = z.enum(PLACES);

/** The parts of a run, in their order. Probes that disturb other targets come last. */
export const PHASES = ["life-cycle", "host", "target", "alone"] as const;
export type Phase = (typeof PHASES)[number];

/** What can run out first when a host is filled with machines. `networks` are the address blocks for seats. */
export const RESOURCES = ["memory", "disk", "cpu", "networks"] as const;
export type Resource = (typeof RESOURCES)[number];

/** `ok`, or why figures are missing. */
const status = z.enum(["ok", "lost", "timeout", "unparsable", "missing-tool", "skipped", "failed"]);

/** One metric of one target or of the baseline: its samples in order, without warm-ups. */
export const seriesSchema = z.object({
  target: place,
  /** Stable within a probe: `total`, `kernel`, `read-qd1`. */
  metric: z.string(),
  title: z.string(),
  /** As in UCUM: `s`, `ms`, `us`, `MiB`, `MiB/s`, `1/s`, `ns`, `%`, `1`. */
  unit: z.string(),
  better: z.enum(["lower", "higher", "none"]),
  samples: z.array(z.number()),
  warmups: z.int(),
  status,
  /** False: it is shown, but no conclusion uses it (emulated CPU, out of parity, busy host). */
  representative: z.boolean(),
  /** In words: what happened, or why it is not representative. */
  note: z.string(),
  /** Only if the metric says how many fit: what runs out first. Since schema 2. */
  limit: z.enum(RESOURCES).optional(),
});

/** A result that is not a number: whose kernel, which capabilities, what can't be changed live. */
export const factSchema = z.object({
  title: z.string(),
  values: z.partialRecord(target, z.string()),
  note: z.string(),
  /** The values are `yes` or `no`, and are shown as ticks and crosses. Since schema 3. */
  ticks: z.boolean().optional(),
  /** The id of the metric that it is about. Absent in older runs. */
  metric: z.string().optional(),
});

const publishedSchema = z.object({
  what: z.string(),
  /** As printed: "Docker about native, KVM −22 %". */
  figures: z.string(),
  source: z.string(),
  /** Where the source can be read. Since schema 3. */
  url: z.url({ protocol: /^https$/ }).optional(),
  /** The source's ratio guest : container, drawn as a reference line. */
  ratio: z.number().optional(),
  /** The metric that the ratio belongs to. Default: the probe's headline metric (report/figures.ts). */
  metric: z.string().optional(),
});

export const probeResultSchema = z.object({
  id: z.string(),
  title: z.string(),
  /** What it teaches, in two sentences. */
  teaches: z.string(),
  kind: z.enum(["target", "host", "life-cycle"]),
  /** A negative control: a difference here means that the measurement is unfair. */
  control: z.boolean(),
  published: z.array(publishedSchema),
  status,
  note: z.string(),
  series: z.array(seriesSchema),
  facts: z.array(factSchema),
  /** Unchanged outputs: of the first round that counts, and every output that could not be parsed. */
  raw: z.array(z.object({ target: place, round: z.int(), output: z.string() })),
});

/** The learner's guesses. Ratios are guest : container. */
export const predictionSchema = z.object({
  at: z.string(),
  startRatio: z.number(),
  memoryRatio: z.number(),
  duelLoser: z.enum([...TARGETS, "neither"]),
  guestsThatFit: z.number(),
});

/** A run's id is also the name of its file, and of the page made from it. */
export const RUN_ID = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

export const runDocumentSchema = z.object({
  schema: z.literal(RUN_SCHEMA),
  /** Sorts by time: `2026-11-21T03-45-00Z-first-boot-alice`. */
  id: z.string().regex(RUN_ID, "can't be a file's name"),
  startedAt: z.string(),
  endedAt: z.string(),
  /** It ended before everything was measured. */
  partial: z.boolean(),
  quick: z.boolean(),
  /** Seed of the random order. */
  seed: z.int(),
  lab: z.string(),
  seat: z.string(),
  spec: z.record(z.string(), z.unknown()),
  targets: z.array(target),
  /** Cloud and instance type of the VPS, if there was one. */
  vps: z.object({ cloud: z.enum(CLOUDS), type: z.string() }).optional(),
  /** Whether the baseline was measured, and what it is or why it was not. Absent in older runs, and if no probe has one. */
  baseline: z.object({ measured: z.boolean(), note: z.string() }).optional(),
  /** A machine on this host was emulated (TCG). */
  emulated: z.boolean(),
  /** The hosts of targets that ran on another one than trilab; absent if none did. */
  elsewhere: z.partialRecord(target, z.string()).optional(),
  /** The machine that trilab ran on. */
  host: z.object({
    cpuModel: z.string(),
    cpus: z.number(),
    /** Bytes. */
    memory: z.number(),
    kernel: z.string(),
    /** `docker`, `libvirt`, `qemu`, `trilab`, `node` → version. */
    versions: z.record(z.string(), z.string()),
    /** One-minute load averages: before the run, and at each round. */
    loadBefore: z.number(),
    load: z.array(z.number()),
    /** How many of the rounds began while the host was busy. Absent in older runs. */
    busyRounds: z.int().optional(),
    rounds: z.int().optional(),
    /** The same for each phase that began. Absent in older runs. */
    phases: z.partialRecord(z.enum(PHASES), z.object({ busyRounds: z.int(), rounds: z.int() })).optional(),
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
  /** What decides claims (seats/claim-facts.ts): fact → place → value. Absent in older runs. */
  facts: z.record(z.string(), z.partialRecord(z.enum([...TARGETS, "host"]), z.string())).optional(),
  /** Seconds that a probe takes that does nothing. */
  overhead: z.array(seriesSchema),
  prediction: predictionSchema.optional(),
  probes: z.array(probeResultSchema),
});

export type Series = z.infer<typeof seriesSchema>;
export type Fact = z.infer<typeof factSchema>;
export type ProbeResult = z.infer<typeof probeResultSchema>;
export type Prediction = z.infer<typeof predictionSchema>;
export type RunDocument = z.infer<typeof runDocumentSchema>;
