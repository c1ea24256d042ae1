import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { ExitCode, UserError } from "../base/errors.js";
import { type Progress, silent } from "../base/progress.js";
import { interruptible } from "../base/working.js";
import { fileBackendDir, type StackRef, stackFiles, workDir } from "./backend.js";
import { checkpointOutputs, type OutputValue, readCheckpoint } from "./checkpoint.js";
import { engineEnvironment, exportStack, importStack, pulumi, spawnEngine } from "./cli.js";
import { engineError } from "./engine-errors.js";
import { describeEvent, diagnosticText } from "./events.js";
import type { EngineEvent, Program } from "./inline.js";
import { type Engine, ensureEngine } from "./install.js";
import { serveOwnPlugins } from "./own-plugins.js";
import { endEngine, endOrphans } from "./recovery.js";
import { createInFileBackend, type StackConfig, writeConfig } from "./stack-config.js";

export type { EngineEvent, OutputValue, Program, StackConfig };

export interface StackOptions extends StackRef {
  /** The inline program. Without one, only destroy, refresh and the reading operations work. */
  program?: Program;
  /** Written to Pulumi.<stack>.yaml before `up` and `preview`; replaces what was there. Default none. */
  config?: StackConfig;
  /** Told which resource is being worked on. Default silent. */
  progress?: Progress;
  /** Every engine event, as the engine sends it. */
  onEvent?: (event: EngineEvent) => void;
  /** Default: `ensureEngine`. */
  engine?: Engine;
  /** Aborting it asks a running operation to stop after the steps it is at; it then throws with exit 130. */
  signal?: AbortSignal;
}

export interface OperationResult {
  /** How many resources each operation touched: `{ create: 3, same: 1 }`. */
  changes: Record<string, number>;
  /** Steps other than `same`, in the engine's order. */
  steps: { op: string; urn: string; type: string }[];
  /** Whole seconds the engine says it worked, and ours from spawn to exit. */
  seconds: { engine: number; total: number };
}

export interface UpResult extends OperationResult {
  outputs: Record<string, OutputValue>;
}

/**
 * A stack. The operations that change it expect their caller to hold `stackLock(stack)` by base/lock.ts.
 * All throw what engine-errors.ts makes of a failure.
 */
export interface StackHandle {
  readonly stack: string;
  /** Makes the stack when there is none. `refresh` first asks the providers what is really there. */
  up(options?: { refresh?: boolean }): Promise<UpResult>;
  /** What `up` would do. Makes the stack's (empty) state when there is none. */
  preview(options?: { refresh?: boolean }): Promise<OperationResult>;
  /** Never makes a stack: exit 6 when there is none. Needs no program. */
  destroy(options?: { refresh?: boolean }): Promise<OperationResult>;
  /** Outputs as last recorded, secrets in plain. */
  outputs(): Promise<Record<string, OutputValue>>;
  /** The deployment as JSON, secrets encrypted. Exit 6 when there is no stack. */
  exportState(): Promise<string>;
  importState(deployment: string): Promise<void>;
  /**
   * Removes an empty stack with its history and work directory. One that still has resources is refused, unless
   * `force`: its caller knows better than the state, which may be damaged.
   */
  removeStack(options?: { force?: boolean }): Promise<void>;
  exists(): Promise<boolean>;
  /** Asks a running operation to stop after the steps it is at; it then throws with exit 130. Only the first call counts. */
  cancel(): void;
}

