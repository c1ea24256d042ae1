import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { virtlogdAnswers } from "../../hosts/start-daemons.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "trilab-daemons-"));
});
afterEach(() => rm(folder, { recursive: true }));

test("a socket that takes connections answers", async () => {
  const path = join(folder, "live");
  const server = createServer().listen(path);
  await once(server, "listening");
  expect(await virtlogdAnswers(path)).toBe(true);
  server.close();
});

test("no socket, no answer", async () => {
  expect(await virtlogdAnswers(join(folder, "none"))).toBe(false);
});

test("a socket file that outlived its daemon is no answer", async () => {
  const path = join(folder, "stale");
  const listen = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => console.log("up"))`;
  const daemon = spawn(process.execPath, ["-e", listen], { stdio: ["ignore", "pipe", "inherit"] });
  await once(daemon.stdout, "data");
  daemon.kill("SIGKILL");
  await once(daemon, "exit");
  expect(existsSync(path)).toBe(true);
  expect(await virtlogdAnswers(path)).toBe(false);
});
