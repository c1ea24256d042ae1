import { z } from "zod";
import { labSchema } from "./define-lab.js";

/** The JSON Schema with which editors check a lab.yaml. scripts/generate writes it to labs/lab.schema.json. */
export function labJsonSchema(): z.core.JSONSchema.JSONSchema {
  return z.toJSONSchema(labSchema, { io: "input", target: "draft-7" });
}
