import { z } from "zod";
import { classSchema } from "./define-class.js";

/** The JSON Schema with which editors check a class.yaml. scripts/generate writes it to classes/class.schema.json. */
export function classJsonSchema(): z.core.JSONSchema.JSONSchema {
  return z.toJSONSchema(classSchema, { io: "input", target: "draft-7" });
}
