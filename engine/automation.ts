import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { ExitCode, UserError } from "../base/errors.js";
import { type Progress, silent } from "../base/progress.js";
import { interruptible } from "../base/working.js";
import { fileBackendDir, type StackRef, stackFiles, workDir } from "./backend.js";
import { checkpointOutputs, type OutputValue, readCheckpoint } from "./checkpoint.js";
import { engineEnvironment, exportStack, pulumi, spawnEngine } from "./cli.js";
import { engineError } from "./engine-errors.js";
import { describeEvent, diagnosticText } from "./events.js";
import type { EngineEvent, Program } from "./inline.js";
import { type Engine, ensureEngine } from "./install.js";
import { loadOwnPlugins, serveOwnPlugins } from "./own-plugins.js";
import { endEngine, endOrphans } from "./recovery.js";
import { type AskDaemons, watchDaemons } from "./silence.js";
import { createInFileBackend, type StackConfig, writeConfig } from "./stack-config.js";

export type { EngineEvent, OutputValue, Program, StackConfig };

/**
 * Loads what running a stack needs (0.1 s of CPU), for a caller that has to wait for something else. Without it, each part is
 * loaded when it is needed.
 */
export async function loadAhead(): Promise<void> {
  const [inline] = await Promise.all([import("./inline.js"), loadOwnPlugins()]);
  inline.warmUp();
}

export interface StackOptions extends StackRef {
  /** The inline program. Without one, only destroy, refresh and the reading operations work. */
  program?: Program;
  /** Loads the program's modules; called while the engine starts. Default: the program loads them. */
  load?: () => Promise<unknown>;
  /** The configuration, written to Pulumi.<stack>.yaml before each operation. Replaces the former one. Default none. */
  config?: StackConfig;
  /** Gets the resource that the engine works on. Default: silent. */
  progress?: Progress;
  /** Called with each of the engine's events. */
  onEvent?: (event: EngineEvent) => void;
  /** Default: the result of `ensureEngine`. */
  engine?: Engine;
  /** If it is aborted, a running operation ends after its current steps, and throws (exit 130). */
  signal?: AbortSignal;
  /** Called while an engine works. If a daemon stays silent, the engine is ended, and the operation throws. Default: nobody is asked. */
  askDaemons?: AskDaemons;
}

export interface OperationResult {
  /** The number of resources by operation: `{ create: 3, same: 1 }`. */
  changes: Record<string, number>;
  /** Steps other than `same`, in the engine's order. */
  steps: { op: string; urn: string; type: string }[];
}

export interface UpResult extends OperationResult {
  outputs: Record<string, OutputValue>;
}

/**
 * A stack. Callers of operations that change it hold `stackLock(stack)` (base/lock.ts). All operations throw the errors of
 * engine-errors.ts.
 */
export interface StackHandle {
  readonly stack: string;
  /** Applies the program. Makes the stack if there is none. With `refresh`, the engine first queries the providers. */
  up(options?: { refresh?: boolean }): Promise<UpResult>;
  /** What `up` would do. Makes an empty stack if there is none. */
  preview(): Promise<OperationResult>;
  /** Removes all resources. Needs no program. @throws UserError (exit 6) when there is no such stack. */
  destroy(options?: { refresh?: boolean }): Promise<OperationResult>;
  /** The outputs in the state, with decrypted secrets. @throws UserError (exit 6) when there is no such stack. */
  outputs(): Promise<Record<string, OutputValue>>;
  /** Removes the stack with its history and work directory, whatever its state contains, also if that is damaged. */
  removeStack(): Promise<void>;
}

