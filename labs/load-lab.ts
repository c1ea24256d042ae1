import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { closest } from "fastest-levenshtein";
import { z } from "zod";
import { ExitCode, UserError } from "../base/errors.js";
import { readUserFile } from "../base/files.js";
import { isFolderPath, repoDir } from "../base/paths.js";
import { machineSpecSchema } from "../model/machine-spec.js";
import { DEFAULT_TARGETS, labelProblem, MAX_LAB_LENGTH, TARGETS } from "../model/naming.js";
import { parseDuration } from "../model/units.js";
import { lifetimeText, parsedText } from "./parsed-text.js";
import { PROBE_IDS, withProbeNeeds } from "./probe-needs.js";
import { taskProblems, tasksSchema } from "./task-schema.js";
import { variablesSchema } from "./variables.js";
import { matchedToVps, sizeProblem, vpsSchema } from "./vps.js";
import { parseYaml } from "./yaml-file.js";

/** The schema of lab.yaml. The published JSON Schema (labs/lab.schema.json) is made from this. */
export const labSchema = z
  .strictObject({
    name: z.string().superRefine((name, ctx) => {
      const problem = labelProblem(name, MAX_LAB_LENGTH);
      if (problem) ctx.addIssue(`"${name}" ${problem}`);
    }),
    title: z.string().min(1),
    /** What a learner will have seen at the end, in one or two sentences. */
    summary: z.string().min(1),
    /** How long a seat lives, in seconds; absent for `none`. */
    // The default is text, because a default for the output would replace the value of "none".
    ttl: lifetimeText.transform((seconds) => (Number.isFinite(seconds) ? seconds : undefined)).prefault("3h"),
    targets: z
      .array(z.enum(TARGETS))
      .min(1)
      .refine((list) => new Set(list).size === list.length, "contains a target twice")
      .default([...DEFAULT_TARGETS]),
    machine: machineSpecSchema.prefault({}),
    /** How the VPS is rented, if there is one. */
    vps: vpsSchema.prefault({}),
    /** What `trilab compare` measures; the packages that it needs are added to the machine's. */
    probes: z
      .array(z.enum(PROBE_IDS))
      .refine((list) => new Set(list).size === list.length, "contains a probe twice")
      .default([...PROBE_IDS]),
    /** Whether `trilab compare` may run without the learner's guesses. */
    predict: z
      .enum(["required", "invited"], { error: 'must be "required" or "invited"' })
      .default("invited")
      .describe(
        "required: compare measures only after the learner has guessed; invited: it asks, and the learner may decline",
      ),
    /** What the lab is about, in one or two words; for the list of labs. */
    topic: z.string().min(1).optional().describe("what the lab is about, for the list of labs"),
    /** How long a learner needs, in seconds. */
    takes: parsedText(parseDuration, 'a duration: write "45m" or "1h30m"')
      .optional()
      .describe("how long a learner needs: 45m"),
    /** Values that differ from seat to seat. */
    vars: variablesSchema.default({}),
    /** What a learner does, and how it is verified. */
    tasks: tasksSchema.default([]),
  })
  .meta({ title: "trilab lab", description: "One lab: a machine spec and the targets it becomes" });

export type Lab = z.output<typeof labSchema> & {
  /** The lab's folder, absolute. */
  dir: string;
};

const labsDir = (): string => join(repoDir, "labs");

/** The registered labs' names: every folder of labs/ with a lab.yaml, sorted. */
export async function labNames(): Promise<string[]> {
  const dir = labsDir();
  const entries = await readdir(dir, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && existsSync(join(dir, entry.name, "lab.yaml")))
    .map((entry) => entry.name)
    .sort();
}

/**
 * Loads a lab by its name, or by the path of its folder: `./web`, `.`.
 *
 * @throws UserError: exit 6 when there is no such lab, exit 2 when its lab.yaml is wrong (every problem at once).
 */
export async function loadLab(nameOrPath: string): Promise<Lab> {
  if (isFolderPath(nameOrPath)) return readLab(resolve(nameOrPath));
  const names = await labNames();
  if (!names.includes(nameOrPath)) {
    throw new UserError(`there is no lab "${nameOrPath}"`, {
      why: `the labs here are: ${names.join(", ")}`,
      fix:
        names.length > 0
          ? `did you mean "${closest(nameOrPath, names)}"?`
          : "create a folder in labs/ with a lab.yaml",
      exitCode: ExitCode.notFound,
    });
  }
  return readLab(join(labsDir(), nameOrPath));
}

async function readLab(dir: string): Promise<Lab> {
  const file = join(dir, "lab.yaml");
  const text = await readUserFile(file, "the lab's file");
  if (text === undefined) {
    throw new UserError(`there is no lab in ${dir}`, {
      why: "a lab is a folder with a lab.yaml",
      fix: "check the path, or list the labs: trilab labs ls",
      exitCode: ExitCode.notFound,
    });
  }
  const lab = parseLab(text, file);
  if (lab.name !== basename(dir)) {
    throw invalid(file, [
      `name: is "${lab.name}", but the folder is "${basename(dir)}"; they must be the same`,
    ]);
  }
  return { ...lab, dir };
}

/** Parses a lab.yaml; adds the packages that the probes need to its machine. Pure; `file` is only for errors. */
export function parseLab(text: string, file: string): z.output<typeof labSchema> {
  const { data, lineOf } = parseYaml(text, (problems) => invalid(file, problems));
  const result = labSchema.safeParse(data);
  if (!result.success) {
    throw invalid(
      file,
      result.error.issues.map((issue) => `${lineOf(issue.path)}${describe(issue)}`),
    );
  }
  const problems = taskProblems(result.data.tasks, result.data);
  if (problems.length > 0) {
    throw invalid(
      file,
      problems.map(({ message, path }) => `${lineOf(path)}${path.join(".")}: ${message}`),
    );
  }
  const { probes, targets } = result.data;
  const concerned =
    targets.includes("vps") || result.data.vps.size !== undefined || result.data.vps.match === "vps";
  const problem = concerned ? sizeProblem(result.data.machine, result.data.vps) : undefined;
  if (problem !== undefined) throw invalid(file, [`vps.size: ${problem}`]);
  const { machine, vps } = matchedToVps(result.data.machine, result.data.vps);
  return {
    ...result.data,
    machine: { ...machine, packages: withProbeNeeds(machine.packages, probes) },
    vps,
  };
}

function describe(issue: z.core.$ZodIssue): string {
  const path = issue.path.join(".") || "lab.yaml";
  if (issue.code !== "unrecognized_keys") return `${path}: ${issue.message}`;
  const max = machineSpecSchema.shape.max.unwrap();
  const blocks = { machine: machineSpecSchema, "machine.max": max, vps: vpsSchema };
  const block = Object.entries(blocks).find(([name]) => name === path)?.[1].shape;
  const known = Object.keys(block ?? labSchema.shape);
  return issue.keys
    .map(
      (key) =>
        `${[...issue.path, key].join(".")}: is not known; did you mean "${closest(key, known)}"? (known: ${known.join(", ")})`,
    )
    .join("\n");
}

function invalid(file: string, problems: string[]): UserError {
  return new UserError(`${file} is not a valid lab`, {
    why: problems.join("\n"),
    fix: "correct the file; labs/lab.schema.json describes every key",
    exitCode: ExitCode.usage,
  });
}
