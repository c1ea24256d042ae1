import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ssh2 from "ssh2";
import { rootfsDir } from "../../images/assets.js";
import { EXPIRES_FILE, LIFETIME_PROGRAM } from "../../model/lifetime.js";

/** What answers in the place of a rented machine: an SSH server that runs on this host what it is told to. */
export interface SshMachine {
  /** On 127.0.0.1. */
  port: number;
  /** When it thinks that it ends, as its own file says. */
  expires(): Promise<string>;
  stop(): Promise<void>;
}

/** @param keys The seat's: its private host key, and the public key that is let in. Paths. */
export async function startSshMachine(keys: { host: string; user: string }): Promise<SshMachine> {
  const root = await mkdtemp(join(tmpdir(), "trilab-ssh-machine-"));
  for (const dir of ["var/lib/trilab", "run"]) await mkdir(join(root, dir), { recursive: true });
  const allowed = ssh2.utils.parseKey(await readFile(keys.user));
  if (allowed instanceof Error) throw allowed;
  const isAllowed = (data: Buffer): boolean => allowed.getPublicSSH().equals(data);

  const clients = new Set<ssh2.Connection>();
  const server = new ssh2.Server({ hostKeys: [await readFile(keys.host)] }, (client) => {
    clients.add(client);
    client.on("error", () => {});
    client.on("close", () => clients.delete(client));
    client.on("authentication", (ask) => {
      if (ask.method !== "publickey" || !isAllowed(ask.key.data)) return ask.reject(["publickey"]);
      const { blob, signature, hashAlgo } = ask;
      if (signature && blob && allowed.verify(blob, signature, hashAlgo) !== true) return ask.reject();
      ask.accept();
    });
    client.on("session", (open) => {
      open().on("exec", (accept, _reject, { command }) => {
        const channel = accept();
        // The machine's own program, with a root of its own.
        const here = command.replaceAll(LIFETIME_PROGRAM, join(rootfsDir, LIFETIME_PROGRAM));
        const child = spawn("bash", ["-c", here], { env: { ...process.env, TRILAB_ROOT: root } });
        channel.pipe(child.stdin);
        child.stdin.on("error", () => {});
        child.stdout.pipe(channel, { end: false });
        child.stderr.pipe(channel.stderr, { end: false });
        child.on("close", (code) => {
          channel.exit(code ?? 1);
          channel.end();
        });
      });
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    expires: async () => (await readFile(join(root, EXPIRES_FILE), "utf8")).trim(),
    stop: async () => {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      // The machine is gone, and with it the connections that are kept open to it.
      for (const client of clients) client.end();
      await closed;
      await rm(root, { recursive: true, force: true });
    },
  };
}
