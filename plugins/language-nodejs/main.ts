import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { isAbsolute, join } from "node:path";
import type { ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import type { RunRequest } from "@pulumi/pulumi/proto/language_pb.js";
import { Empty, grpc, PluginInfo } from "../harness/proto.js";

/*
 * The Node.js language host with which the tests run plain `pulumi up`, if Pulumi's own is not installed. (Inline programs need
 * no language host.) The last one on the Go module proxy (3.68.0) forwards the resource monitor's calls, but does not know
 * RegisterPackage, with which parameterised packages such as @pulumi/libvirt begin. This one runs the program with the SDK's
 * own runner, which talks to the engine directly.
 */

const here = createRequire(import.meta.url);
const messages = here(
  "@pulumi/pulumi/proto/language_pb.js",
) as typeof import("@pulumi/pulumi/proto/language_pb.js");
const { LanguageRuntimeService } = here(
  "@pulumi/pulumi/proto/language_grpc_pb.js",
) as typeof import("@pulumi/pulumi/proto/language_grpc_pb.js");

type Call<Request> = ServerUnaryCall<Request, unknown>;

/** The runner's exit code if it has already reported the error to the engine. */
const TOLD = 32;

const [engine = ""] = process.argv.slice(2).filter((word) => !word.startsWith("-"));

/** Runs the program to its end, and passes its output on to the engine. */
function run(call: Call<RunRequest>, answer: sendUnaryData<unknown>): void {
  const { request } = call;
  const info = request.getInfo();
  const root = info?.getProgramDirectory() || request.getPwd();
  const entry = info?.getEntryPoint() || request.getProgram();
  // The program's own SDK, because several may be installed.
  const runner = createRequire(join(root, "package.json")).resolve("@pulumi/pulumi/cmd/run");
  const child = spawn(
    process.execPath,
    [
      runner,
      ...["--monitor", request.getMonitorAddress(), "--engine", engine],
      ...[
        "--organization",
        request.getOrganization(),
        "--project",
        request.getProject(),
        "--stack",
        request.getStack(),
      ],
      ...["--root-directory", info?.getRootDirectory() || root, "--pwd", request.getPwd()],
      ...["--parallel", String(request.getParallel())],
      ...(request.getDryrun() ? ["--dry-run"] : []),
      isAbsolute(entry) ? entry : join(root, entry),
      ...request.getArgsList(),
    ],
    {
      cwd: request.getPwd(),
      stdio: ["ignore", "inherit", "inherit"],
      env: {
        ...process.env,
        PULUMI_CONFIG: JSON.stringify(Object.fromEntries(request.getConfigMap().getEntryList())),
        PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
      },
    },
  );
  let answered = false;
  const end = (error: string, bail: boolean): void => {
    if (answered) return;
    answered = true;
    const response = new messages.RunResponse();
    response.setError(error);
    response.setBail(bail);
    answer(null, response);
  };
  child.on("error", (error) => end(`the program can't be started: ${error.message}`, false));
  child.on("exit", (code, signal) => {
    if (code === 0) end("", false);
    else if (code === TOLD) end("", true);
    else end(`the program ended with ${signal ?? `exit code ${code}`}`, false);
  });
}

const server = new grpc.Server();
server.addService(LanguageRuntimeService as unknown as Parameters<typeof server.addService>[0], {
  run,
  // Each resource names its plugin when it is registered, so none must be installed before.
  getRequiredPackages: (_: unknown, answer: sendUnaryData<unknown>) =>
    answer(null, new messages.GetRequiredPackagesResponse()),
  getRequiredPlugins: (_: unknown, answer: sendUnaryData<unknown>) =>
    answer(null, new messages.GetRequiredPluginsResponse()),
  getPluginInfo: (_: unknown, answer: sendUnaryData<unknown>) => answer(null, new PluginInfo()),
  cancel: (_: unknown, answer: sendUnaryData<unknown>) => answer(null, new Empty()),
});
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  process.stdout.write(`${port}\n`);
});
// The engine ends its plugins by SIGINT, or ends without it.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(0));
const parent = process.ppid;
setInterval(() => process.ppid === parent || process.exit(0), 500).unref();
