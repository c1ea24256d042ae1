import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { seatDir, writeRecord } from "../../seats/seat-record.js";
import { seatStatus } from "../../seats/status.js";
import { sealWith } from "../../shared/seal.js";
import { SharedState } from "../../shared/shared-state.js";
import { FakeDocker } from "../support/fake-docker.js";
import { MemoryBucket } from "../support/memory-bucket.js";
import { seatRecord } from "./record.js";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "trilab-status-"));
  vi.stubEnv("XDG_STATE_HOME", dir);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

/** Records a seat with a container at a daemon. @returns the seat. */
async function seat(name: string, socket: string, more: Parameters<typeof seatRecord>[0] = {}) {
  const endpoint = { kind: "docker", host: `unix://${socket}` } as const;
  const machines = [{ target: "container", name: `trilab-l-${name}-container`, endpoint }] as const;
  await writeRecord(seatRecord({ seat: name, machines: [...machines], ...more }));
  return { lab: "l", seat: name };
}

it("a daemon that does not answer, and a record that can't be read, hide no other seat", async () => {
  const socket = join(dir, "daemon");
  const labels = { "trilab.lab": "l", "trilab.seat": "here", "trilab.owner": "me@here" };
  const container = { Id: "c", Names: ["/trilab-l-here-container"], State: "running", Labels: labels };
  const daemon = new FakeDocker(socket, (_, path, response) => {
    if (path === "/_ping") response.end("OK");
    else if (path === "/containers/json") response.end(JSON.stringify([container]));
    else response.end(path === "/volumes" ? '{"Volumes": []}' : "[]");
  });
  await daemon.listen();
  const damaged = { lab: "l", seat: "damaged" };
  await mkdir(seatDir(damaged), { recursive: true });
  await writeFile(join(seatDir(damaged), "seat.json"), "{");
  const seats = [damaged, await seat("far", join(dir, "none")), await seat("here", socket)];
  const { rows, silent } = await seatStatus(seats);
  expect(rows).toMatchObject([
    { seat: "damaged", target: "?", state: "record damaged: trilab down l --seat damaged --by-label" },
    { seat: "far", target: "container", state: "not answered" },
    { seat: "here", target: "container", state: "running" },
  ]);
  expect(silent).toHaveLength(1);
  await daemon.close();
});

it("a seat that only another machine reaches is not called damaged", async () => {
  const state = new SharedState("s3://b", dir, "copy", new MemoryBucket(), sealWith(randomBytes(32)));
  await state.run(async () => {
    const there = await seat("there", "/none", { onlyFrom: { id: "0123456789abcdef", name: "laptop" } });
    const { rows } = await seatStatus([there]);
    expect(rows).toMatchObject([
      { seat: "there", state: expect.stringMatching(/^not known: .*only.* from the machine "laptop"/) },
    ]);
  });
});
