import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import Docker from "dockerode";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { UserError } from "../../../base/errors.js";
import { endWhenSilent } from "../../../drivers/docker/silence.js";
import { copyImage } from "../../../drivers/docker/swarm/image.js";

let dir: string;
let server: Server;
/** How many pings the daemon still answers. */
let pings: number;
/** Answers the request for the daemon's facts. */
let answer: (() => void) | undefined;
/** The responses to requests for an image's archive, which have begun. */
let archives: ServerResponse[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "trilab-silence-"));
  answer = undefined;
  archives = [];
  server = createServer((request, response) => {
    if (request.url === "/info") answer = () => response.end("{}");
    else if (request.url === "/images/i/get") {
      response.write("begins");
      archives.push(response);
    } else if (pings > 0) {
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
  endWhenSilent(watched, connect(), () => new UserError("silent"), patience);
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

describe("a response that has begun", () => {
  it("ends with the error when the daemon falls silent", async () => {
    pings = 3;
    await expect(text(await client().getImage("i").get())).rejects.toThrow("silent");
    expect(pings).toBe(0);
  });

  it("goes on while the daemon answers pings", async () => {
    pings = Number.POSITIVE_INFINITY;
    const archive = text(await client().getImage("i").get());
    await sleep(500);
    archives[0]?.end(" and ends");
    expect(await archive).toBe("begins and ends");
  });

  it("goes on while its pieces arrive", async () => {
    pings = 0;
    const archive = text(await client().getImage("i").get());
    for (let piece = 0; piece < 10; piece++) {
      await sleep(50);
      archives[0]?.write(".");
    }
    archives[0]?.end();
    expect(await archive).toBe("begins..........");
  });

  it("loses nothing of what arrives before it is read", async () => {
    pings = Number.POSITIVE_INFINITY;
    const archive = await client().getImage("i").get();
    await sleep(50);
    archives[0]?.end(" and ends");
    await sleep(50);
    expect(await text(archive)).toBe("begins and ends");
  });
});

it("a copy between daemons names the one that fell silent", async () => {
  pings = 0;
  const target = createServer(async (request, response) => {
    if (request.url?.startsWith("/images/load")) {
      response.writeHead(200).write("{}\n");
      request.resume();
    } else response.end("OK");
  });
  await new Promise<void>((listening) => target.listen(join(dir, "target"), listening));
  const to = new Docker({ socketPath: join(dir, "target") });
  await expect(copyImage(client(), to, { id: "i", tag: "t" })).rejects.toThrow("silent");
  target.closeAllConnections();
  target.close();
});

it("leaves an answer that is an error as it is", async () => {
  const gone = new Docker({ socketPath: join(dir, "none") });
  endWhenSilent(gone, client(), () => new Error("silent"));
  await expect(gone.info()).rejects.toMatchObject({ code: "ENOENT" });
});
