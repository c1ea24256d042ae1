import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DockerDriver } from "../../../drivers/docker/driver.js";
import { HostCostError } from "../../../drivers/machine.js";
import { FakeDocker } from "../../support/fake-docker.js";

const name = "trilab-l-s-container";
const id = "c".repeat(64);

let dir: string;
let daemon: FakeDocker;
/** What the daemon answers to a path; everything else is not there. */
let answers: Record<string, unknown>;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "trilab-machine-"));
  answers = {};
  daemon = new FakeDocker(join(dir, "socket"), (_, path, response) => {
    const answer = answers[decodeURIComponent(path)];
    if (answer === undefined) response.writeHead(404).end('{"message":"no such thing"}');
    else if (typeof answer === "number") response.writeHead(answer).end('{"message":"not unpacked"}');
    else response.end(JSON.stringify(answer));
  });
  await daemon.listen();
});
afterEach(async () => {
  await daemon.close();
  await rm(dir, { recursive: true });
});

const machine = () => new DockerDriver(daemon.endpoint).machine(name, "lab");

describe("a daemon behind a local socket that runs elsewhere", () => {
  it.each([
    ["of another program here", process.pid],
    ["of no process here", 2 ** 30],
  ])("reports a process number %s: the container's cost can't be read", async (_, Pid) => {
    answers[`/containers/${name}/json`] = { Id: id, State: { Running: true, Pid } };
    for (const reading of [machine().memory(), machine().process(), machine().cpuSeconds()]) {
      await expect(reading).rejects.toBeInstanceOf(HostCostError);
      await expect(reading).rejects.toThrow("the daemon's processes are not on this machine");
    }
  });
});
