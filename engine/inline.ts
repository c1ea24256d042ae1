/**
 * Serves an inline program to the engine, with the two small gRPC servers that the Automation API's `Stack.up` starts. But
 * it does not run the API's five other `pulumi` processes (version, select, two `stack output`, history), and loads the SDK
 * while the engine starts. Only engine/ uses this file.
 */

import { AsyncLocalStorage } from "node:async_hooks";
import type * as Grpc from "@grpc/grpc-js";
import type { EngineEvent } from "@pulumi/pulumi/automation/events.js";
import { UserError } from "../base/errors.js";
import type { OutputValue } from "./checkpoint.js";
import { loadSdk as load, separateConnections } from "./sdk.js";

export type { EngineEvent };

/** A Pulumi program. It returns plain values, outputs or both, which become the stack's outputs. */
export type Program = () => Promise<Record<string, unknown> | undefined>;

type Service = Grpc.ServiceDefinition<Grpc.UntypedServiceImplementation>;
type UnaryHandler = Grpc.handleUnaryCall<unknown, unknown>;
interface LanguageServer {
  run: UnaryHandler;
  getRequiredPlugins: UnaryHandler;
  getPluginInfo: UnaryHandler;
}

export interface InlineServers {
  /** Arguments for the engine's command line. */
  args: string[];
  /** The program's resolved outputs, with decrypted secrets; set when it has ended without an error. */
  outputs(): Record<string, OutputValue> | undefined;
  /** The program's error, if it threw one. */
  error(): unknown;
  close(): void;
}

/** Serves the engine's events, and `program` if there is one, on loopback ports. */
export async function serve(
  program: Program | undefined,
  onEvent: (event: EngineEvent) => void,
): Promise<InlineServers> {
  const grpc = load<typeof Grpc>("@grpc/grpc-js");
  const server = new grpc.Server({ "grpc.max_receive_message_length": 400 * 1024 * 1024 });
  server.addService(eventsService(), { StreamEvents: streamEvents(onEvent) });
  const seen: { outputs?: Record<string, OutputValue>; error?: unknown } = {};
  if (program) addLanguageServer(server, program, seen);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  return {
    args: [
      ...(program ? [`--client=127.0.0.1:${port}`] : []),
      "--exec-kind",
      program ? "auto.inline" : "auto.local",
      "--event-log",
      `tcp://127.0.0.1:${port}`,
    ],
    outputs: () => seen.outputs,
    error: () => seen.error,
    close: () => server.forceShutdown(),
  };
}

function addLanguageServer(
  server: Grpc.Server,
  program: Program,
  seen: { outputs?: Record<string, OutputValue>; error?: unknown },
): void {
  const { LanguageRuntimeService } = load<{ LanguageRuntimeService: Service }>("./proto/language_grpc_pb.js");
  // A rejected output makes the engine fail, but not always the program.
  const keepUserError = (error: unknown): void => {
    if (error instanceof UserError) seen.error ??= error;
  };
  const guarded: Program = () =>
    watched(keepUserError, async (failed) => {
      try {
        const result = await Promise.race([program(), failed]);
        // If a resource can't be registered, its outputs are never settled, and SDK and engine would wait for ever.
        if (result) await Promise.race([collectOutputs(result, seen).catch(keepUserError), failed]);
        return result;
      } catch (error) {
        seen.error ??= error;
        throw error;
      }
    });
  let language: LanguageServer | undefined;
  // Loading the SDK blocks the event loop, so the engine is started first, in one turn of the loop.
  const later =
    (method: keyof LanguageServer): UnaryHandler =>
    (call, callback) => {
      if (language === undefined) separateConnections();
      language ??= new (load<{ LanguageServer: new (program: Program) => LanguageServer }>(
        "./automation/server.js",
      ).LanguageServer)(guarded);
      language[method](call, callback);
    };
  server.addService(LanguageRuntimeService, {
    run: later("run"),
    getRequiredPlugins: later("getRequiredPlugins"),
    getPluginInfo: later("getPluginInfo"),
  });
}

/** The failure handler of the program in whose context code runs. Several programs may run in this process at once. */
const programs = new AsyncLocalStorage<(error: unknown) => void>();

/** How many programs run. While one does, an unhandled rejection is passed to the program that caused it. */
let running = 0;

/** Node calls this in the context of the rejected promise. */
function toItsProgram(error: unknown): void {
  const fail = programs.getStore();
  if (fail) fail(error);
  else throw error;
}

/**
 * Runs a program. An unhandled rejection in it ends it two seconds later, so that other rejections are reported, too.
 * (If a resource can't be registered, Pulumi's SDK rejects promises that nobody handles.)
 */
async function watched<T>(
  onRejection: (error: unknown) => void,
  program: (failed: Promise<never>) => Promise<T>,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let fail = (_error: unknown): void => {};
  const failed = new Promise<never>((_, reject) => {
    fail = (error) => {
      onRejection(error);
      timer ??= setTimeout(() => reject(error), 2_000);
    };
  });
  failed.catch(() => {}); // Nobody handles it after the program has ended.
  if (running++ === 0) process.on("unhandledRejection", toItsProgram);
  try {
    return await programs.run(fail, () => program(failed));
  } finally {
    clearTimeout(timer);
    if (--running === 0) process.off("unhandledRejection", toItsProgram);
  }
}

/** Loads what {@link serve} needs later, so that it happens while something else is waited for. */
export function warmUp(): void {
  load("@grpc/grpc-js");
  load("./proto/events_pb.js");
  load("./proto/language_grpc_pb.js");
  load("./automation/server.js");
}

/** @throws what an output was rejected with; the engine reports the resource that failed. */
async function collectOutputs(
  result: Record<string, unknown>,
  seen: { outputs?: Record<string, OutputValue> },
): Promise<void> {
  const { output } = load<typeof import("@pulumi/pulumi")>("./index.js");
  const names = Object.keys(result);
  await Promise.all(
    names.map(async (name): Promise<[string, OutputValue]> => {
      const wrapped = output(result[name]) as unknown as {
        promise(withUnknowns?: boolean): Promise<unknown>;
        isSecret: Promise<boolean>;
      };
      return [name, { value: await wrapped.promise(), secret: await wrapped.isSecret }];
    }),
  ).then((entries) => {
    // Like the engine, leaves out outputs without a value.
    seen.outputs = Object.fromEntries(entries.filter(([, { value }]) => value !== undefined));
  });
}

function eventsService(): Service {
  const { EventRequest } = load<{ EventRequest: { deserializeBinary(bytes: Buffer): unknown } }>(
    "./proto/events_pb.js",
  );
  return {
    StreamEvents: {
      path: "/pulumirpc.Events/StreamEvents",
      requestStream: true,
      responseStream: false,
      requestSerialize: () => Buffer.alloc(0),
      requestDeserialize: (bytes) => EventRequest.deserializeBinary(bytes),
      responseSerialize: () => Buffer.alloc(0),
      responseDeserialize: () => ({}),
    },
  };
}

function streamEvents(
  onEvent: (event: EngineEvent) => void,
): Grpc.handleClientStreamingCall<{ getEvent(): string }, unknown> {
  return (call, callback) => {
    call.on("data", (request: { getEvent(): string }) =>
      onEvent(JSON.parse(request.getEvent()) as EngineEvent),
    );
    call.on("end", () => callback(null, {}));
    call.on("error", () => {}); // The engine died; its exit code is reported.
  };
}
