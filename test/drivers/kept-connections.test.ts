import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import ssh2 from "ssh2";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { which } from "../../base/privilege.js";
import { hasEnded } from "../../base/processes.js";
import { privateScratchRoot, scratchRoot } from "../../base/scratch.js";
import { sweepClaims } from "../../drivers/connection-claims.js";
import { closeConnections } from "../../drivers/kept-connections.js";
import { LibvirtDriver } from "../../drivers/libvirt/driver.js";
import { GuestEnvironment } from "../../drivers/libvirt/guest-environment.js";
import { newKeyPair } from "../../seats/seat-keys.js";

let dir: string;
let server: ssh2.Server;
/** How many connections were made, and how many are open. */
let [made, open] = [0, 0];
let environment: GuestEnvironment;
const access = { target: "vps", name: "machine", address: "127.0.0.1", user: "lab" } as const;

/** A libvirt that says which start of the domain this is. */
class Running extends LibvirtDriver {
  current: string | undefined = "1";
  override async startOf(): Promise<string | undefined> {
    return this.current;
  }
}

beforeEach(async () => {
  [made, open] = [0, 0];
  dir = await mkdtemp(join(tmpdir(), "trilab-kept-"));
  vi.stubEnv("XDG_STATE_HOME", dir);
  const [host, user] = [await newKeyPair("host"), await newKeyPair("user")];
  const identityFile = join(dir, "id");
  await writeFile(identityFile, user.private, { mode: 0o600 });
  server = new ssh2.Server({ hostKeys: [host.private] }, (client) => {
    client.on("error", () => {});
    client.on("authentication", (ask) =>
      ask.method === "publickey" ? ask.accept() : ask.reject(["publickey"]),
    );
    client.on("ready", () => {
      [made, open] = [made + 1, open + 1];
      client.on("close", () => {
        open -= 1;
      });
    });
    // What ssh -W asks a host between for.
    client.on("tcpip", (accept, _reject, { destPort }) => {
      const [there, here] = [connect(destPort, "127.0.0.1"), accept()];
      there.pipe(here).pipe(there);
      for (const end of [there, here]) end.on("error", () => {});
    });
    client.on("session", (accept) => {
      accept().on("exec", (run, _reject, { command }) => {
        const channel = run();
        channel.write(`did ${command}\n`);
        channel.exit(command.startsWith("fail") ? 3 : 0);
        channel.end();
      });
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  const knownHostsFile = join(dir, "known_hosts");
  await writeFile(knownHostsFile, `[127.0.0.1]:${port} ${host.public}\n`);
  const real = which("ssh");
  await writeFile(join(dir, "ssh"), `#!/bin/sh\nexec ${real} -o Port=${port} "$@"\n`, { mode: 0o755 });
  vi.stubEnv("PATH", [dir, process.env.PATH].join(delimiter));
  environment = new GuestEnvironment({ ...access, identityFile, knownHostsFile });
});
afterEach(async () => {
  await closeConnections("machine");
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  expect(existsSync(scratchRoot())).toBe(false);
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

const did = (command: string, exitCode = 0) => ({ exitCode, stdout: `did ${command}`, stderr: "" });
const sockets = async (): Promise<string[]> => {
  const [machine] = await readdir(join(scratchRoot(), "ssh"));
  const folder = join(scratchRoot(), "ssh", machine ?? "");
  return (await readdir(folder)).map((name) => join(folder, name));
};
/** The process that keeps the connection at a socket: it bears the socket's name. */
const keepers = (): number[] =>
  execFileSync("ps", ["-e", "-o", "pid=,args="], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.includes(`${scratchRoot()}/`) && line.includes("[mux]"))
    .map((line) => Number.parseInt(line, 10));

it("commands share a connection, each user has one, and closing leaves no process and no socket", async () => {
  expect(await environment.exec(["one"])).toEqual(did("one"));
  expect(await environment.exec(["fail"])).toEqual(did("fail", 3));
  expect(await environment.capture(["two three"])).toEqual(did("two three"));
  expect(made).toBe(1);
  expect(await environment.exec(["four"], { root: true })).toEqual(did("four"));
  expect(made).toBe(2);
  expect(keepers().length).toBe(2);
  await closeConnections("machine");
  expect(keepers()).toEqual([]);
  expect(existsSync(join(scratchRoot(), "ssh"))).toBe(false);
  await vi.waitFor(() => expect(open).toBe(0));
  expect(await environment.exec(["five"])).toEqual(did("five"));
  expect(made).toBe(3);
});

it("commands that begin at once all get their answer, and nothing is said about each other", async () => {
  const words = ["a", "b", "c", "d"];
  const answers = await Promise.all(words.map((word) => environment.exec([word])));
  expect(answers).toEqual(words.map((word) => did(word)));
  const before = made;
  expect(await environment.exec(["e"])).toEqual(did("e"));
  expect(made).toBe(before);
  expect(keepers().length).toBe(1);
});

it("a command whose connection is measured gets its own, and leaves none", async () => {
  expect(await environment.exec(["one"], { ownConnection: true })).toEqual(did("one"));
  expect(keepers()).toEqual([]);
  await environment.exec(["two"]);
  const { result } = await environment.firstAnswer(["three"], { ownConnection: true }, 0);
  expect(result).toEqual(did("three"));
  expect(made).toBe(3);
});

it("through another host, the connection to that host is kept and closed with it", async () => {
  const [identityFile, knownHostsFile] = [join(dir, "id"), join(dir, "known_hosts")];
  const { port } = server.address() as AddressInfo;
  const query = new URLSearchParams({ keyfile: identityFile, known_hosts: knownHostsFile });
  const libvirt = new Running({ kind: "libvirt", uri: `qemu+ssh://lab@127.0.0.1:${port}/system?${query}` });
  const behind = new GuestEnvironment({ ...access, identityFile, knownHostsFile }, libvirt);
  expect(await behind.exec(["one"])).toEqual(did("one"));
  expect(await behind.exec(["two"])).toEqual(did("two"));
  expect([made, keepers().length]).toEqual([2, 1]);
  // The domain was started again: what is open belongs to the start before.
  libvirt.current = "2";
  expect(await behind.exec(["three"])).toEqual(did("three"));
  expect(made).toBe(4);
  await closeConnections("machine");
  expect(keepers()).toEqual([]);
  await vi.waitFor(() => expect(open).toBe(0));
  libvirt.current = undefined;
  expect(await behind.exec(["four"])).toEqual(did("four"));
  expect(keepers()).toEqual([]);
});

it("another host key is another connection: what is open does not vouch for it", async () => {
  await environment.exec(["one"]);
  const knownHostsFile = join(dir, "known_hosts");
  const known = await readFile(knownHostsFile, "utf8");
  await writeFile(knownHostsFile, known.replace(/ssh-ed25519 .*/, (await newKeyPair("other")).public));
  expect((await environment.exec(["two"])).exitCode).toBe(255);
});

it("a keeper that was killed, and a claim whose process was, cost no command more than a connection of its own", async () => {
  await environment.exec(["one"]);
  for (const pid of keepers()) process.kill(pid, "SIGKILL");
  await vi.waitFor(() => expect(keepers()).toEqual([]));
  // Its socket is still there.
  expect((await sockets()).length).toBe(1);
  expect(await environment.exec(["two"])).toEqual(did("two"));
  expect(await environment.exec(["three"])).toEqual(did("three"));
  expect(made).toBe(2);
  const [socket = ""] = await sockets();
  await closeConnections("machine");
  await leaveClaim(socket);
  for (const word of ["five", "six"]) expect(await environment.exec([word])).toEqual(did(word));
  expect(keepers().length).toBe(1);
});

it("what a killed command left of a connection that it was opening is removed with the machine, and by the next command", async () => {
  await environment.exec(["one"]);
  const [socket = ""] = await sockets();
  await leaveClaim(`${socket}2`);
  await sweepClaims();
  expect(await sockets()).toEqual([socket]);
  await leaveClaim(`${socket}2`);
  await closeConnections("machine");
  expect(existsSync(scratchRoot())).toBe(false);
  await leaveClaim(socket);
  await sweepClaims();
  expect(existsSync(scratchRoot())).toBe(false);
});

/** Leaves a claim as a killed process does. */
async function leaveClaim(socket: string): Promise<void> {
  const ended = 2 ** 22 + 1; // more than Linux has
  expect(hasEnded(ended)).toBe(true);
  await privateScratchRoot();
  await mkdir(dirname(socket), { recursive: true, mode: 0o700 });
  await symlink(String(ended), `${socket}.new`);
}
