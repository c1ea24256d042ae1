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

describe("the container's image", () => {
  const image = "sha256:i";
  const container = { Id: id, Image: image, Config: { Image: "trilab/machine:x" } };
  const layers = [{ Size: 200 }, { Size: 0 }, { Size: 1000 }];
  /** As with containerd's image store: `Size` is not that of the files. */
  const stored = { Id: image, Size: 300, RootFS: { Layers: ["sha256:l"] } };

  beforeEach(() => {
    answers[`/containers/${name}/json`] = container;
    answers[`/images/${image}/json`] = stored;
    answers[`/images/${image}/history`] = layers;
  });

  it("is as large as its layers are when they are unpacked", async () => {
    expect(await machine().image()).toEqual({ bytes: 1200, changed: false });
  });

  it("is not changed by another image that has its tag now", async () => {
    answers["/images/trilab/machine:x/json"] = { ...stored, Id: "sha256:other", Size: 1 };
    expect(await machine().image()).toEqual({ bytes: 1200, changed: false });
  });

  it.each([
    ["that was removed", undefined, /does not have the image/],
    ["that is not unpacked", 500, /can't be read: not unpacked/],
    ["without a history", [], /does not tell how large/],
  ])("%s has no known size", async (_, history, why) => {
    answers[`/images/${image}/history`] = history;
    await expect(machine().image()).rejects.toBeInstanceOf(HostCostError);
    await expect(machine().image()).rejects.toThrow(why);
  });

  it("is in one folder with overlay2", async () => {
    const GraphDriver = { Name: "overlay2", Data: { UpperDir: "/layer/diff" } };
    answers[`/images/${image}/json`] = { ...stored, GraphDriver };
    expect(await machine().imageFolder()).toBe("/layer/diff");
  });

  it.each([
    ["a daemon that tells no folder", stored, /does not tell where/],
    [
      "containerd's image store",
      { ...stored, GraphDriver: { Name: "overlayfs", Data: null } },
      /in one folder/,
    ],
    ["an image that was removed", undefined, /does not have the image/],
  ])("is in no folder that can be used with %s", async (_, answer, why) => {
    answers[`/images/${image}/json`] = answer;
    await expect(machine().imageFolder()).rejects.toBeInstanceOf(HostCostError);
    await expect(machine().imageFolder()).rejects.toThrow(why);
  });
});
