import { chmod, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { execa } from "execa";
import { withLock } from "../../base/lock.js";
import { repoDir } from "../../base/paths.js";
import { asRoot, isRoot, which } from "../../base/privilege.js";

/** One folder a host, named by its number. Docker's layers need a real file system, which /tmp often is not. */
const BASE = "/var/tmp/trilab-second-host";
const SCRIPT = join(repoDir, "test/support/second-host.sh");
const START_MS = 60_000;

/**
 * A host of its own, made out of namespaces on this machine: its own files, network, processes, name, dockerd and
 * libvirtd, reached over SSH. Only this machine reaches it, and it reaches nothing else but hosts with a cable to it.
 */
export interface SecondHost {
  /** Its hostname; also an alias in its home's ~/.ssh/config. */
  name: string;
  /** An IPv4 address. */
  address: string;
  /** `ssh://root@…` */
  dockerHost: string;
  /** `qemu+ssh://root@…/system` */
  libvirtUri: string;
  /** The same dockerd over TLS: `tcp://…:2376`, and the folder for DOCKER_CERT_PATH. */
  tls: { dockerHost: string; certPath: string };
  /** Its address on its {@link cable}s to other hosts, on which no program of this machine is. */
  cableAddress: string;
  /** For programs that are to reach it: a home with ~/.ssh, and an `ssh` that reads that one. */
  env: Record<string, string>;
  /** Runs shell commands there, as root. @returns how they ended, whatever that is. */
  run(script: string): Promise<{ exitCode: number | undefined; stdout: string; stderr: string }>;
  /** Connects it with another host: without a cable, hosts don't reach each other. The device here is `cable<number of the other>`. */
  cable(other: SecondHost): Promise<void>;
  /** Ends everything that runs there, and removes every trace of it from this machine. */
  stop(): Promise<void>;
}

export interface SecondHostOptions {
  /** Which daemons it runs. Default both. */
  daemons?: readonly ("docker" | "libvirt")[];
  /** Another host, whose `env` then reaches both. It must be stopped after this one. */
  beside?: SecondHost;
}

/** Starts a host, in about three seconds. What hosts of killed test processes left behind is removed first. */
export async function startSecondHost(options: SecondHostOptions = {}): Promise<SecondHost> {
  await mkdir(BASE, { recursive: true });
  await chmod(BASE, 0o1777).catch(() => {}); // Somebody else's has it already.
  // Held until the host holds a lock of its own: a sweep would take its folder for one that was left behind.
  const host = await withLock(
    join(BASE, "lock"),
    { what: "the second hosts", waitMs: START_MS },
    async () => {
      await asRoot("sh", [SCRIPT, "sweep", BASE]);
      const number = await claimNumber();
      await writeKeys(folderOf(number), addressOf(number));
      return spawnHost(number, options.daemons ?? ["docker", "libvirt"]);
    },
  );
  await host.said("ready");
  const { number } = host;
  const [address, name, folder] = [addressOf(number), `trilab-host-${number}`, folderOf(number)];
  const env = await writeHome(options.beside?.env.HOME ?? join(folder, "home"), { address, folder, name });
  return {
    name,
    address,
    dockerHost: `ssh://root@${address}`,
    libvirtUri: `qemu+ssh://root@${address}/system`,
    tls: { dockerHost: `tcp://${address}:2376`, certPath: join(folder, "client") },
    cableAddress: `10.214.255.${number}`,
    env,
    cable: async (other) => {
      await asRoot("sh", [SCRIPT, "cable", BASE, String(number), numberOf(other)]);
    },
    run: async (script) => {
      const args = ["-o", "BatchMode=yes", `root@${address}`, script];
      const { exitCode, stdout, stderr } = await execa("ssh", args, { env, reject: false, stdin: "ignore" });
      return { exitCode, stdout, stderr };
    },
    stop: host.stop,
  };
}

/** A host's number, from its name. */
const numberOf = ({ name }: SecondHost): string => name.replace(/\D/g, "");
const folderOf = (number: number): string => join(BASE, String(number));
/** As second-host.sh has it; `.1` is this machine's end. */
const addressOf = (number: number): string => `10.214.${number}.2`;

/** The first number whose addresses nobody here uses; its folder is made, so that it is taken. */
async function claimNumber(): Promise<number> {
  const { stdout } = await execa("ip", [
    "-json",
    "-4",
    "route",
    "show",
    "table",
    "all",
    "to",
    "root",
    "10.214.0.0/16",
  ]);
  const used = (JSON.parse(stdout || "[]") as { dst: string }[]).map(({ dst }) => dst.split(".")[2]);
  const taken = new Set([...used, ...(await readdir(BASE))]);
  for (let number = 1; number < 255; number++) {
    if (taken.has(String(number))) continue;
    for (const part of ["", "ssh", "tls", "client"]) await mkdir(join(folderOf(number), part));
    return number;
  }
  throw new Error("no number is left for a second host");
}

/** Runs the script for as long as this process lives, or until `stop`. */
async function spawnHost(number: number, daemons: readonly string[]) {
  const command = [
    ...(isRoot() ? [] : ["sudo", "-n"]),
    "sh",
    SCRIPT,
    "start",
    BASE,
    String(number),
    ...daemons,
  ];
  const [file = "sh", ...args] = command;
  // A session of its own, as Ctrl-C must not end the script before it has removed the host.
  const child = execa(file, args, {
    stdin: "pipe",
    buffer: { stdout: false },
    reject: false,
    detached: true,
  });
  child.stdin.on("error", () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const host = {
    number,
    /** Waits for a line of the script's. */
    said: async (word: string): Promise<void> => {
      if ((await lines.next()).value === word) return;
      throw new Error(`the second host ${number} ended before it was ${word}: ${(await child).stderr}`);
    },
    stop: async (): Promise<void> => {
      child.stdin.end();
      const { exitCode, stderr } = await child;
      if (exitCode !== 0) throw new Error(`the second host ${number} ended with ${exitCode}: ${stderr}`);
    },
  };
  await host.said("claimed");
  return host;
}

/** Keys and certificates of a host and of its only user. What goes into its /etc/ssh and /etc/docker lies in ssh/ and tls/. */
async function writeKeys(folder: string, address: string): Promise<void> {
  const at = (...path: string[]): string => join(folder, ...path);
  const ssh = (file: string) => execa("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file]);
  await Promise.all([ssh(at("ssh/second-host-key")), ssh(at("client/id"))]);
  await writeFile(at("ssh/second-host-authorized"), await readFile(at("client/id.pub")), { mode: 0o600 });
  await writeFile(
    at("ssh/second-host.conf"),
    `HostKey /etc/ssh/second-host-key
AuthorizedKeysFile /etc/ssh/second-host-authorized
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
PidFile none
Subsystem sftp internal-sftp
`,
  );

  const openssl = (...args: string[]) => execa("openssl", args);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const [ca, caKey] = [at("tls/ca.pem"), at("ca-key.pem")];
  await openssl(
    "req",
    "-x509",
    ...key,
    "-days",
    "2",
    "-subj",
    "/CN=second host's CA",
    "-keyout",
    caKey,
    "-out",
    ca,
  );
  const certificate = async (keyFile: string, file: string, extension: string): Promise<void> => {
    const request = `${file}.csr`;
    await openssl(
      "req",
      ...key,
      "-subj",
      "/CN=second host",
      "-addext",
      extension,
      "-keyout",
      keyFile,
      "-out",
      request,
    );
    const signed = ["-CA", ca, "-CAkey", caKey, "-days", "2", "-copy_extensions", "copy", "-out", file];
    await openssl("x509", "-req", "-in", request, ...signed);
    await rm(request);
  };
  await certificate(at("tls/server-key.pem"), at("tls/server.pem"), `subjectAltName=IP:${address}`);
  await certificate(at("client/key.pem"), at("client/cert.pem"), "extendedKeyUsage=clientAuth");
  await writeFile(at("client/ca.pem"), await readFile(ca));
}

/**
 * Adds a host to a home's ~/.ssh. OpenSSH asks the password file where its user is at home, not HOME: so an `ssh` and an
 * `scp` that read this home's configuration go before the real ones on PATH.
 *
 * @returns the environment in which programs find all that.
 */
async function writeHome(
  home: string,
  { address, folder, name }: { address: string; folder: string; name: string },
): Promise<Record<string, string>> {
  const [dir, bin] = [join(home, ".ssh"), join(home, "bin")];
  for (const path of [dir, bin]) await mkdir(path, { recursive: true, mode: 0o700 });
  const knownHosts = join(dir, "known_hosts");
  const [type, hostKey] = (await readFile(join(folder, "ssh/second-host-key.pub"), "utf8")).split(" ");
  await writeFile(knownHosts, `${address} ${type} ${hostKey?.trim()}\n`, { flag: "a" });
  await writeFile(
    join(dir, "config"),
    `Host ${name} ${address}
  HostName ${address}
  User root
  IdentityFile ${join(folder, "client/id")}
  IdentitiesOnly yes
  UserKnownHostsFile ${knownHosts}
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
`,
    { flag: "a" },
  );
  for (const command of ["ssh", "scp"]) {
    // What comes later on a command line wins: `-F none` still reads nothing.
    const text = `#!/bin/sh\nexec ${which(command) ?? command} -F ${join(dir, "config")} "$@"\n`;
    await writeFile(join(bin, command), text, { mode: 0o755 });
  }
  return {
    HOME: home,
    PATH: `${bin}:${process.env.PATH ?? ""}`,
    SSH_AUTH_SOCK: "",
    XDG_CACHE_HOME: process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"),
  };
}
