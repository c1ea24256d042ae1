import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Docker from "dockerode";
import { afterEach, beforeEach, expect, it } from "vitest";
import { endWhenSilent } from "../../../drivers/docker/silence.js";

let dir: string;
let server: Server;
/** How many pings the daemon still answers. */
let pings: number;
/** Answers the request for the daemon's facts. */
let answer: (() => void) | undefined;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "trilab-silence-"));
  answer = undefined;
  server = createServer((request, response) => {
    if (request.url === "/info") answer = () => response.end("{}");
    else if (pings > 0) {
      pings -= 1;
      response.end("OK");
    }
  });
  await new Promise<void>((listening) => server.listen(join(dir, "socket"), listening));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
  await rm(dir, { recursive: true });
});

function client(): Docker {
  const connect = () => new Docker({ socketPath: join(dir, "socket") });
  const watched = connect();
  const patience = { askAfter: 20, answerWithin: 200 };
  endWhenSilent(watched, connect(), () => new Error("silent"), patience);
  return watched;
}

it("ends a request when the daemon does not answer a ping beside it", async () => {
  pings = 0;
  await expect(client().info()).rejects.toThrow("silent");
});

it("ends a request when the daemon falls silent later", async () => {
  pings = 3;
  await expect(client().info()).rejects.toThrow("silent");
  expect(pings).toBe(0);
});

it("waits for a daemon that works on the request for longer", async () => {
  pings = Number.POSITIVE_INFINITY;
  const facts = client().info();
  await sleep(500);
  answer?.();
  expect(await facts).toEqual({});
});

it("leaves an answer that is an error as it is", async () => {
  const gone = new Docker({ socketPath: join(dir, "none") });
  endWhenSilent(gone, client(), () => new Error("silent"));
  await expect(gone.info()).rejects.toMatchObject({ code: "ENOENT" });
});
