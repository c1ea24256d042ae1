import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import type { Struct as StructMessage } from "google-protobuf/google/protobuf/struct_pb.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { grpc, messages, Struct } from "../../../plugins/harness/proto.js";
import { compiledPlugin, docker, leftovers, makeImage, removeImage, sweep, uniqueName } from "../support.js";

const { ResourceProviderClient } = createRequire(import.meta.url)(
  "@pulumi/pulumi/proto/provider_grpc_pb.js",
) as typeof import("@pulumi/pulumi/proto/provider_grpc_pb.js");

const name = uniqueName("proc");
const image = `${name}:test`;
const urn = "urn:pulumi:d::p::docker:index/container:Container::c";
let main: string;

beforeAll(async () => {
  [main] = await Promise.all([compiledPlugin(), makeImage(image)]);
});

afterAll(async () => {
  const left = await sweep(name);
  await removeImage(image);
  expect(left).toEqual([]);
});

interface Running {
  /** The plugin's parent, which stands for the engine. */
  engine: ChildProcess;
  client: InstanceType<typeof ResourceProviderClient>;
  pid: number;
}

/** The plugin below a process that can be killed, as an engine can. */
async function start(): Promise<Running> {
  const script = `
    const child = require("node:child_process").spawn(process.execPath, process.argv.slice(1), { stdio: "inherit" });
    process.stdout.write(child.pid + " ");
    setInterval(() => {}, 1000);`;
  const engine = spawn(process.execPath, ["-e", script, main, "127.0.0.1:1"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  for await (const chunk of engine.stdout) {
    text += chunk;
    if (/^\d+ \d+\n$/.test(text)) break;
  }
  const [pid = "", port = ""] = text.trim().split(" ");
  const client = new ResourceProviderClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  return { engine, client, pid: Number(pid) };
}

const alive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

const struct = (value: object): StructMessage =>
  Struct.fromJavaScript(value as Parameters<typeof Struct.fromJavaScript>[0]);

test("secrets come back as secrets; idle, it ends at once when told to", async () => {
  const { engine, client, pid } = await start();
  const request = new messages.CheckRequest();
  request.setUrn(urn);
  const secret = {
    "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
    value: "A=hunter22",
  };
  request.setNews(struct({ name: "x y", image, envs: [secret] }));
  const checked = await new Promise<InstanceType<typeof messages.CheckResponse>>((resolve, reject) =>
    client.check(request, (error, response) => (error ? reject(error) : resolve(response))),
  );
  expect(checked.getInputs()?.toJavaScript()).toMatchObject({
    envs: { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", value: ["A=hunter22"] },
  });
  expect(checked.getFailuresList().map((failure) => failure.getProperty())).toEqual(["name"]);
  client.close();
  process.kill(pid, "SIGINT");
  await expect.poll(() => alive(pid)).toBe(false);
  engine.kill("SIGKILL");
});

test("the engine is killed in the middle of a create: the container goes, then the plugin", async () => {
  const { engine, client, pid } = await start();
  const request = new messages.CreateRequest();
  request.setUrn(urn);
  request.setProperties(
    struct({
      name: `${name}-box`,
      image,
      command: ["/bin/sleep", "600"],
      wait: true,
      healthcheck: { tests: ["CMD", "/bin/sh", "-c", "exit 1"], interval: "60s" },
    }),
  );
  client.create(request, () => {});
  await expect
    .poll(async () => (await docker().listContainers()).some(({ Names }) => Names.includes(`/${name}-box`)))
    .toBe(true);
  engine.kill("SIGKILL");
  await once(engine, "exit");
  await expect.poll(() => alive(pid)).toBe(false);
  client.close();
  expect(await leftovers(name)).toEqual([]);
});
