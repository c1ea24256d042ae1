import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import {
  AllocateAddressCommand,
  CreateVolumeCommand,
  DescribeAddressesCommand,
  DescribeInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tagList } from "../../plugins/aws/tags.js";
import { tagged } from "../plugins/aws/support.js";
import { type Moto, startMoto } from "../support/moto.js";
import { expectDone, expectError, openHome, partsOf, until } from "./support.js";

const LAB = "first-boot";
const home = openHome();
let moto: Moto;
let env: Record<string, string>;

/** Nobody is behind moto's public addresses, and nothing of the real Internet may be asked in their place. */
const SSH = `#!/bin/sh
echo 'ssh: connect to host: Connection refused' >&2
exit 255
`;

beforeAll(async () => {
  moto = await startMoto();
  const bin = join(home.dir, "bin");
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, "ssh"), SSH);
  await chmod(join(bin, "ssh"), 0o755);
  env = {
    ...moto.env,
    PATH: [bin, process.env.PATH].join(delimiter),
    TRILAB_SSH_FROM: "203.0.113.7",
    // A seat that is only rented needs neither daemon.
    TRILAB_DOCKER_HOST: "unix:///nowhere/docker.sock",
    TRILAB_LIBVIRT_URI: "qemu+unix:///system?socket=/nowhere/libvirt.sock",
  };
}, 300_000);
afterAll(() => moto?.stop());

const trilab = (...args: string[]) => home.trilab(args, env);
const up = (seat: string, ...args: string[]) =>
  trilab("up", LAB, "--seat", seat, "--on", "vps", "--cloud", "aws", "--wait", "1s", ...args);
const down = (seat: string, ...args: string[]) => trilab("down", LAB, "--seat", seat, "--json", ...args);

const ofSeat = (seat: string) => [{ Name: "tag:trilab.seat", Values: [seat] }];

const taggedAs = (ResourceType: "elastic-ip" | "volume", seat: string, owner: string) => {
  const tags = { "trilab.lab": LAB, "trilab.seat": seat, "trilab.owner": owner };
  return { TagSpecifications: [{ ResourceType, Tags: tagList(tags) }] };
};

/** An engine whose trilab was killed works on; here it is not to. */
async function endEngine(): Promise<void> {
  for (const { pid } of await partsOf(home, "engine")) process.kill(pid, "SIGKILL");
  await until("the engine's end", async () => (await partsOf(home, "engine")).length === 0);
}

/** How many things of a seat AWS has, by kind. */
const things = (seat: string) => tagged(moto.client, seat);
const total = async (seat: string): Promise<number> =>
  Object.values(await things(seat)).reduce((sum, count) => sum + count, 0);

describe("a seat that is only rented", () => {
  const seat = `t${process.pid}a`;

  test("up rents it all; that nobody answers SSH is told in time, and the seat stays", async () => {
    const run = await up(seat);
    expectError(run, 1, /vps trilab-\S+ does not answer SSH/, /Connection refused/, /--ssh-from/);
    expect(await things(seat)).toMatchObject({ instances: 1, vpcs: 1, groups: 1, keys: 1, volumes: 1 });
    expect(expectDone(await trilab("status")).stdout).toMatch(/vps \(t3\.nano from AWS\)/);
  });

  test("one that was terminated by hand comes back", async () => {
    const { Reservations } = await moto.client.send(new DescribeInstancesCommand({ Filters: ofSeat(seat) }));
    const InstanceIds = [Reservations?.[0]?.Instances?.[0]?.InstanceId ?? ""];
    await moto.client.send(new TerminateInstancesCommand({ InstanceIds }));
    expect(expectDone(await trilab("status")).stdout).toMatch(/gone/);
    expectError(await up(seat), 1, /does not answer SSH/);
    expect(await things(seat)).toMatchObject({ instances: 1, vpcs: 1 });
  });

  test("down takes it all away, and again finds nothing", async () => {
    const receipt = JSON.parse(expectDone(await down(seat)).stdout);
    expect(receipt.asked).toEqual({ docker: false, libvirt: false, aws: ["eu-central-1"] });
    expect(receipt.left).toMatchObject({
      instance: 0,
      VPC: 0,
      "elastic IP": 0,
      container: null,
      domain: null,
    });
    expect(await total(seat)).toBe(0);
    expectDone(await down(seat));
  });
});

describe("what the state does not know", () => {
  test("an up that was killed, and its state lost: refused, then removed by its tags", async () => {
    const seat = `t${process.pid}k`;
    const running = home.start(["up", LAB, "--seat", seat, "--on", "vps", "--cloud", "aws"], env);
    await until("an instance", async () => (await things(seat)).instances === 1);
    running.kill("SIGKILL");
    await running.ended;
    await endEngine();
    await rm(home.checkpoint(LAB, seat));
    expectError(await up(seat), 1, /its state is lost/, /instance trilab-/);
    expectDone(await down(seat, "--by-label"));
    expect(await total(seat)).toBe(0);
  });

  test("a seat whose record is lost goes by its state; with that lost too, by its tags", async () => {
    const [a, b] = [`t${process.pid}r`, `t${process.pid}s`];
    for (const seat of [a, b]) {
      await up(seat);
      expect(await things(seat)).toMatchObject({ instances: 1 });
      await rm(dirname(home.record(LAB, seat)), { recursive: true });
    }
    expectDone(await down(a));
    expect(await total(a)).toBe(0);
    await rm(home.checkpoint(LAB, b));
    expectDone(await down(b, "--by-label"));
    expect(await total(b)).toBe(0);
  });

  test("what was added by hand, with the seat's tags, goes too; what is another owner's stays", async () => {
    const seat = `t${process.pid}o`;
    await up(seat);
    const { owner } = JSON.parse(await readFile(home.record(LAB, seat), "utf8"));
    await moto.client.send(new AllocateAddressCommand(taggedAs("elastic-ip", seat, owner)));
    const mine = { AvailabilityZone: "eu-central-1a", Size: 1 };
    await moto.client.send(new CreateVolumeCommand({ ...mine, ...taggedAs("volume", seat, owner) }));
    const theirs = { AvailabilityZone: "eu-central-1a", Size: 1 };
    await moto.client.send(new CreateVolumeCommand({ ...theirs, ...taggedAs("volume", seat, "you@there") }));
    const run = expectDone(await down(seat));
    expect(run.stderr).toMatch(/left alone: EBS volume vol-\w+, which belongs to you@there/);
    expect(await things(seat)).toMatchObject({ instances: 0, vpcs: 0, volumes: 1 });
    expect(
      (await moto.client.send(new DescribeAddressesCommand({ Filters: ofSeat(seat) }))).Addresses,
    ).toEqual([]);
  });
});
