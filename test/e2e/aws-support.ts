import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { delimiter, dirname, join } from "node:path";
import {
  DescribeInstancesCommand,
  DescribeTagsCommand,
  type EC2Client,
  type Filter,
  type Instance,
} from "@aws-sdk/client-ec2";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { which } from "../../base/privilege.js";
import { tagList } from "../../plugins/aws/tags.js";
import { tagged } from "../plugins/aws/support.js";
import { type AwsProxy, startAwsProxy } from "../support/aws-proxy.js";
import { awsEnv, type Moto, startMoto } from "../support/moto.js";
import { type SshMachine, startSshMachine } from "../support/ssh-machine.js";
import { type Home, killParts, partsOf, type Run, type Running, until } from "./support.js";

export const LAB = "first-boot";

/** A moto of the file's own, and the CLI that takes it for AWS. */
export interface Aws {
  readonly client: EC2Client;
  /** Between the CLI and moto, for what that can't play or tell; forgets all with every test. */
  readonly proxy: AwsProxy;
  /** What has the CLI take it for AWS. */
  readonly env: Record<string, string>;
  trilab(...args: string[]): Promise<Run>;
  /** Rents a seat's VPS, and waits a second for it to answer. */
  up(seat: string, ...args: string[]): Promise<Run>;
  down(seat: string, ...args: string[]): Promise<Run>;
  /** How many things of a seat AWS has, by kind. */
  things(seat: string): Promise<Record<string, number>>;
  total(seat: string): Promise<number>;
  /** A seat's machine, running. */
  instanceOf(seat: string): Promise<Instance | undefined>;
  /** Of each of a seat's things, the end that its tag says. */
  taggedEnds(seat: string): Promise<Record<string, string>>;
  /** Lets the CLI reach a machine with the seat's keys, wherever it thinks that it is. */
  answering<T>(seat: string, body: (machine: SshMachine) => Promise<T>): Promise<T>;
  /** Lets the CLI reach every seat's machine, each with that seat's keys. */
  allAnswering<T>(body: () => Promise<T>): Promise<T>;
  /** Kills a run with all its parts, so that nothing works on and nothing is tidied up. */
  kill(running: Running): Promise<void>;
}

export const upArgs = (seat: string, ...args: string[]): string[] => [
  ...["up", LAB, "--seat", seat, "--on", "vps", "--cloud", "aws", "--wait", "1s", "-y"],
  ...args,
];

export const ofSeat = (seat: string): Filter[] => [{ Name: "tag:trilab.seat", Values: [seat] }];

/** As a request takes them that makes something for a seat. */
export function taggedAs<T extends "elastic-ip" | "volume">(ResourceType: T, tags: Record<string, string>) {
  const labels = Object.entries({ lab: LAB, ...tags }).map(([key, value]) => [`trilab.${key}`, value]);
  return { TagSpecifications: [{ ResourceType, Tags: tagList(Object.fromEntries(labels)) }] };
}

/** What the engine did, in words, as `up --json` tells it: parity with what runs the tests is not the matter here. */
export function changesOf(run: Run): string[] {
  expect([0, 5], run.stderr).toContain(run.exitCode);
  return Object.keys((JSON.parse(run.stdout) as { changes: object }).changes).sort();
}

/**
 * Nobody is behind moto's public addresses, and nothing of the real Internet may be asked in their place. A machine that a
 * test has put there is reached through the port that it wrote down.
 */
const sshOf = (portFile: string): string => `#!/bin/sh
if port=$(cat '${portFile}' 2>/dev/null); then
  for word; do case $word in IdentityFile=*) key=$(printf %s "\${word#IdentityFile=}" | base64 -w0) ;; esac; done
  exec ${which("ssh")} -o ProxyCommand="${process.execPath} -e 'const s = require(\\"net\\").connect($port); s.write(\\"$key\\n\\"); process.stdin.pipe(s).pipe(process.stdout)'" "$@"
fi
echo 'ssh: connect to host: Connection refused' >&2
exit 255
`;

/**
 * Passes connections on whose first line is the file of the key that `ssh` will use, in base64.
 *
 * @param portOf The port on 127.0.0.1 where the machine of that key answers.
 */
