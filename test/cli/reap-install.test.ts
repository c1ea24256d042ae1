import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { main } from "../../cli/main.js";
import { lineFollow } from "../../cli/show-progress.js";
import type * as daemons from "../../hosts/start-daemons.js";

vi.mock("../../hosts/start-daemons.js", async (original) => ({
  ...(await original<typeof daemons>()),
  hasSystemd: () => false,
}));

let dir: string;
const crontab = (): Promise<string> => readFile(join(dir, "table"), "utf8").catch(() => "");

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "trilab-reap-install-"));
  const standIn = `#!/bin/sh\ncd '${dir}' || exit\nif [ "$1" = - ]; then cat >table\nelif [ -e table ]; then cat table\nelse echo "no crontab for me" >&2; exit 1; fi\n`;
  await writeFile(join(dir, "crontab"), standIn, { mode: 0o755 });
  vi.stubEnv("PATH", `${dir}${delimiter}${process.env.PATH}`);
  vi.stubEnv("HOME", dir);
  for (const name of ["XDG_STATE_HOME", "XDG_CONFIG_HOME"]) vi.stubEnv(name, join(dir, name));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

const trilab = (...argv: string[]): Promise<number> => {
  const plain = (text: string): string => text;
  return main(argv, (json) => ({
    json,
    print: () => {},
    tell: () => {},
    confirm: async () => undefined,
    ask: async () => undefined,
    signal: new AbortController().signal,
    follow: lineFollow(() => {}),
    style: { bold: plain, dim: plain, good: plain, bad: plain, warn: plain },
  }));
};

it("the job asks the same daemons, by flags and by variables", async () => {
  const variables = {
    DOCKER_CONFIG: join(dir, "docker"),
    DOCKER_CERT_PATH: join(dir, "certificates"),
    DOCKER_TLS_VERIFY: "1",
    DOCKER_CONTEXT: "default",
    XDG_CONFIG_HOME: join(dir, "XDG_CONFIG_HOME"),
  };
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  const flags = ["--docker", "ssh://root@lab1", "--libvirt", "qemu+ssh://root@lab1/system"];
  expect(await trilab("reap", "--install", "--others", ...flags)).toBe(0);
  const line = await crontab();
  expect(line).toContain(` reap --others ${flags.join(" ")} >>`);
  for (const [name, value] of Object.entries(variables)) expect(line).toContain(` ${name}=${value} `);
  expect(await trilab("reap", "--uninstall")).toBe(0);
  expect(await crontab()).toBe("");
});

it("a job without flags has none for daemons", async () => {
  expect(await trilab("reap", "--install")).toBe(0);
  expect(await crontab()).toMatch(/ reap >>/);
});

it.each([
  ["--docker", "lab1"],
  ["--libvirt", "lab1"],
])("nothing is installed with an invalid address: %s %s", async (...flags) => {
  await expect(trilab("reap", "--install", ...flags)).rejects.toMatchObject({ exitCode: 2 });
  expect(await crontab()).toBe("");
});

it("an invalid address does not stop --uninstall", async () => {
  await trilab("reap", "--install");
  vi.stubEnv("TRILAB_DOCKER_HOST", "lab1");
  expect(await trilab("reap", "--uninstall")).toBe(0);
  expect(await crontab()).toBe("");
});
