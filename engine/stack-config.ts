import { dirname, join } from "node:path";
import { parse, stringify } from "yaml";
import { createWhole } from "../base/files.js";
import { privateDir } from "../base/paths.js";
import { defaultProject, fileBackendDir, passphrase, type StackRef, stackFiles, workDir } from "./backend.js";
import { readCheckpoint } from "./checkpoint.js";
import { type Crypter, openCrypter } from "./secrets.js";
import { newStackSalt } from "./stack-salt.js";
import { prepareWorkDir, readText, writeIfChanged } from "./work-dir.js";

/** Configuration of a stack. A key without a colon belongs to the project (`lab` → `trilab:lab`). */
export type StackConfig = Record<string, { value: string; secret?: boolean }>;

const settingsFile = (stack: string): string => join(workDir(stack), `Pulumi.${stack}.yaml`);

/**
 * Writes the stack's configuration, instead of `pulumi config set`, which needs a process for each value (0.1–0.3 s). Keeps
 * the salt of the stack's settings file, else of its checkpoint; for a new stack see stack-salt.ts.
 *
 * @throws UserError (exit 2) when the passphrase is wrong.
 */
export async function writeConfig(ref: StackRef, config: StackConfig): Promise<void> {
  const dir = await prepareWorkDir(ref);
  const project = ref.project ?? defaultProject;
  const file = settingsFile(ref.stack);
  const former = parse((await readText(file)) ?? "") as Record<string, unknown> | null;
  const usesPassphrase = fileBackendDir() !== undefined || !isService();
  let salt = typeof former?.encryptionsalt === "string" ? former.encryptionsalt : undefined;
  if (usesPassphrase) salt ??= (await readCheckpoint(ref))?.salt ?? (await newStackSalt(await passphrase()));
  const hasSecrets = Object.values(config).some((entry) => entry.secret === true);
  let crypter: Crypter | undefined;
  if (usesPassphrase && hasSecrets) crypter = await openCrypter((await passphrase()).value, salt);
  const values: Record<string, unknown> = {};
  for (const [key, entry] of Object.entries(config)) {
    const name = key.includes(":") ? key : `${project}:${key}`;
    values[name] = entry.secret && crypter ? { secure: crypter.encrypt(entry.value) } : entry.value;
  }
  const settings = { ...former, ...(salt ? { encryptionsalt: salt } : {}) };
  await privateDir(dir);
  await writeIfChanged(file, stringify({ ...settings, config: values }));
}

/** A backend that stores the keys of secrets itself (Pulumi Cloud) needs no passphrase. */
function isService(): boolean {
  return /^https?:/.test(process.env.PULUMI_BACKEND_URL ?? "");
}

/**
 * Makes an empty stack in a file backend, like `pulumi stack init`, but without a process (0.3 s).
 * @returns false for another backend, for which the CLI must do it.
 */
export async function createInFileBackend(ref: StackRef): Promise<boolean> {
  const files = stackFiles(ref);
  const backend = fileBackendDir();
  if (!files || backend === undefined) return false;
  await privateDir(backend);
  await privateDir(join(backend, ".pulumi"));
  await privateDir(dirname(files.checkpoint));
  // Without the meta file, the engine would assume that a backend with stacks has the old layout.
  await createWhole(join(backend, ".pulumi", "meta.yaml"), "version: 1\n");
  const stack = `organization/${ref.project ?? defaultProject}/${ref.stack}`;
  await createWhole(files.checkpoint, `${JSON.stringify({ version: 3, checkpoint: { stack } })}\n`);
  return true;
}