async function startSshRelay(
  portOf: (identity: string) => Promise<number>,
): Promise<{ port: number; stop(): Promise<void> }> {
  const server = createServer((client) => {
    client.on("error", () => client.destroy());
    let line = "";
    const read = (data: Buffer): void => {
      const text = line + data.toString("latin1");
      const end = text.indexOf("\n");
      line = text;
      if (end < 0) return;
      client.off("data", read).pause();
      const identity = Buffer.from(text.slice(0, end), "base64").toString("utf8").replace(/^"|"$/g, "");
      void portOf(identity.replaceAll("%%", "%")).then((port) => {
        const machine = connect({ host: "127.0.0.1", port });
        machine.on("error", () => client.destroy());
        client.on("close", () => machine.destroy());
        machine.write(Buffer.from(text.slice(end + 1), "latin1"));
        client.pipe(machine).pipe(client);
      });
    };
    client.on("data", read);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
      }),
  };
}

/** AWS for one test file, to be called at its top, behind the home that rents from it. */
export function openAws(home: Home): Aws {
  const bin = join(home.dir, "bin");
  const portFile = join(home.dir, "ssh-port");
  let moto: Moto;
  let proxy: AwsProxy;

  beforeAll(async () => {
    moto = await startMoto();
    proxy = await startAwsProxy(moto.endpoint);
    await mkdir(bin, { recursive: true });
    await writeFile(join(bin, "ssh"), sshOf(portFile));
    await chmod(join(bin, "ssh"), 0o755);
  });
  afterEach(() => proxy.reset());
  afterAll(async () => {
    await proxy?.stop();
    await moto?.stop();
  });

  const aws: Aws = {
    get client() {
      return moto.client;
    },
    get proxy() {
      return proxy;
    },
    get env() {
      return {
        ...awsEnv(proxy.endpoint),
        PATH: [bin, process.env.PATH].join(delimiter),
        TRILAB_SSH_FROM: "203.0.113.7",
        // A seat that is only rented needs neither daemon.
        TRILAB_DOCKER_HOST: "unix:///nowhere/docker.sock",
        TRILAB_LIBVIRT_URI: "qemu+unix:///system?socket=/nowhere/libvirt.sock",
      };
    },
    trilab: (...args) => home.trilab(args, aws.env),
    up: (seat, ...args) => aws.trilab(...upArgs(seat, ...args)),
    down: (seat, ...args) => aws.trilab("down", LAB, "--seat", seat, "--json", ...args),
    things: (seat) => tagged(moto.client, seat),
    total: async (seat) => Object.values(await aws.things(seat)).reduce((sum, count) => sum + count, 0),
    async instanceOf(seat) {
      const Filters = [...ofSeat(seat), { Name: "instance-state-name", Values: ["running"] }];
      const { Reservations } = await moto.client.send(new DescribeInstancesCommand({ Filters }));
      return Reservations?.[0]?.Instances?.[0];
    },
    async taggedEnds(seat) {
      const ask = async (...Filters: Filter[]) =>
        (await moto.client.send(new DescribeTagsCommand({ Filters }))).Tags ?? [];
      const things = await ask({ Name: "key", Values: ["trilab.seat"] }, { Name: "value", Values: [seat] });
      const ends = await ask({ Name: "key", Values: ["trilab.expires"] });
      return Object.fromEntries(
        things.map(({ ResourceId = "", ResourceType }) => [
          `${ResourceType} ${ResourceId}`,
          ends.find((end) => end.ResourceId === ResourceId)?.Value ?? "",
        ]),
      );
    },
    async answering(seat, body) {
      const key = (file: string) => home.record(LAB, seat, file);
      const machine = await startSshMachine({ host: key("host_ed25519"), user: key("id_ed25519.pub") });
      const relay = await startSshRelay(async () => machine.port);
      await writeFile(portFile, String(relay.port));
      try {
        return await body(machine);
      } finally {
        await rm(portFile);
        await machine.stop();
        await relay.stop();
      }
    },
    async allAnswering(body) {
      const machines = new Map<string, Promise<SshMachine>>();
      const relay = await startSshRelay(async (identity) => {
        const dir = dirname(identity);
        const keys = { host: join(dir, "host_ed25519"), user: join(dir, "id_ed25519.pub") };
        const machine = machines.get(dir) ?? startSshMachine(keys);
        machines.set(dir, machine);
        return (await machine).port;
      });
      await writeFile(portFile, String(relay.port));
      try {
        return await body();
      } finally {
        await rm(portFile);
        for (const machine of machines.values()) await (await machine).stop();
        await relay.stop();
      }
    },
    async kill(running) {
      // The plugin first: once its engine is gone it takes away what it has not handed over.
      await killParts(home, "aws plugin");
      running.kill("SIGKILL");
      await running.ended;
      await killParts(home, "engine");
      await until("the engine's end", async () => (await partsOf(home, "engine")).length === 0);
    },
  };
  return aws;
}
