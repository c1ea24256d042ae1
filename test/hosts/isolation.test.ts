import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { silent } from "../../base/progress.js";
import { CHECKS } from "../../hosts/checks.js";
import * as daemons from "../../hosts/daemons.js";
import { bootUnit, forgetIsolation, keepSeatsApart, seatsAreApart } from "../../hosts/isolation.js";

vi.mock("../../hosts/daemons.js", async (original) => ({
  ...(await original<typeof daemons>()),
  hasSystemd: vi.fn(() => false),
}));

/** Every command of these tests is a stand-in: this user is not root, and what is done as root goes through its sudo. */
let folder: string;
let server: Server | undefined;
const LOCAL = { docker: true, libvirt: false };

const standIn = async (name: string, script: string): Promise<void> => {
  await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`);
  await chmod(join(folder, name), 0o755);
};
/** sudo writes down what it is asked to do; `check` is the script that answers for iptables -C. */
const sudo = (check: string): Promise<void> =>
  standIn("sudo", `echo "$*" >>"${folder}/log"\ncase "$*" in *" -C "*) ${check} ;; esac`);
const STANDS = "exit 0";
const NONE = 'echo "iptables: Bad rule (does a matching rule exist in that chain?)." >&2; exit 1';
const UNKNOWN = 'echo "sudo: a password is required" >&2; exit 1';
const done = async (): Promise<string> => readFile(join(folder, "log"), "utf8").catch(() => "");

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "trilab-isolation-"));
  vi.stubEnv("PATH", `${folder}${delimiter}${process.env.PATH}`);
  vi.stubEnv("DOCKER_HOST", `unix://${folder}/docker.sock`);
  vi.stubEnv("TRILAB_DOCKER_HOST", "");
  vi.spyOn(process, "getuid").mockReturnValue(1000);
  for (const name of ["iptables", "docker", "virsh"]) await standIn(name, "exit 0");
  await standIn("systemctl", "exit 3");
});
afterEach(async () => {
  server?.close();
  server = undefined;
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  vi.mocked(daemons.hasSystemd).mockReturnValue(false);
  await rm(folder, { recursive: true });
});

/** A Docker daemon with these networks. */
async function dockerWith(networks: object[]): Promise<void> {
  server = createServer((_, response) => response.end(JSON.stringify(networks)));
  await new Promise<void>((resolve) => server?.listen(join(folder, "docker.sock"), resolve));
}

test.each([
  ["stands", STANDS, true],
  ["does not stand", NONE, false],
  ["is for root to see", UNKNOWN, undefined],
])("a rule that %s is told as that", async (_, check, expected) => {
  await sudo(check);
  expect(await seatsAreApart()).toBe(expected);
});

test("where only root may look, the boot unit's state tells", async () => {
  await sudo(UNKNOWN);
  await standIn("systemctl", "exit 0");
  expect(await seatsAreApart()).toBe(true);
});

test.each([
  ["is missing", NONE],
  ["can't be seen", UNKNOWN],
])("a host whose rule %s is not ready, and can be mended", async (_, check) => {
  await sudo(check);
  const finding = await CHECKS.find(({ id }) => id === "isolation")?.run(LOCAL);
  expect(finding).toMatchObject({ ok: false, repair: expect.any(Function) });
});

test("a host that carries no seats itself needs no rule", async () => {
  await sudo(NONE);
  vi.stubEnv("DOCKER_HOST", "tcp://docker.example:2375");
  const finding = await CHECKS.find(({ id }) => id === "isolation")?.run(LOCAL);
  expect(finding).toMatchObject({ ok: true });
});

test("the rule is added once, also where nobody could tell whether it stands", async () => {
  await sudo(UNKNOWN);
  await keepSeatsApart(silent, { ask: false });
  const [, removed, added, ...more] = (await done()).trim().split("\n");
  expect(removed).toMatch(/^-n env iptables .* -D FORWARD/);
  expect(added).toMatch(/^-n env iptables .* -A FORWARD/);
  expect(more).toEqual([]);
});

test("where systemd runs, a unit sets it, now and at every boot", async () => {
  vi.mocked(daemons.hasSystemd).mockReturnValue(true);
  await sudo(NONE);
  await keepSeatsApart(silent);
  const steps = (await done()).trim().split("\n").slice(1);
  expect(steps.map((step) => step.replace(/\S*\/(?=trilab)/g, ""))).toEqual([
    "env install -m 644 trilab-seats-apart.service trilab-seats-apart.service",
    "env systemctl daemon-reload",
    "env systemctl enable trilab-seats-apart.service",
    "env systemctl restart trilab-seats-apart.service",
  ]);
});

test("the unit sets the rule once, before what brings seats back", () => {
  const unit = bootUnit("/usr/sbin/iptables").split("\n");
  const rule = "FORWARD -s 10.213.0.0/16 -d 10.213.0.0/16 -m comment --comment trilab -j DROP";
  expect(unit).toContain(`ExecStartPre=-/usr/sbin/iptables -w 10 -t mangle -D ${rule}`);
  expect(unit).toContain(`ExecStart=/usr/sbin/iptables -w 10 -t mangle -A ${rule}`);
  expect(unit.find((line) => line.startsWith("Before="))).toMatch(/docker\.service.*libvirtd\.service/);
});

test("the rule goes when neither daemon has a seat's network", async () => {
  await sudo(STANDS);
  await dockerWith([]);
  await forgetIsolation(silent);
  expect(await done()).toMatch(/^-n env iptables .* -D FORWARD/m);
});

test.each<[string, () => Promise<void>]>([
  ["Docker has one", () => dockerWith([{ Name: "trilab-lab-alice-container" }])],
  ["Docker does not answer", async () => {}],
  [
    "libvirt has one",
    async () => {
      await dockerWith([]);
      await standIn("virsh", "echo trilab-lab-alice-guest");
    },
  ],
])("the rule stays when %s", async (_, arrange) => {
  await sudo(STANDS);
  await arrange();
  await forgetIsolation(silent);
  expect(await done()).not.toContain("-D");
});
