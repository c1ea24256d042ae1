import { z } from "zod";
import { claimsSchema } from "./claims.js";
import { labSchema } from "./load-lab.js";

const published = (schema: z.ZodType): z.core.JSONSchema.JSONSchema =>
  z.toJSONSchema(schema, { io: "input", target: "draft-7" });

/** The JSON Schema with which editors check a lab.yaml. scripts/generate writes it to labs/lab.schema.json. */
export const labJsonSchema = (): z.core.JSONSchema.JSONSchema => published(labSchema);

/** The same for claims.yaml: labs/claims.schema.json. */
export const claimsJsonSchema = (): z.core.JSONSchema.JSONSchema => published(claimsSchema);
