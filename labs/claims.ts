import { join } from "node:path";
import { closest } from "fastest-levenshtein";
import { z } from "zod";
import { ExitCode, UserError } from "../base/errors.js";
import { readUserFile } from "../base/files.js";
import { repoDir } from "../base/paths.js";
import { TARGETS } from "../model/naming.js";
import { PROBE_IDS } from "./probe-needs.js";
import { parseYaml } from "./yaml-file.js";

/** Where a fact or a figure is from: a target, the host, or a plain process on the host that `compare` measures. */
const PLACES = [...TARGETS, "host", "baseline"] as const;

/** The facts of a seat that decide claims (seats/claim-facts.ts), and how each is shown. */
export const FACTS = {
  kernel: { title: "kernel release" },
  boot: { title: "boot id" },
  "on-host": { title: "process 1 is on the host" },
  "pid-namespace": { title: "PID namespace" },
  "rented-in": { title: "a rented machine is" },
  "memory-given": { title: "memory given", unit: "bytes" },
  "memory-seen": { title: "memory seen in /proc/meminfo", unit: "bytes" },
  "disk-limit": { title: "disk with a size of its own" },
  "image-bytes": { title: "image, not compressed", unit: "bytes" },
  "image-changed": { title: "image written to" },
  files: { title: "files on the host" },
} as const satisfies Record<string, { title: string; unit?: "bytes" }>;

export type FactName = keyof typeof FACTS;
export const FACT_NAMES = Object.keys(FACTS) as FactName[];

const place = z.enum(PLACES);
const RATIO = new RegExp(`^(${PLACES.join("|")})/(${PLACES.join("|")})$`);
/** What a part of a claim can say of its fact or figure. */
const TESTS = ["is", "not", "same", "differ", "over", "under", "works"] as const;

const partSchema = z
  .strictObject({
    what: z.string().min(1).describe("what this part of the claim says, in a few words"),
    fact: z
      .string()
      .min(1)
      .optional()
      .describe("a fact of the seat; with probe: a fact's title in that probe"),
    probe: z.enum(PROBE_IDS).optional().describe("the probe that finds the fact"),
    metric: z
      .string()
      .regex(/^[a-z-]+\.[a-z0-9-]+$/, "must be PROBE.METRIC, as in start.total")
      .optional()
      .describe("a figure of trilab compare: PROBE.METRIC"),
    of: place.optional().describe("where the fact or figure is from"),
    ratio: z
      .string()
      .regex(RATIO, "must be PLACE/PLACE, as in guest/container")
      .optional()
      .describe("the quotient of two places"),
    per: z
      .string()
      .min(1)
      .optional()
      .describe("the quotient with another metric of that probe, or with another fact, in the same place"),
    is: z.string().optional().describe("the part is true if the fact is this"),
    not: z.string().optional().describe("the part is true if the fact is something else"),
    same: z
      .array(place)
      .min(2)
      .optional()
      .describe("the part is true if the fact is the same in these places"),
    differ: z.array(place).min(2).optional().describe("the part is true if the fact differs in these places"),
    over: z.number().optional().describe("the part is true if the whole interval lies above this"),
    under: z.number().optional().describe("the part is true if the whole interval lies below this"),
    works: z.literal(true).optional().describe("the part is true if the probe could do it, and has a figure"),
  })
  .superRefine((part, ctx) => {
    const tests = TESTS.filter((test) => part[test] !== undefined);
    if ((part.fact === undefined) === (part.metric === undefined))
      ctx.addIssue("needs either fact or metric");
    if (tests.length !== 1) ctx.addIssue(`needs exactly one of ${TESTS.join(", ")}`);
    const between = part.same !== undefined || part.differ !== undefined;
    const places = [part.of, part.ratio, between || undefined].filter((where) => where !== undefined);
    if (places.length !== 1) ctx.addIssue("needs exactly one of: of, ratio, or the places in same or differ");
    if (part.metric !== undefined) {
      if (tests.some((test) => !["over", "under", "works"].includes(test)))
        ctx.addIssue("a metric needs over, under or works");
      const probe = part.metric.split(".")[0];
      if (!PROBE_IDS.some((id) => id === probe))
        ctx.addIssue(`metric: there is no probe "${probe}"; the probes are ${PROBE_IDS.join(", ")}`);
    }
    for (const fact of part.probe === undefined && part.metric === undefined ? [part.fact, part.per] : []) {
      if (fact !== undefined && !FACT_NAMES.some((name) => name === fact))
        ctx.addIssue(`there is no fact "${fact}"; did you mean "${closest(fact, FACT_NAMES)}"?`);
    }
  });

const claimSchema = z
  .strictObject({
    id: z
      .string()
      .regex(
        /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/,
        "may contain only lower-case letters, digits and hyphens",
      ),
    claim: z.string().min(1).describe("what people say, in our words"),
    source: z
      .strictObject({
        kind: z.enum(["course text", "slide", "article"]),
        document: z.string().min(1).optional().describe("a published document with figures about it"),
      })
      .describe("where one reads it"),
    parts: z.array(partSchema).default([]).describe("what decides it; all true: it holds, some: it depends"),
    explain: z.string().min(1).optional().describe("why it is wrong or half right, in two sentences"),
    measure: z
      .string()
      .min(1)
      .optional()
      .describe("what would measure it; default: the command of its parts that are not measured"),
    unmeasured: z.string().min(1).optional().describe("why trilab does not measure it"),
  })
  .superRefine(({ parts, unmeasured }, ctx) => {
    if ((parts.length === 0) !== (unmeasured !== undefined))
      ctx.addIssue("needs parts, or unmeasured with the reason");
  });

/** The schema of claims.yaml. The published JSON Schema (labs/claims.schema.json) is made from this. */
export const claimsSchema = z
  .strictObject({
    claims: z.array(claimSchema).superRefine((claims, ctx) => {
      const ids = claims.map(({ id }) => id);
      ids.forEach((id, i) => {
        if (ids.indexOf(id) < i)
          ctx.addIssue({ code: "custom", path: [i, "id"], message: `"${id}" is there twice` });
      });
    }),
  })
  .meta({
    title: "trilab claims",
    description: "What people say about VMs and containers, and what decides it",
  });

export type Claim = z.output<typeof claimSchema>;
export type ClaimPart = z.output<typeof partSchema>;
export type ClaimPlace = z.output<typeof place>;

/** Parses a claims.yaml. Pure; `file` is only for errors. @throws UserError (exit 2) with every problem and its line. */
export function parseClaims(text: string, file: string): Claim[] {
  const invalid = (problems: string[]): UserError =>
    new UserError(`${file} is not a valid list of claims`, {
      why: problems.join("\n"),
      fix: "correct the file; labs/claims.schema.json describes every key",
      exitCode: ExitCode.usage,
    });
  const { data, lineOf } = parseYaml(text, invalid);
  const result = claimsSchema.safeParse(data);
  if (result.success) return result.data.claims;
  throw invalid(
    result.error.issues.map(
      ({ message, path }) => `${lineOf(path)}${path.join(".") || "claims"}: ${message}`,
    ),
  );
}

/** The claims that trilab comes with. */
export async function loadClaims(): Promise<Claim[]> {
  const file = join(repoDir, "labs", "claims.yaml");
  return parseClaims((await readUserFile(file, "the list of claims")) ?? "", file);
}
