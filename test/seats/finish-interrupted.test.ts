import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ExitCode } from "../../base/errors.js";
import { LibvirtDriver } from "../../drivers/libvirt/driver.js";
import { Steps } from "../../model/events.js";
import { finishInterrupted } from "../../seats/finish-interrupted.js";
import { beginChange, changeBegun } from "../../seats/journal.js";
import { openMachine } from "../../seats/open-target.js";
import { replaceMachine } from "../../seats/replace-machine.js";
import { replaceableMachines } from "../../seats/replaceable.js";
import { FakeDocker } from "../support/fake-docker.js";
import { seatRecord } from "./record.js";

let dir: string;
let daemon: FakeDocker;
/** A container's state in Docker's words, or the status with which the daemon refuses to tell it. */
let state: string | number;
/** The requests that change something. */
let changes: string[];

const name = "trilab-l-s-container";
const info = () => ({
  Id: "made",
  Name: `/${name}`,
  Config: {},
  HostConfig: { RestartPolicy: { Name: "on-failure" } },
  Mounts: [],
  NetworkSettings: { Networks: {} },
  State: { Running: state === "running", StartedAt: "then" },
});
/** What the daemon answers to a path; everything else is an error. */
const answers: Readonly<Record<string, () => unknown>> = {
  "/containers/json": () => [{ Id: "made", Names: [`/${name}`], State: state, Labels: {} }],
  "/networks": () => [],
  "/volumes": () => ({ Volumes: [] }),
  "/images/json": () => [{ Id: "nameless", RepoTags: [], Labels: {}, Created: 1 }],
  [`/containers/${name}/json`]: info,
  "/containers/made/json": info,
};

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "trilab-finish-"));
  vi.stubEnv("XDG_STATE_HOME", dir);
  changes = [];
  daemon = new FakeDocker(join(dir, "socket"), (method, path, response) => {
    const isRefused = typeof state === "number" && path === `/containers/${name}/json`;
    const answer = isRefused ? undefined : answers[path];
    if (method !== "GET") changes.push(`${method} ${path}`);
    if (path.endsWith("/start")) state = "running";
    if (path.endsWith("/start")) response.writeHead(204).end();
    else if (method === "DELETE") response.end("[]");
    else if (answer === undefined) response.writeHead(isRefused ? Number(state) : 500).end("{}");
    else response.end(JSON.stringify(answer()));
  });
  await daemon.listen();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await daemon.close();
  await rm(dir, { recursive: true });
});

function seat() {
  const { endpoint } = daemon;
  return seatRecord({ machines: [{ target: "container", name, endpoint, address: "10.213.0.2" }] });
}
const finish = () => finishInterrupted(seat(), { waitMs: 1 }, new Steps(() => {}));
const container = { container: { name }, volumes: [{ Name: `${name}-home` }] };

describe("whether a container runs", () => {
  it("is no where there is none, and an error where the daemon does not tell", async () => {
    const machine = await openMachine(seat(), "container");
    state = 404;
    expect(await machine.running()).toBe(false);
    await machine.stop();
    state = 500;
    await expect(machine.running()).rejects.toThrow(/can't be read/);
    await expect(machine.stop()).rejects.toThrow(/can't be read/);
    await daemon.close();
    await expect(machine.running()).rejects.toMatchObject({ exitCode: ExitCode.hostNotReady });
  });
});

describe("an interrupted replacement", () => {
  it("is not finished while the daemon does not tell whether the machine runs", async () => {
    await beginChange(seat(), "container", { operation: "replace", container });
    state = 500;
    await expect(finish()).rejects.toThrow(/can't be read/);
    expect(changes).toEqual([]);
    expect(await changeBegun(seat(), "container")).toBeDefined();
  });

  it("is never made once more: the machine is only started, with what was done in it since", async () => {
    await beginChange(seat(), "container", { operation: "replace", container, made: true });
    state = "exited";
    await finish();
    expect(changes.filter((change) => !change.includes("/exec"))).toEqual([
      "POST /containers/made/start",
      "DELETE /images/nameless",
    ]);
    expect(await changeBegun(seat(), "container")).toBeUndefined();
  });

  it("is over when the machine runs", async () => {
    await beginChange(seat(), "container", { operation: "replace", container, made: true });
    state = "running";
    await finish();
    expect(changes.filter((change) => !change.includes("/exec"))).toEqual(["DELETE /images/nameless"]);
    expect(await changeBegun(seat(), "container")).toBeUndefined();
  });
});

it("a replacement notes that it is made before the machine starts, without memory of another disk", async () => {
  const record = seatRecord({ targets: ["guest"] });
  const [guest] = replaceableMachines(record);
  if (guest === undefined) throw new Error("no guest");
  const done: unknown[] = [];
  const steps = ["requireBaseDisk", "switchOff", "forgetMemory", "recreateDisk", "startFromDisk"] as const;
  for (const step of steps)
    vi.spyOn(LibvirtDriver.prototype, step).mockImplementation(async () => {
      done.push([step, await changeBegun(record, "guest")]);
    });
  await replaceMachine(record, guest, { update: () => {}, note: () => {} });
  vi.restoreAllMocks();
  const begun = { operation: "replace" };
  expect(done).toEqual([
    ["requireBaseDisk", undefined],
    ["switchOff", begun],
    ["forgetMemory", begun],
    ["recreateDisk", begun],
    ["startFromDisk", { ...begun, made: true }],
  ]);
  expect(await changeBegun(record, "guest")).toBeUndefined();
});
