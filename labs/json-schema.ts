import { z } from "zod";
import { labSchema } from "./define-lab.js";

/** The JSON Schema that editors check a lab.yaml with. Checked in as labs/lab.schema.json by scripts/generate. */
export function labJsonSchema(): z.core.JSONSchema.JSONSchema {
  return z.toJSONSchema(labSchema, { io: "input", target: "draft-7" });
}