/** A handle of a stack. Does not read, write or start anything yet. */
export function openStack(options: StackOptions): StackHandle {
  const { stack } = options;

  async function operate(command: "up" | "preview" | "destroy", refresh: boolean, engine: Engine) {
    const progress = options.progress ?? silent;
    const inline = await import("./inline.js");
    const diagnostics: string[] = [];
    const result: OperationResult = { changes: {}, steps: [] };
    const servers = await inline.serve(command === "destroy" ? undefined : options.program, (event) => {
      if (event.diagnosticEvent?.severity === "error")
        diagnostics.push(diagnosticText(event.diagnosticEvent));
      const step = (command === "preview" ? event.resourcePreEvent : event.resOutputsEvent)?.metadata;
      if (step && step.op !== "same") result.steps.push({ op: step.op, urn: step.urn, type: step.type });
      if (event.summaryEvent) result.changes = { ...event.summaryEvent.resourceChanges };
      const text = describeEvent(event);
      if (text) progress.update(text);
      options.onEvent?.(event);
    });
    const plugins = await serveOwnPlugins(engine);
    let interrupted = false;
    let stop: (() => void) | undefined;
    let pid: number | undefined;
    const endNow = async (): Promise<void> => {
      if (pid !== undefined) await endEngine(pid);
    };
    const over = interruptible(endNow);
    let silence: UserError | undefined;
    let endWatch: (() => void) | undefined;
    try {
      const args = [command, "--stack", stack, "--color", "never", ...servers.args];
      if (command !== "preview") args.push("--yes", "--skip-preview", "--suppress-progress");
      if (refresh) args.push("--refresh");
      const log = join(workDir(stack), "engine.log");
      const env = { ...(await engineEnvironment(engine)), ...plugins.env };
      const child = spawnEngine(engine, args, workDir(stack), env, log);
      pid = child.pid;
      stop = (): void => {
        interrupted = true;
        progress.update("stopping after the current steps");
        child.kill("SIGINT");
      };
      options.signal?.addEventListener("abort", stop);
      if (options.signal?.aborted) stop();
      if (options.askDaemons) {
        endWatch = watchDaemons(options.askDaemons, (found) => {
          silence = found;
          void endNow();
        });
      }
      if (options.program && command !== "destroy") {
        setImmediate(() => {
          inline.warmUp();
          options.load?.().catch(() => {}); // The program gets the error, too.
        });
      }
      const ended = await child;
      if (ended.exitCode !== 0) {
        // A killed engine leaves its plugins behind, and no later run may remove them.
        if (ended.signal !== undefined) await endOrphans(stack);
        if (silence) throw silence;
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
      endWatch?.();
      if (stop) options.signal?.removeEventListener("abort", stop);
      await plugins.end();
      servers.close();
    }
  }

  const engineNow = async (): Promise<Engine> =>
    options.engine ?? ensureEngine({ progress: options.progress ?? silent });

  async function prepare(): Promise<Engine> {
    // The configuration may need a key, which takes 0.2–1 s in another thread. Meanwhile, the engine is searched.
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
      // A damaged state exists, too.
      if (error instanceof UserError && fileBackendDir() !== undefined) return true;
      throw error;
    }
  };

  return {
    stack,
    async up({ refresh = false } = {}) {
      const { result, outputs } = await operate("up", refresh, await prepare());
      return { ...result, outputs: outputs ?? (await this.outputs()) };
    },
    async preview() {
      return (await operate("preview", false, await prepare())).result;
    },
    async destroy({ refresh = false } = {}) {
      if ((await readCheckpoint(options)) === undefined) throw noSuchStack(stack);
      // Of the configuration, destroying needs only the salt, to decrypt the state's secrets.
      const [engine] = await Promise.all([engineNow(), writeConfig(options, options.config ?? {})]);
      return (await operate("destroy", refresh, engine)).result;
    },
    async outputs() {
      const checkpoint = await readCheckpoint(options);
      if (!checkpoint) throw noSuchStack(stack);
      return checkpointOutputs(checkpoint);
    },
    async removeStack() {
      const files = stackFiles(options);
      if (!files) {
        if (await exists()) await pulumi(options, ["stack", "rm", "--yes", "--force"], options.engine);
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

function noSuchStack(stack: string): UserError {
  return new UserError(`there is no stack "${stack}"`, {
    fix: "list the seats: trilab status",
    exitCode: ExitCode.notFound,
  });
}
