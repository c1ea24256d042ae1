import { copyFile, readFile, rm } from "node:fs/promises";
import writeFileAtomic from "write-file-atomic";
import { z } from "zod";
import { digest } from "../base/digest.js";
import { hasCode } from "../base/errors.js";
import { backendUrl, passphrase, type StackRef, stackFiles } from "./backend.js";
import { exportStack, importStack } from "./cli.js";
import { damagedState } from "./damaged-state.js";
import { openCrypter } from "./secrets.js";

const resourceSchema = z.looseObject({
  urn: z.string(),
  type: z.string(),
  id: z.string().optional(),
  custom: z.boolean().optional(),
  parent: z.string().optional(),
  provider: z.string().optional(),
  protect: z.boolean().optional(),
  inputs: z.record(z.string(), z.unknown()).default({}),
  outputs: z.record(z.string(), z.unknown()).default({}),
});
const operationSchema = z.looseObject({ type: z.string(), resource: resourceSchema });
const deploymentSchema = z.looseObject({
  secrets_providers: z.looseObject({ type: z.string(), state: z.unknown() }).optional(),
  resources: z.array(resourceSchema).nullish(),
  pending_operations: z.array(operationSchema).nullish(),
});
const checkpointSchema = z.looseObject({
  version: z.number(),
  checkpoint: z.looseObject({ latest: deploymentSchema.nullish() }),
});
const exportSchema = z.looseObject({ version: z.number(), deployment: deploymentSchema.nullish() });

export type CheckpointResource = z.infer<typeof resourceSchema>;
/** `type`: creating, updating, deleting, reading, importing. */
export type PendingOperation = z.infer<typeof operationSchema>;

/** A stack's state, as it was last written. */
export interface Checkpoint {
  resources: CheckpointResource[];
  pendingOperations: PendingOperation[];
  /** The salt of the stack's secrets; `undefined` if there is none. */
  salt: string | undefined;
}

/**
 * A stack's state. Of a file backend, reads the checkpoint file, without an engine process. Other backends are queried with
 * `pulumi stack export`.
 *
 * @returns `undefined` when there is no such stack.
 * @throws UserError (exit 1) when the file is damaged.
 */
export async function readCheckpoint(ref: StackRef): Promise<Checkpoint | undefined> {
  const files = stackFiles(ref);
  if (!files) {
    const text = await exportStack(ref);
    if (text === undefined) return undefined;
    return describe(parse(exportSchema, text, ref, backendUrl()).deployment);
  }
  const text = await readFile(files.checkpoint, "utf8").catch((error: unknown) => {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  return describe(parse(checkpointSchema, text, ref, files.checkpoint).checkpoint.latest);
}

/**
 * A digest of a stack's state, and the number of its resources without providers.
 *
 * @returns `undefined` when there is no such stack, it has unfinished steps, or its backend is not a file backend.
 */
export async function stateFingerprint(
  ref: StackRef,
): Promise<{ state: string; resources: number } | undefined> {
  if (!stackFiles(ref)) return undefined;
  const checkpoint = await readCheckpoint(ref);
  if (checkpoint === undefined || checkpoint.pendingOperations.length > 0) return undefined;
  const resources = checkpoint.resources.filter(({ type }) => !type.startsWith("pulumi:providers:")).length;
  return { state: digest(checkpoint), resources };
}

/** A deployment as the engine wrote it, with the fields that our schema does not have. */
export interface RawDeployment {
  resources?: RawResource[] | null;
  pending_operations?: unknown[] | null;
}

export interface RawResource {
  urn: string;
  type: string;
  id?: string;
  protect?: boolean;
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
}

/**
 * Changes a stack's state by hand, while no engine runs. Writes nothing if there is no such stack, or if `change` returns
 * false. Keeps the former checkpoint as `<stack>.json.before-edit`. The caller holds the stack's lock.
 */
export async function editState(
  ref: StackRef,
  change: (deployment: RawDeployment) => boolean,
): Promise<void> {
  const files = stackFiles(ref);
  if (!files) {
    const text = await exportStack(ref);
    if (text === undefined) return;
    parse(exportSchema, text, ref, backendUrl());
    const state = JSON.parse(text) as { deployment?: RawDeployment | null };
    if (state.deployment && change(state.deployment)) await importStack(ref, JSON.stringify(state));
    return;
  }
  const text = await readFile(files.checkpoint, "utf8").catch((error: unknown) => {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  });
  if (text === undefined) return;
  parse(checkpointSchema, text, ref, files.checkpoint);
  // Edits the raw JSON, not the parsed value, so that nothing is lost that the engine wrote.
  const raw = JSON.parse(text) as { checkpoint: { latest?: RawDeployment | null } };
  if (!raw.checkpoint.latest || !change(raw.checkpoint.latest)) return;
  await copyFile(files.checkpoint, `${files.checkpoint}.before-edit`);
  await writeFileAtomic(files.checkpoint, `${JSON.stringify(raw, null, 4)}\n`, { mode: 0o600 });
  // Pulumi's storage library keeps the old content's checksum in this file, and does not need it.
  await rm(`${files.checkpoint}.attrs`, { force: true });
}

/**
 * Removes a stack's pending operations from its state, after what they left behind was adopted or deleted. Does not change
 * the resources. The caller holds the stack's lock.
 */
export const clearPending = (ref: StackRef): Promise<void> =>
  editState(ref, (deployment) => {
    if (!deployment.pending_operations?.length) return false;
    delete deployment.pending_operations;
    return true;
  });

/** One output of a stack. */
export interface OutputValue {
  value: unknown;
  secret: boolean;
}

const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";

/** The stack's outputs in the checkpoint, with decrypted secrets. */
export async function checkpointOutputs(checkpoint: Checkpoint): Promise<Record<string, OutputValue>> {
  const root = checkpoint.resources.find((resource) => resource.type === "pulumi:pulumi:Stack");
  let decrypt: ((sealed: string) => string) | undefined;
  if (checkpoint.salt !== undefined && JSON.stringify(root?.outputs ?? {}).includes(secretSignature)) {
    decrypt = (await openCrypter((await passphrase()).value, checkpoint.salt)).decrypt;
  }
  const outputs: Record<string, OutputValue> = {};
  for (const [name, raw] of Object.entries(root?.outputs ?? {})) {
    const seen = { secret: false };
    outputs[name] = { value: reveal(raw, decrypt, seen), secret: seen.secret };
  }
  return outputs;
}

function reveal(
  value: unknown,
  decrypt: ((sealed: string) => string) | undefined,
  seen: { secret: boolean },
): unknown {
  if (Array.isArray(value)) return value.map((item) => reveal(item, decrypt, seen));
  if (typeof value !== "object" || value === null) return value;
  if (signatureKey in value && value[signatureKey] === secretSignature && "ciphertext" in value) {
    seen.secret = true;
    return decrypt ? reveal(JSON.parse(decrypt(String(value.ciphertext))), decrypt, seen) : undefined;
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, reveal(item, decrypt, seen)]));
}

function describe(deployment: z.infer<typeof deploymentSchema> | null | undefined): Checkpoint {
  const secrets = deployment?.secrets_providers;
  const state = z.object({ salt: z.string() }).safeParse(secrets?.state);
  return {
    resources: deployment?.resources ?? [],
    pendingOperations: deployment?.pending_operations ?? [],
    salt: secrets?.type === "passphrase" && state.success ? state.data.salt : undefined,
  };
}

function parse<T>(schema: z.ZodType<T>, text: string, ref: StackRef, where: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw damagedState(ref.stack, where, cause);
  }
}
