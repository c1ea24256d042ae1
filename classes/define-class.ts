import { basename, dirname, resolve } from "node:path";
import { closest } from "fastest-levenshtein";
import { z } from "zod";
import { ExitCode, UserError } from "../base/errors.js";
import { readUserFile } from "../base/files.js";
import { parseMoment } from "../base/local-time.js";
import { isFolderPath } from "../base/paths.js";
import { CLOUD_REQUESTS } from "../labs/cloud-requests.js";
import { lifetimeText, parsedText } from "../labs/parsed-text.js";
import { parseYaml } from "../labs/yaml-file.js";
import { dnsLabel, labelProblem, TARGETS } from "../model/naming.js";
import { stateUrlProblem } from "../shared/state-url.js";

/** The longest name of a class: it names a file. */
const MAX_CLASS_LENGTH = 40;

/** Milliseconds since 1970. */
const readyBy = parsedText(parseMoment, "a time: write it like 2026-11-30T09:00+01:00");

const hostFields = z.strictObject({
  /** What people call it. */
  name: z.string().min(1).describe("what people call this host"),
  docker: z.string().min(1).optional().describe("its Docker daemon: unix://, tcp:// or ssh://"),
  swarm: z
    .record(z.string().min(1), z.string().min(1))
    .optional()
    .describe(
      "if that daemon is a manager of a Docker Swarm on which containers are to run: the Docker daemon of each node, by the node's hostname",
    ),
  libvirt: z.string().min(1).optional().describe("its libvirt: qemu:///system or qemu+ssh://host/system"),
  seats: z.int().min(1).optional().describe("how many seats of this class it may have; default: any number"),
});

const hostSchema = hostFields.refine(({ docker, swarm }) => swarm === undefined || docker !== undefined, {
  path: ["swarm"],
  message: "needs the address of a manager, too: docker",
});

/** The schema of class.yaml. The published JSON Schema (classes/class.schema.json) is made from this. */
export const classSchema = z
  .strictObject({
    name: z
      .string()
      .superRefine((name, ctx) => {
        const problem = labelProblem(name, MAX_CLASS_LENGTH);
        if (problem) ctx.addIssue(`"${name}" ${problem}`);
      })
      .describe("the name of the class"),
    lab: z.string().min(1).describe("a lab's name, or the path of its folder, from this file"),
    roster: z.string().min(1).default("roster.csv").describe("the list of learners, from this file"),
    targets: z
      .array(z.enum(TARGETS))
      .min(1)
      .refine((list) => new Set(list).size === list.length, "contains a target twice")
      .optional()
      .describe("the targets of each seat; default: the lab's"),
    ttl: lifetimeText.optional().describe("how long the seats live: 3h, none; default: the lab's"),
    readyBy: readyBy
      .optional()
      .describe("when the lesson begins: 2026-11-30T09:00+01:00; class plan then says when to start"),
    cloud: z
      .enum(CLOUD_REQUESTS)
      .optional()
      .describe("where the seats' vps come from: local, aws or auto; default: the lab's"),
    budget: z
      .number()
      .positive()
      .optional()
      .describe("the most US dollars that all rented machines of the class may cost until the seats' end"),
    resume: z
      .boolean()
      .default(true)
      .describe("whether new guests go on from the memory of one that has booted, instead of booting"),
    state: z
      .string()
      .superRefine((url, ctx) => {
        const problem = stateUrlProblem(url);
        if (problem) ctx.addIssue(problem);
      })
      .optional()
      .describe(
        "where instructors on several computers share the class: s3://bucket/folder?region=…; default: on this computer only",
      ),
    hosts: z
      .array(hostSchema)
      .min(1)
      .refine((list) => new Set(list.map(({ name }) => name)).size === list.length, "names a host twice")
      .optional()
      .describe("the hosts of the seats; default: the one that `trilab up` would use"),
  })
  .meta({ title: "trilab class", description: "A lab for many learners at once" });

/** A host of a class, as class.yaml describes it. */
export type ClassHost = z.output<typeof hostSchema>;

/**
 * A class, as class.yaml describes it; paths are absolute, `ttl` is in seconds (Infinity: no end), `readyBy` in milliseconds since
 * 1970, `budget` in US dollars (Infinity: none).
 */
export type ClassSpec = z.output<typeof classSchema>;

/**
 * Reads a class.yaml.
 *
 * @throws UserError: exit 6 when there is none, exit 2 when it is wrong (every problem at once, with its line).
 */
export async function readClassFile(path: string): Promise<ClassSpec> {
  const file = resolve(path);
  const text = await readUserFile(file, "the class's file");
  if (text === undefined) {
    throw new UserError(`there is no file ${path}`, {
      why: "a class is described by a class.yaml",
      fix: "check the path; or write one: trilab class new; or give a list of learners: --roster FILE",
      exitCode: ExitCode.notFound,
    });
  }
  const parsed = parseClass(text, file);
  const from = (word: string): string => resolve(dirname(file), word);
  return {
    ...parsed,
    lab: isFolderPath(parsed.lab) ? from(parsed.lab) : parsed.lab,
    roster: from(parsed.roster),
  };
}

/** A file's name as a class's name: lower-case letters, digits and hyphens. */
export const classNameOf = (word: string): string => dnsLabel(word, MAX_CLASS_LENGTH) || "class";

/** Parses a class.yaml. Pure; `file` is only for errors. */
export function parseClass(text: string, file: string): ClassSpec {
  const invalid = (problems: string[]): UserError =>
    new UserError(`${file} is not a valid class`, {
      why: problems.join("\n"),
      fix: "correct the file; classes/class.schema.json describes every key",
      exitCode: ExitCode.usage,
    });
  const { data, lineOf } = parseYaml(text, invalid);
  const result = classSchema.safeParse(data);
  if (result.success) return result.data;
  throw invalid(
    result.error.issues.map((issue) => `${lineOf(issue.path)}${describe(issue, basename(file))}`),
  );
}

function describe(issue: z.core.$ZodIssue, file: string): string {
  const path = issue.path.join(".") || file;
  if (issue.code !== "unrecognized_keys") return `${path}: ${issue.message}`;
  const known = Object.keys(issue.path[0] === "hosts" ? hostFields.shape : classSchema.shape);
  return issue.keys
    .map(
      (key) =>
        `${[...issue.path, key].join(".")}: is not known; did you mean "${closest(key, known)}"? (known: ${known.join(", ")})`,
    )
    .join("\n");
}
