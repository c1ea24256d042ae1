import { createHash } from "node:crypto";

/** The SHA-256 of a value's JSON, in hex. What JSON does not hold (functions, `undefined`) does not count. */
export const digest = (value: unknown): string =>
  createHash("sha256").update(JSON.stringify(value)).digest("hex");
