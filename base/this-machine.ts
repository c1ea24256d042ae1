import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";

/** What tells one machine from another, and what people call it. */
export interface ThisMachine {
  id: string;
  name: string;
}

export async function thisMachine(): Promise<ThisMachine> {
  const name = hostname();
  // Copies of one image may share the machine id.
  const id = await readFile("/etc/machine-id", "utf8").catch(() => "");
  return { id: createHash("sha256").update(`${id.trim()} ${name}`).digest("hex").slice(0, 16), name };
}
