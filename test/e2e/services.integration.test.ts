import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { expectDone, expectError, host, machine, openHome, tryHost, until } from "./support.js";

const LAB = "web-twice";
const home = openHome();
let [lab, seat, key, keys] = ["", "", "", ""];

const container = (): string => machine(seat, "container", LAB);
const inside = (target: string, ...command: string[]) =>
  home.trilab(["ssh", target, "--seat", seat, "--root", "--", ...command]);
const up = (...args: string[]) => home.trilab(["up", lab, "--seat", seat, "--json", ...args]);
const write = (services: string): Promise<string> =>
  home.lab(
    LAB,
    `machine: { packages: [cron, nginx-light], services: ${services}, authorizedKeys: ["${key}"] }\nprobes: []\n`,
  );
/** The first line that the web server of the machine itself answers. */
const GET =
  "exec 3<>/dev/tcp/127.0.0.1/80; printf 'HEAD / HTTP/1.0\\r\\n\\r\\n' >&3; read -r line <&3; echo $line";

// One story, in order: each test goes on with the seat as the one before left it.
beforeAll(async () => {
  seat = home.seat("a", LAB);
  // Not in the home, whose path ssh would expand.
  keys = await mkdtemp(join(tmpdir(), "trilab-learner-"));
  await host("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "learner", "-f", join(keys, "learner"));
  key = await host("cat", join(keys, "learner.pub"));
});

afterAll(() => rm(keys, { recursive: true, force: true }));

test("a service that no package brings is named before anything is made", async () => {
  lab = await write("[nginx, ngnix]");
  expectError(await up(), 2, /there is no service "ngnix"/, /machine\.services/);
});

test("up: what the lab names runs in container and guest", async () => {
  lab = await write("[nginx]");
  const { parity } = JSON.parse(expectDone(await up()).stdout);
  const row = (id: string) => parity.rows.find((r: { id: string }) => r.id === id);
  expect(row("services")).toMatchObject({ verdict: "match", values: { container: "nginx", guest: "nginx" } });
  expect(row("authorized_keys").values).toEqual({ container: "none: no SSH server", guest: "1" });
  await home.forgetDeployment(LAB, seat);
  expect(JSON.parse(expectDone(await up()).stdout).changes).toEqual({ same: 11 });
});

test("the same command asks both, and what the lab does not name runs in neither", async () => {
  for (const target of ["container", "guest"]) {
    expectDone(await inside(target, "service", "nginx", "status"));
    expect(expectDone(await inside(target, "bash", "-c", GET)).stdout).toMatch(/^HTTP\/1\.1 200 OK/);
    expect((await inside(target, "service", "cron", "status")).exitCode).toBe(3);
  }
});

test("the lab's own keys open the guest, as the user and as root; a container has no SSH server", async () => {
  const { seats } = JSON.parse(expectDone(await home.trilab(["status", "--json"])).stdout);
  const address = seats.find((s: { target: string }) => s.target === "guest").address;
  const options = ["-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"];
  for (const user of ["lab", "root"]) {
    const login = ["-o", "IdentitiesOnly=yes", "-i", join(keys, "learner"), `${user}@${address}`];
    expect((await tryHost("ssh", ...options, ...login, "id", "-un")).all).toMatch(
      new RegExp(`^${user}$`, "m"),
    );
  }
  const listening = expectDone(await inside("container", "ss", "-Hltn")).stdout;
  expect(listening).toMatch(/:80 /);
  expect(listening).not.toMatch(/:22 /);
});

test("a service that crashes leaves its container alone; parity says so, and a restart brings it back", async () => {
  const started = await host("docker", "inspect", "-f", "{{.State.StartedAt}}", container());
  // Process 1 reaps what it killed within a second; until then the dead process has its number.
  const crash = "kill -9 $(pgrep nginx); while service nginx status; do sleep 0.2; done";
  expectDone(await inside("container", "bash", "-c", crash));
  expect(await host("docker", "inspect", "-f", "{{.State.StartedAt}}", container())).toBe(started);
  const parity = await home.trilab(["parity", "--seat", seat]);
  expect(parity.exitCode).toBe(5);
  expect(parity.stdout).toMatch(/✗ +services +nginx +nginx stopped +nginx\n +container: not running/);
  await host("docker", "restart", "-t", "1", container());
  expectDone(await home.trilab(["parity", "--seat", seat]));
  // Nor do services hold the container's output, which the daemon would have to read.
  const all = 'for out in /proc/[0-9]*/fd/[12]; do [[ ! -e $out ]] || echo flood >"$out"; done; echo done';
  expectDone(await inside("container", "bash", "-c", all));
  expect(await host("docker", "logs", container())).toBe("");
});

test("the container ends in time with services and a fork bomb in it", async () => {
  const end = String(Math.floor(Date.now() / 1000) + 20);
  expectDone(await inside("container", "/usr/local/lib/trilab/lifetime", "set", end));
  const bomb = "for i in $(seq 300); do sleep 600 & done; wait";
  await host("docker", "exec", "-d", "-u", "lab", container(), "bash", "-c", bomb);
  const state = (): Promise<string> =>
    host("docker", "inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", container());
  await until("the container ends", async () => (await state()) === "exited 0", 120_000);
});
