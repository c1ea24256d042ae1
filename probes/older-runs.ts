import { z } from "zod";
import { RESOURCES, RUN_SCHEMA, type RunDocument, runDocumentSchema } from "./run-document.js";

/** A run as stored before `limit` was a field. Then only the text of a fact said what runs out first. */
const runV1Schema = runDocumentSchema.extend({ schema: z.literal(1) });
/** A run as stored before there was a baseline. */
const runV2Schema = runDocumentSchema.extend({ schema: z.literal(2) });
/** A run in any older form. */
export const olderRunSchema = z.discriminatedUnion("schema", [runV1Schema, runV2Schema]);

/** Converts it to the present form. Pure. */
export function migratedRun(old: z.infer<typeof olderRunSchema>): RunDocument {
  if (old.schema === 2) return { ...old, schema: RUN_SCHEMA };
  const probes = old.probes.map((probe) => {
    if (probe.id !== "density") return probe;
    const said = probe.facts.find((fact) => fact.title === "extrapolated")?.values ?? {};
    const series = probe.series.map((s) => {
      // `67 more, by memory (memory 67, disk 13821, …)`
      if (s.target === "baseline") return s; // it came later
      const words = /\bby (\w+)/.exec(said[s.target] ?? "")?.[1];
      const limit = RESOURCES.find((resource) => resource === words);
      return s.metric === "fit" && limit !== undefined ? { ...s, limit } : s;
    });
    return { ...probe, series };
  });
  return { ...old, schema: RUN_SCHEMA, probes };
}
