import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ExitCode } from "../../../../base/errors.js";
import { SwarmDriver } from "../../../../drivers/docker/swarm/driver.js";
import type { Node, Task } from "../../../../drivers/docker/swarm/tasks.js";

const id = { lab: "l", seat: "s" };
const NAME = "trilab-l-s-container";
const labels = { "trilab.owner": "me@here", "trilab.lab": "l", "trilab.seat": "s" };

let dir: string;
let servers: Server[];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "trilab-swarm-"));
  servers = [];
});
afterEach(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  await rm(dir, { recursive: true });
});

/** A daemon that answers with these texts; for other paths, that there is no such thing. @returns what it was asked to change. */
async function daemon(name: string, answers: Record<string, unknown>): Promise<string[]> {
  const changes: string[] = [];
  const server = createServer((request, response) => {
    const path = (request.url ?? "").split("?")[0] ?? "";
    if (request.method !== "GET") changes.push(`${request.method} ${path}`);
    const answer = answers[path];
    response.writeHead(answer === undefined ? 404 : 200, { "Content-Type": "application/json" });
    response.end(JSON.stringify(answer ?? { message: "no such thing" }));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(join(dir, name), resolve));
  return changes;
}

const node = (name: string, state = "ready"): Node => ({
  ID: `id-${name}`,
  Description: { Hostname: name, Resources: { NanoCPUs: 2e9, MemoryBytes: 2 ** 32 } },
  Status: { State: state },
  Spec: { Availability: "active" },
});
const task = (ID: string, on: string, minute: number, state = "running", desired = "running"): Task => ({
  ID,
  ServiceID: "s1",
  NodeID: `id-${on}`,
  Slot: 1,
  CreatedAt: `2026-01-01T00:0${minute}:00Z`,
  DesiredState: desired,
  Status: { State: state, ...(state === "pending" ? { Err: "no suitable node" } : {}) },
});
const service = { ID: "s1", Version: { Index: 7 }, Spec: { Name: NAME, Labels: labels } };

/** A manager with a service and its network, and with a network of another seat on its own daemon. */
const manager = (nodes: Node[], tasks: Task[], services: object[] = [service]) =>
  daemon("manager", {
    "/_ping": "OK",
    "/info": { Swarm: { ControlAvailable: true } },
    "/nodes": nodes,
    "/tasks": tasks,
    "/services": services,
    [`/services/${NAME}`]: services[0],
    "/services/s1": services[0],
    "/networks": [
      { Name: NAME, Id: "n1", Scope: "swarm", Labels: labels },
      { Name: "trilab-l-other-container", Id: "n2", Scope: "local", Labels: labels },
    ],
  });
const home = { Name: `${NAME}-home`, Labels: { ...labels, "trilab.swarm": "home" } };
const worker = (name: string, volumes: object[], containers: object[] = []) =>
  daemon(name, { "/_ping": "OK", "/volumes": { Volumes: volumes }, "/containers/json": containers });

const swarm = (...names: string[]): SwarmDriver =>
  new SwarmDriver({
    kind: "docker",
    host: `unix://${join(dir, "manager")}`,
    swarm: Object.fromEntries(names.map((name) => [name, `unix://${join(dir, name)}`])),
  });

describe("the inventory of a Swarm", () => {
  it("has the service as the seat's container, its network, and a home on each node", async () => {
    await manager(
      [node("lab1"), node("lab2")],
      [task("t2", "lab2", 2), task("t1", "lab1", 1, "running", "shutdown")],
    );
    await worker("lab1", [home]);
    await worker("lab2", [home]);
    const { labelled } = await swarm("lab1", "lab2").inventory(id);
    expect(labelled.map(({ found }) => found)).toEqual([
      {
        kind: "container",
        name: NAME,
        id: "s1",
        state: "running",
        owner: "me@here",
        node: "lab2",
        homesElsewhere: ["lab1"],
      },
      { kind: "container network", name: NAME, id: "n1", state: "", owner: "me@here" },
      { kind: "container home", name: `${NAME}-home`, id: `lab1/${NAME}-home`, state: "", owner: "me@here" },
      { kind: "container home", name: `${NAME}-home`, id: `lab2/${NAME}-home`, state: "", owner: "me@here" },
    ]);
  });

  it("knows by its tasks that a home is on a node that is lost", async () => {
    await manager(
      [node("lab1"), node("lab2", "down")],
      [task("t2", "lab1", 2), task("t1", "lab2", 1, "running", "shutdown")],
    );
    await worker("lab1", [home]);
    const { labelled } = await swarm("lab1", "lab2").inventory(id);
    expect(labelled[0]?.found).toMatchObject({ node: "lab1", homesElsewhere: ["lab2"] });
  });

  it("has the containers that a removed service left on a node", async () => {
    await manager([node("lab1")], [], []);
    await worker("lab1", [], [{ Id: "c1", Names: [`/${NAME}.1.t1`], State: "exited" }]);
    const { labelled } = await swarm("lab1").inventory(id);
    expect(labelled.map(({ found }) => `${found.kind} ${found.id}`)).toEqual([
      "container network n1",
      "container lab1/c1",
    ]);
  });

  it("removes each thing where it is", async () => {
    const [atManager, atWorker] = [await manager([node("lab1")], []), await worker("lab1", [home])];
    const driver = swarm("lab1");
    for (const { found } of (await driver.inventory(id)).labelled) await driver.remove(found);
    expect(atManager).toEqual(["DELETE /services/s1", "DELETE /networks/n1"]);
    expect(atWorker).toEqual([`DELETE /volumes/${NAME}-home`]);
  });
});

describe("the container of a service", () => {
  it("is opened on the node of its task, under its name there", async () => {
    await manager(
      [node("lab1"), node("lab2")],
      [task("t2", "lab2", 2), task("t1", "lab1", 1, "failed", "shutdown")],
    );
    const { environment, machine } = await swarm("lab1", "lab2").open(NAME, "lab");
    expect([environment.name, machine.name]).toEqual([`${NAME}.1.t2`, `${NAME}.1.t2`]);
  });

  it("is not opened while it does not run: the Swarm's reason is in the error", async () => {
    await manager([node("lab1")], [task("t1", "lab1", 1, "pending")]);
    await expect(swarm("lab1").open(NAME, "lab")).rejects.toMatchObject({
      message: `the container ${NAME} does not run`,
      why: "the Swarm says: its task is pending: no suitable node",
    });
  });

  it("is not opened on a node that is lost, or that has no address here", async () => {
    await manager([node("lab1", "down"), node("lab2")], [task("t1", "lab1", 1)]);
    const failed = { exitCode: ExitCode.hostNotReady };
    await expect(swarm("lab1", "lab2").open(NAME, "lab")).rejects.toMatchObject({
      ...failed,
      message: "the node lab1 does not answer",
    });
    for (const server of servers.splice(0)) server.close();
    await rm(join(dir, "manager"), { force: true });
    await manager([node("lab1"), node("lab2")], [task("t1", "lab1", 1)]);
    await expect(swarm("lab2").open(NAME, "lab")).rejects.toMatchObject({
      ...failed,
      message: "the node lab1 of the Swarm has no address here",
    });
  });
});

describe("the nodes", () => {
  it("are lost when the manager does not hear from them or they don't answer, and not when they left the Swarm", async () => {
    await manager([node("lab1"), node("lab2", "down"), node("lab3")], []);
    await worker("lab1", []);
    const lost = await swarm("lab1", "lab2", "lab3", "lab4").lost();
    expect(lost.map(({ name }) => name)).toEqual(["lab2", "lab3"]);
  });

  it("without an address here are avoided", async () => {
    await manager([node("lab1"), node("lab9")], [], []);
    await daemon("lab1", { "/images/trilab/machine:1/json": { Id: "sha256:abc" } });
    const driver = swarm("lab1");
    expect(await driver.forService(NAME, "trilab/machine:1")).toEqual({
      image: "sha256:abc",
      avoid: ["lab9"],
    });
    await expect(driver.forService(NAME, "trilab/machine:2")).rejects.toThrow(/not every node/);
  });

  it("don't need the image of a service that exists", async () => {
    const Spec = { ...service.Spec, TaskTemplate: { ContainerSpec: { Image: "sha256:old" } } };
    await manager([node("lab1")], [], [{ ...service, Spec }]);
    await daemon("lab1", {});
    expect(await swarm("lab1").forService(NAME, "trilab/machine:1")).toMatchObject({ image: "sha256:old" });
  });

  it("must have the same image", async () => {
    await manager([node("lab1"), node("lab2")], []);
    await daemon("lab1", { "/images/trilab/machine:1/json": { Id: "sha256:abc" } });
    await daemon("lab2", { "/images/trilab/machine:1/json": { Id: "sha256:def" } });
    expect(await swarm("lab1").hasImage("trilab/machine:1")).toBe(true);
    expect(await swarm("lab1", "lab2").hasImage("trilab/machine:1")).toBe(false);
  });

  it("are as large as the largest, and each that is named must be in the Swarm", async () => {
    await manager([node("lab1"), node("lab2", "down")], []);
    expect(await swarm("lab1").capacity()).toEqual({ cpus: 2, memory: 2 ** 32 });
    await expect(swarm("lab1", "lab3").capacity()).rejects.toMatchObject({
      exitCode: ExitCode.usage,
      message: expect.stringMatching(/has no node lab3$/),
    });
  });

  it("one of them must be usable", async () => {
    await manager([node("lab1", "down"), node("lab9")], []);
    await expect(swarm("lab1").inventory(id)).rejects.toMatchObject({
      exitCode: ExitCode.hostNotReady,
      why: expect.stringContaining("lab1: down, lab9: ready"),
    });
  });
});

it("refuses a daemon that is no manager", async () => {
  await daemon("manager", { "/_ping": "OK", "/info": { Swarm: { ControlAvailable: false } } });
  await expect(swarm("lab1").preflight()).rejects.toMatchObject({
    exitCode: ExitCode.hostNotReady,
    message: expect.stringMatching(/no manager of a Swarm/),
  });
});
