import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { power } from "../../seats/power.js";
import { owner, readRecord, writeRecord } from "../../seats/seat-record.js";
import { FakeDocker } from "../support/fake-docker.js";
import { seatRecord } from "./record.js";

const name = "trilab-l-s-container";
let dir: string;
let daemon: FakeDocker;
let state: string;
/** The container's state after the daemon has refused to stop it. */
let then: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "trilab-power-"));
  vi.stubEnv("XDG_STATE_HOME", dir);
  state = "running";
  daemon = new FakeDocker(join(dir, "socket"), (method, path, response) => {
    const container = { Id: "c", Names: [`/${name}`], State: state, Labels: { "trilab.owner": owner() } };
    if (method !== "GET") {
      state = then;
      response.writeHead(500).end('{"message": "not now"}');
    } else if (path === "/_ping") response.end("OK");
    else if (path === "/containers/json") response.end(JSON.stringify([container]));
    else if (path === "/containers/c/json")
      response.end('{"HostConfig": {}, "State": {"Running": true}, "NetworkSettings": {"Networks": {}}}');
    else if (path === "/volumes") response.end('{"Volumes": []}');
    else response.end("[]");
  });
  await daemon.listen();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await daemon.close();
  await rm(dir, { recursive: true });
});

/** A seat's container after the daemon has refused to stop it. */
async function afterRefusal() {
  const { endpoint } = daemon;
  const machine = { target: "container", name, endpoint, address: "10.213.0.2" } as const;
  const record = seatRecord({ owner: owner(), machines: [machine] });
  await writeRecord(record);
  const stopping = async (): Promise<void> => {
    for await (const _ of power(record, { targets: ["container"], stop: {} }));
  };
  await expect(stopping()).rejects.toThrow(/could not be stopped/);
  return (await readRecord(record))?.machines[0];
}

it("a machine that could not be stopped, and runs on, is not noted as stopped", async () => {
  then = "running";
  expect(await afterRefusal()).not.toHaveProperty("stopped");
});

it("one that is off after all stays noted", async () => {
  then = "exited";
  expect(await afterRefusal()).toHaveProperty("stopped");
});