/** Opens a stack; nothing is read, written or started yet. */
export function openStack(options: StackOptions): StackHandle {
  const { stack } = options;
  let stop: (() => void) | undefined;

  async function operate(command: "up" | "preview" | "destroy", refresh: boolean, engine: Engine) {
    const progress = options.progress ?? silent;
    const inline = await import("./inline.js");
    const diagnostics: string[] = [];
    const result: OperationResult = { changes: {}, steps: [], seconds: { engine: 0, total: 0 } };
    const servers = await inline.serve(command === "destroy" ? undefined : options.program, (event) => {
      if (event.diagnosticEvent?.severity === "error")
        diagnostics.push(diagnosticText(event.diagnosticEvent));
      const step = (command === "preview" ? event.resourcePreEvent : event.resOutputsEvent)?.metadata;
      if (step && step.op !== "same") result.steps.push({ op: step.op, urn: step.urn, type: step.type });
      if (event.summaryEvent) {
        result.changes = { ...event.summaryEvent.resourceChanges };
        result.seconds.engine = event.summaryEvent.durationSeconds;
      }
      const text = describeEvent(event);
      if (text) progress.update(text);
      options.onEvent?.(event);
    });
    const plugins = await serveOwnPlugins(engine);
    let interrupted = false;
    let pid: number | undefined;
    const over = interruptible(async () => {
      if (pid !== undefined) await endEngine(pid);
    });
    try {
      const args = [command, "--stack", stack, "--color", "never", ...servers.args];
      if (command !== "preview") args.push("--yes", "--skip-preview", "--suppress-progress");
      if (refresh) args.push("--refresh");
      const started = performance.now();
      const log = join(workDir(stack), "engine.log");
      const env = { ...(await engineEnvironment(engine)), ...plugins.env };
      const child = spawnEngine(engine, args, workDir(stack), env, log);
      pid = child.pid;
      stop = (): void => {
        if (interrupted) return; // A second SIGINT makes Pulumi abandon its steps.
        interrupted = true;
        progress.update("stopping after the steps in hand");
        child.kill("SIGINT");
      };
      options.signal?.addEventListener("abort", stop);
      if (options.signal?.aborted) stop();
      if (options.program && command !== "destroy") setImmediate(inline.warmUp);
      const ended = await child;
      result.seconds.total = (performance.now() - started) / 1000;
      if (ended.exitCode !== 0) {
        // Killed, it left its plugins behind, and this may be the last run in this directory.
        if (ended.signal !== undefined) await endOrphans(stack);
        throw engineError({
          command,
          stack,
          exitCode: ended.exitCode,
          signal: ended.signal,
          stderr: await readFile(log, "utf8"),
          diagnostics,
          interrupted,
          programError: servers.error(),
        });
      }
      return { result, outputs: servers.outputs() };
    } finally {
      over();
      if (stop) options.signal?.removeEventListener("abort", stop);
      stop = undefined;
      await plugins.end();
      servers.close();
    }
  }

  const engineNow = async (): Promise<Engine> =>
    options.engine ?? ensureEngine({ progress: options.progress ?? silent });

  async function prepare(): Promise<Engine> {
    // The settings may need a key (0.2–1 s in a thread of its own); the engine is looked for meanwhile.
    const [engine] = await Promise.all([engineNow(), writeConfig(options, options.config ?? {})]);
    if (!(await createInFileBackend(options)) && (await exportStack(options, engine)) === undefined) {
      await pulumi(options, ["stack", "init", "--no-select"], engine);
    }
    return engine;
  }

  const exists = async (): Promise<boolean> => {
    try {
      return (await readCheckpoint(options)) !== undefined;
    } catch (error) {
      // A damaged state is there, all the same.
      if (error instanceof UserError && fileBackendDir() !== undefined) return true;
      throw error;
    }
  };

  return {
    stack,
    exists,
    cancel: () => stop?.(),
    async up({ refresh = false } = {}) {
      const { result, outputs } = await operate("up", refresh, await prepare());
      return { ...result, outputs: outputs ?? (await this.outputs()) };
    },
    async preview({ refresh = false } = {}) {
      return (await operate("preview", refresh, await prepare())).result;
    },
    async destroy({ refresh = false } = {}) {
      if ((await readCheckpoint(options)) === undefined) throw noSuchStack(stack);
      // Destroying needs no configuration but the salt that opens the state's secrets.
      const [engine] = await Promise.all([engineNow(), writeConfig(options, options.config ?? {})]);
      return (await operate("destroy", refresh, engine)).result;
    },
    async outputs() {
      const checkpoint = await readCheckpoint(options);
      if (!checkpoint) throw noSuchStack(stack);
      return checkpointOutputs(checkpoint);
    },
    async exportState() {
      const text = await exportStack(options, options.engine);
      if (text === undefined) throw noSuchStack(stack);
      return text;
    },
    importState: (deployment) => importStack(options, deployment, options.engine),
    async removeStack({ force = false } = {}) {
      if (!force) await requireEmpty(options);
      const files = stackFiles(options);
      if (!files) {
        if (await exists())
          await pulumi(options, ["stack", "rm", "--yes", ...(force ? ["--force"] : [])], options.engine);
      } else {
        const beside = [".attrs", ".bak", ".bak.attrs", ".before-edit"].map((end) => files.checkpoint + end);
        for (const path of [...beside, files.history, files.backups, files.locks, files.checkpoint]) {
          await rm(path, { recursive: true, force: true });
        }
      }
      await rm(workDir(stack), { recursive: true, force: true });
    },
  };
}

/** @throws UserError (exit 8) when the stack's state still holds resources. */
async function requireEmpty(ref: StackRef): Promise<void> {
  const left = (await readCheckpoint(ref))?.resources.filter((r) => r.type !== "pulumi:pulumi:Stack") ?? [];
  if (left.length === 0) return;
  throw new UserError(`the stack "${ref.stack}" still has ${left.length} resource(s)`, {
    why: left.map((resource) => resource.urn).join("\n"),
    fix: "run `trilab down` first",
    exitCode: ExitCode.residue,
  });
}

function noSuchStack(stack: string): UserError {
  return new UserError(`there is no stack "${stack}"`, {
    fix: "run `trilab status` to see what there is",
    exitCode: ExitCode.notFound,
  });
}
