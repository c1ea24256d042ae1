import { rm, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { execa, type ResultPromise } from "execa";
import { silent } from "../base/progress.js";
import { scratchDir } from "../base/scratch.js";
import { backendUrl, passphrase, type StackRef, workDir } from "./backend.js";
import { engineError } from "./engine-errors.js";
import { type Engine, ensureEngine } from "./install.js";
import { prepareWorkDir } from "./work-dir.js";

/** The environment of every engine process: our own home, no telemetry, no updates, no automatic downloads. */
export async function engineEnvironment(engine: Engine): Promise<Record<string, string>> {
  return {
    ...(await passphrase()).env,
    // The CLI's own directory first, because it contains the CLI's language host.
    PATH: [...engine.path, dirname(engine.pulumi), process.env.PATH ?? ""].join(delimiter),
    PULUMI_HOME: engine.home,
    // For its plugins' sockets, which stay when a plugin is killed.
    TMPDIR: await scratchDir(),
    PULUMI_BACKEND_URL: backendUrl(),
    PULUMI_AUTOMATION_API: "true",
    // The CLI has --event-log only with it.
    PULUMI_DEBUG_COMMANDS: "true",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // The process runs only for seconds. With fewer garbage collections, it needs 0.06 of 0.43 s of CPU less, and 8 MiB more.
    GOGC: process.env.GOGC ?? "400",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_SUPPRESS_NEO_LINK: "true",
    // The official Docker plugin prefers it to `docker:host`, and would use another daemon than the rest of trilab.
    DOCKER_CONTEXT: "",
    // One copy of the last state stays beside the checkpoint (.bak). A copy for every update would fill the disk.
    PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS:
      process.env.PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS ?? "true",
  };
}

const spawnOptions = (cwd: string, env: Record<string, string>) =>
  ({
    cwd,
    env,
    reject: false,
    detached: true,
    cleanup: false,
    stdin: "ignore",
    maxBuffer: 64 * 1024 * 1024,
  }) as const;
type EngineProcess = ResultPromise<ReturnType<typeof spawnOptions>>;

/**
 * Starts the engine in its own process group: so a Ctrl-C in the terminal reaches only us, and we pass on exactly one,
 * because after a second one Pulumi abandons its steps. The umask is 077, because Pulumi writes checkpoints with mode 0666.
 *
 * @param log The file for its output, instead of pipes to us. If we were killed, its first write to a broken pipe would
 *   kill the engine, too, before it has saved what it just created.
 */
export function spawnEngine(
  engine: Engine,
  args: string[],
  cwd: string,
  env: Record<string, string>,
  log?: string,
): EngineProcess {
  const script = `umask 077; ${log === undefined ? "" : 'exec >"$0" 2>&1; '}exec "$@"`;
  return execa(
    "/bin/sh",
    ["-c", script, log ?? "sh", engine.pulumi, ...args, "--non-interactive"],
    spawnOptions(cwd, env),
  );
}

/** Runs a short command of the CLI and returns its standard output. @throws the errors of engine-errors.ts. */
export async function pulumi(ref: StackRef, args: string[], engine?: Engine): Promise<string> {
  const used = engine ?? (await ensureEngine({ progress: silent }));
  const cwd = await prepareWorkDir(ref);
  const result = await spawnEngine(used, [...args, "--stack", ref.stack], cwd, await engineEnvironment(used));
  if (result.exitCode === 0) return String(result.stdout);
  throw engineError({
    command: args.slice(0, 2).join(" "),
    stack: ref.stack,
    exitCode: result.exitCode,
    signal: result.signal,
    stderr: String(result.stderr),
    diagnostics: [],
    interrupted: false,
  });
}

/** The stack's deployment as JSON, with encrypted secrets; `undefined` when there is no such stack. */
export async function exportStack(ref: StackRef, engine?: Engine): Promise<string | undefined> {
  try {
    return await pulumi(ref, ["stack", "export"], engine);
  } catch (error) {
    if (error instanceof Error && "exitCode" in error && error.exitCode === 6) return undefined;
    throw error;
  }
}

/** Replaces the stack's deployment with JSON as `exportStack` returns it. The caller holds the lock. */
export async function importStack(ref: StackRef, deployment: string): Promise<void> {
  const file = join(workDir(ref.stack), "import.json");
  await prepareWorkDir(ref);
  await writeFile(file, deployment, { mode: 0o600 });
  try {
    await pulumi(ref, ["stack", "import", "--file", file]);
  } finally {
    await rm(file, { force: true });
  }
}
