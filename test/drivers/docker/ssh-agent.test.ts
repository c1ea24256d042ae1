import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { sshAgent } from "../../../drivers/docker/ssh-agent.js";

let dir: string;
let host = 0;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "trilab-ssh-agent-"));
  await mkdir(join(dir, "logins"));
  vi.stubEnv("PATH", `${dir}:${process.env.PATH}`);
  // Agents stay as long as the process: each test has its own.
  host += 1;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

/** Stands for ssh and the daemon behind it: a script, in whose folder it is run. */
const ssh = (script: string): Promise<void> =>
  writeFile(join(dir, "ssh"), `#!/bin/sh\ncd '${dir}'\n${script}`, { mode: 0o755 });

/** Answers every request with "OK". */
const ANSWERS = `while read -r line; do
  [ "$line" = "$(printf '\\r')" ] || continue
  printf 'HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nOK'
done
`;

/** The body of the answer to one request through the agent. */
const ask = (connections?: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const agent = sshAgent({ target: `root@host${host}`, port: 2222 }, connections);
    get({ host: "docker", agent }, (answer) => resolve(text(answer))).once("error", reject);
  });

it("uses ssh without a terminal or a question, and one login for all requests that follow each other", async () => {
  await ssh(`echo "$@" >>log\n${ANSWERS}`);
  for (let i = 0; i < 3; i++) expect(await ask()).toBe("OK");
  const log = await readFile(join(dir, "log"), "utf8");
  expect(log.trim().split("\n")).toEqual([
    expect.stringMatching(/BatchMode=yes .*-T -p 2222 -- root@host\d+ docker system dial-stdio$/),
  ]);
});

it("logs in three times at once, not more", async () => {
  await ssh(`mkdir logins/$$; ls logins | wc -l >>log; sleep 0.1; rmdir logins/$$\n${ANSWERS}`);
  expect(await Promise.all(Array.from({ length: 8 }, () => ask()))).toEqual(Array(8).fill("OK"));
  const counts = (await readFile(join(dir, "log"), "utf8")).trim().split(/\s+/).map(Number);
  expect(Math.max(...counts)).toBe(3);
});

it("opens no more connections than it may, and uses them for all", async () => {
  await ssh(`echo login >>log\n${ANSWERS}`);
  expect(await Promise.all(Array.from({ length: 8 }, () => ask(2)))).toEqual(Array(8).fill("OK"));
  expect(await readFile(join(dir, "log"), "utf8")).toBe("login\n".repeat(2));
});

it("reads an answer to its end, also when ssh has ended before it", async () => {
  await ssh(`read -r line
{ sleep 0.2; printf 'HTTP/1.1 200 OK\\r\\nConnection: close\\r\\n\\r\\nall of it'; } &
`);
  expect(await ask()).toBe("all of it");
});

it("gives the reason in ssh's words, and lets the next one in", async () => {
  await ssh("echo 'Host key verification failed.' >&2; exit 255");
  for (let i = 0; i < 5; i++)
    await expect(ask()).rejects.toThrow("ssh ended with 255: Host key verification failed.");
});
