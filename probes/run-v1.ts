import { z } from "zod";
import { RESOURCES, RUN_SCHEMA, type RunDocument, runDocumentSchema } from "./run-document.js";

/** A run as stored before `limit` was a field. Then only the text of a fact said what runs out first. */
export const runV1Schema = runDocumentSchema.extend({ schema: z.literal(1) });

/** Converts it to the present form. Pure. */
export function migratedRun(old: z.infer<typeof runV1Schema>): RunDocument {
  const probes = old.probes.map((probe) => {
    if (probe.id !== "density") return probe;
    const said = probe.facts.find((fact) => fact.title === "extrapolated")?.values ?? {};
    const series = probe.series.map((s) => {
      // `67 more, by memory (memory 67, disk 13821, …)`
      const words = /\bby (\w+)/.exec(said[s.target] ?? "")?.[1];
      const limit = RESOURCES.find((resource) => resource === words);
      return s.metric === "fit" && limit !== undefined ? { ...s, limit } : s;
    });
    return { ...probe, series };
  });
  return { ...old, schema: RUN_SCHEMA, probes };
}
