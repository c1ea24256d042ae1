/**
 * Pulumi's SDK, without the parts of it that no program of ours uses. Its modules are loaded by their paths, because its
 * types do not declare the language server.
 */

import { createRequire, Module } from "node:module";

/**
 * What turns a function's code into text, for programs that send functions to a cloud, and what starts the `pulumi` command.
 * They load the TypeScript compiler and npm's package resolver: four fifths of the SDK's loading time, and
 * half of the process's memory (65 MB).
 */
const UNUSED = [
  "runtime/closure/createClosure.js",
  "runtime/closure/codePaths.js",
  "automation/index.js",
] as const;

const fromPulumi = createRequire(createRequire(import.meta.url).resolve("@pulumi/pulumi"));

for (const part of UNUSED) {
  const file = fromPulumi.resolve(`@pulumi/pulumi/${part}`);
  if (file in fromPulumi.cache) continue;
  // Node looks here first (documented under require.cache), and finds an empty module.
  fromPulumi.cache[file] = Object.assign(new Module(file), { filename: file, loaded: true });
}

/** Loads a module of the SDK, or of what the SDK depends on. */
export const loadSdk = <T>(module: string): T => fromPulumi(module) as T;

/**
 * Gives each of the SDK's connections to an engine a pool of its own. gRPC's common pool keeps the state of a port for
 * some seconds after its engine has ended. An engine that gets the port then would be "unavailable".
 */
export function separateConnections(): void {
  type Settings = { grpcChannelOptions: Record<string, unknown>; grpcClientOptions: Record<string, unknown> };
  const settings = loadSdk<Settings>("./runtime/settings.js");
  for (const options of [settings.grpcChannelOptions, settings.grpcClientOptions])
    options["grpc.use_local_subchannel_pool"] = 1;
}
