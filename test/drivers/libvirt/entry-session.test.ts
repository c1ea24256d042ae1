import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ssh2 from "ssh2";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { openSshSession } from "../../../drivers/libvirt/entry-session.js";

const keys = ssh2.utils.generateKeyPairSync("ecdsa", { bits: 256 });
const address = "10.0.0.2";
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "trilab-test-"));
  await writeFile(join(dir, "key"), keys.private);
  await writeFile(join(dir, "known"), `${address} ${keys.public}\n`);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(dir, { recursive: true });
});

const open = (jump?: string): Promise<unknown> => {
  const files = { identityFile: join(dir, "key"), knownHostsFile: join(dir, "known") };
  return openSshSession({ address, jump, user: "lab", ...files }, { run: { line: "true" } });
};

async function listen(server: Pick<Server, "address" | "listen">): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return (server.address() as AddressInfo).port;
}

it("a connection that ends during the login is an error", async () => {
  const server = createServer((socket) => {
    socket.write("SSH-2.0-OpenSSH_9.2\r\n");
    socket.on("data", () => setTimeout(() => socket.end(), 200));
  });
  const port = await listen(server);
  const { connect } = Socket.prototype;
  vi.spyOn(Socket.prototype, "connect").mockImplementation(function (this: Socket) {
    return Reflect.apply(connect, this, [port, "127.0.0.1"]);
  });
  await expect(open()).rejects.toMatchObject({
    message: "the machine can't be entered now",
    why: "the connection was closed during the login",
  });
  server.close();
});

it("a channel that is refused ends the connection", async () => {
  let closed = (): void => {};
  const over = new Promise<void>((resolve) => {
    closed = resolve;
  });
  const server = new ssh2.Server({ hostKeys: [keys.private] }, (connection) => {
    connection.on("authentication", (attempt) => attempt.accept());
    connection.on("session", (_, reject) => reject());
    connection.on("error", () => {});
    connection.once("close", closed);
  });
  const relay = `const s = require("net").connect(${await listen(server)}, "127.0.0.1"); process.stdin.pipe(s).pipe(process.stdout)`;
  await expect(open(`${process.execPath} -e '${relay}'`)).rejects.toMatchObject({
    message: "the machine can't be entered now",
    why: expect.stringContaining("Channel open failure"),
  });
  await over;
  server.close();
});
