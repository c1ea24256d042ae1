import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import {
  AllocateAddressCommand,
  CreateVolumeCommand,
  DeleteKeyPairCommand,
  DeleteVolumeCommand,
  DescribeAddressesCommand,
  DescribeInstancesCommand,
  DescribeSubnetsCommand,
  DescribeTagsCommand,
  type Filter,
  type Instance,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { which } from "../../hosts/privilege.js";
import { tagList } from "../../plugins/aws/tags.js";
import { tagged } from "../plugins/aws/support.js";
import { type AwsProxy, startAwsProxy } from "../support/aws-proxy.js";
import { type Moto, startMoto } from "../support/moto.js";
import { type SshMachine, startSshMachine } from "../support/ssh-machine.js";
import { expectDone, expectError, type Home, openHome, partsOf, type Run, until } from "./support.js";

const LAB = "first-boot";
const home = openHome();
/** Another state directory, as a second user's. */
const stranger = openHome();
let moto: Moto;
/** Before moto, for what it can't play or tell. */
let proxy: AwsProxy;
let env: Record<string, string>;

/**
 * Nobody is behind moto's public addresses, and nothing of the real Internet may be asked in their place. A machine that a
 * test has put there is reached through the port that it wrote down.
 */
const sshOf = (portFile: string, ssh: string): string => `#!/bin/sh
if port=$(cat ${portFile} 2>/dev/null); then
  exec ${ssh} -o ProxyCommand="${process.execPath} -e 'process.stdin.pipe(require(\\"net\\").connect($port)).pipe(process.stdout)'" "$@"
fi
echo 'ssh: connect to host: Connection refused' >&2
exit 255
`;
const portFile = join(home.dir, "ssh-port");

beforeAll(async () => {
  moto = await startMoto();
  proxy = await startAwsProxy(moto.endpoint);
  const bin = join(home.dir, "bin");
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, "ssh"), sshOf(portFile, which("ssh") ?? "ssh"));
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
afterAll(async () => {
  await proxy?.stop();
  await moto?.stop();
});

const trilab = (...args: string[]) => home.trilab(args, env);
const up = (seat: string, ...args: string[]) =>
  trilab("up", LAB, "--seat", seat, "--on", "vps", "--cloud", "aws", "--wait", "1s", ...args);
const down = (seat: string, ...args: string[]) => trilab("down", LAB, "--seat", seat, "--json", ...args);

/** Lets the CLI reach a machine with the seat's keys, wherever it thinks that it is. */
async function answering<T>(seat: string, body: (machine: SshMachine) => Promise<T>): Promise<T> {
  const key = (file: string) => home.record(LAB, seat, file);
  const machine = await startSshMachine({ host: key("host_ed25519"), user: key("id_ed25519.pub") });
  await writeFile(portFile, String(machine.port));
  try {
    return await body(machine);
  } finally {
    await rm(portFile);
    await machine.stop();
  }
}

/** Of each of a seat's things that AWS has, the end that its tag says. */
async function taggedEnds(seat: string): Promise<Record<string, string>> {
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
}

/** What the engine did, in words, as `up` tells it: parity with what runs the tests is not the matter here. */
function changesOf(run: Run): string[] {
  expect([0, 5], run.stderr).toContain(run.exitCode);
  return Object.keys((JSON.parse(run.stdout) as { changes: object }).changes).sort();
}

/** What `reap` says of one seat. */
async function reapOf(seat: string, from: Home, ...args: string[]) {
  const run = expectDone(await from.trilab(["reap", "--json", ...args], env));
  const { seats } = JSON.parse(run.stdout) as {
    seats: { seat: string; verdict: string; outcome?: string; receipt?: { residue: unknown[] } }[];
  };
  return seats.find((found) => found.seat === seat);
}

const ofSeat = (seat: string) => [{ Name: "tag:trilab.seat", Values: [seat] }];

/** The machine of a seat, running. */
async function instanceOf(seat: string): Promise<Instance | undefined> {
  const Filters = [...ofSeat(seat), { Name: "instance-state-name", Values: ["running"] }];
  const { Reservations } = await moto.client.send(new DescribeInstancesCommand({ Filters }));
  return Reservations?.[0]?.Instances?.[0];
}

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
    const { stdout } = expectDone(await trilab("status"));
    expect(stdout).toMatch(
      /vps \(t3\.nano from AWS\) +running +\S+ +in \S+ +\$0\.\d+ so far, \$0\.\d+ by its end/,
    );
  });

  test("one that was terminated by hand comes back", async () => {
    const InstanceIds = [(await instanceOf(seat))?.InstanceId ?? ""];
    await moto.client.send(new TerminateInstancesCommand({ InstanceIds }));
    expect(expectDone(await trilab("status")).stdout).toMatch(/gone/);
    expectError(await up(seat), 1, /does not answer SSH/);
    expect(await things(seat)).toMatchObject({ instances: 1, vpcs: 1 });
  });

  test("down takes it all away, and again finds nothing", async () => {
    const receipt = JSON.parse(expectDone(await down(seat)).stdout);
    // A minute at least is billed: of machine, disk and address.
    expect(receipt.cost).toBeGreaterThan(0.0001);
    expect(receipt.cost).toBeLessThan(0.01);
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

describe("what AWS refuses", () => {
  const seat = `t${process.pid}f`;
  const rent = (vars: Record<string, string> = {}) =>
    home.trilab(["up", LAB, "--seat", seat, "--on", "vps", "--cloud", "aws", "--wait", "1s"], {
      ...{ ...env, AWS_ENDPOINT_URL_EC2: proxy.endpoint },
      ...vars,
    });

  test.each([
    ["no credentials", { AWS_ACCESS_KEY_ID: "" }, 3, /no AWS credentials/],
    ["no region", { AWS_REGION: "" }, 2, /no AWS region is named/],
    ["a region that is none", { AWS_REGION: "europe" }, 2, /"europe" is not a region/],
  ])("%s: told before anything is made", async (_, vars, exitCode, says) => {
    proxy.reset();
    expectError(await rent(vars), exitCode, says);
    expect(proxy.calls).toEqual([]);
    expect(await total(seat)).toBe(0);
  });

  test.each([
    ["UnauthorizedOperation", 403, /the permission is missing: ec2:RunInstances/],
    ["VcpuLimitExceeded", 400, /the account's quota is used up/],
    ["ExpiredToken", 400, /the AWS credentials have expired/],
    ["RequestExpired", 400, /clock/],
  ])("%s in the middle: told, and the next up goes on from there", async (code, status, says) => {
    proxy.reset();
    proxy.fail({ action: "RunInstances", code, status });
    expectError(await rent(), 1, says);
    expect(await things(seat)).toMatchObject({ instances: 0, vpcs: 1, subnets: 1 });
  });

  test("being asked to slow down is waited out, and once all is well it is all there", async () => {
    proxy.reset();
    proxy.fail({ action: "RunInstances", code: "RequestLimitExceeded", status: 503, times: 2 });
    expectError(await rent(), 1, /does not answer SSH/);
    expect(await things(seat)).toMatchObject({ instances: 1, vpcs: 1, subnets: 1 });
    expectDone(await down(seat));
    expect(await total(seat)).toBe(0);
  });
});

describe("a budget", () => {
  const seat = `t${process.pid}b`;

  test("that is too small has nothing made, and says what would fit", async () => {
    proxy.reset();
    const run = await home.trilab(
      ["up", LAB, "--seat", seat, "--on", "vps", "--cloud", "aws", "--ttl", "10h", "--budget", "0.05"],
      { ...env, AWS_ENDPOINT_URL_EC2: proxy.endpoint },
    );
    expectError(
      run,
      2,
      /would cost \$0\.\d+, over the budget of \$0\.05/,
      /t3\.nano in eu-central-1/,
      /--ttl 4h/,
    );
    expect(proxy.calls).toEqual([]);
    expect(expectDone(await trilab("status")).stdout).not.toContain(seat);
  });

  test("that is enough is kept to by the seat that is there, whatever else is asked", async () => {
    expectError(await up(seat, "--ttl", "2h", "--budget", "0.05"), 1, /does not answer SSH/);
    expectError(await up(seat, "--ttl", "1m", "--budget", "0.01"), 2, /over the budget of \$0\.01/);
    expectDone(await down(seat));
  });
});

describe("a zone that has no machine to give", () => {
  const refuse = (times: number): void => {
    proxy.reset();
    proxy.fail({ action: "RunInstances", code: "InsufficientInstanceCapacity", times });
  };
  const upThere = (seat: string, ...args: string[]) => {
    const rent = ["up", LAB, "--seat", seat, "--on", "vps", "--cloud", "aws", "--wait", "1s", ...args];
    return home.trilab(rent, { ...env, AWS_ENDPOINT_URL_EC2: proxy.endpoint });
  };
  const zones = async (seat: string): Promise<(string | undefined)[]> => {
    const { Subnets = [] } = await moto.client.send(new DescribeSubnetsCommand({ Filters: ofSeat(seat) }));
    return Subnets.map(({ AvailabilityZone }) => AvailabilityZone);
  };

  test("is told, and the next one is asked; the machine then stays there", async () => {
    const seat = `t${process.pid}n`;
    refuse(1);
    const run = await upThere(seat);
    expectError(run, 1, /does not answer SSH/);
    expect(run.stderr).toMatch(/no t3\.nano to give in eu-central-1a at the moment; trying eu-central-1b/);
    expect(await things(seat)).toMatchObject({ instances: 1, vpcs: 1, subnets: 1, tables: 1 });
    expect(await zones(seat)).toEqual(["eu-central-1b"]);
    await answering(seat, async () => {
      expect(changesOf(await upThere(seat, "--json"))).toEqual(["same"]);
    });
    expectDone(await down(seat));
    expect(await total(seat)).toBe(0);
  });

  test("all of them refusing is an error that names them, and nothing but what down removes is left", async () => {
    const seat = `t${process.pid}m`;
    refuse(Number.POSITIVE_INFINITY);
    expectError(
      await upThere(seat),
      1,
      /AWS has no t3\.nano to give in eu-central-1/,
      /eu-central-1a, eu-central-1b, eu-central-1c/,
      /vps\.size/,
    );
    expect(proxy.calls.filter((call) => call === "RunInstances").length).toBe(3);
    expect(await things(seat)).toMatchObject({ instances: 0, vpcs: 1, subnets: 1 });
    proxy.reset();
    // The next up begins where the last one ended.
    expectError(await upThere(seat), 1, /does not answer SSH/);
    expect(await zones(seat)).toEqual(["eu-central-1c"]);
    expectDone(await down(seat));
    expect(await total(seat)).toBe(0);
  });

  test("in the account's default network, too", async () => {
    const seat = `t${process.pid}q`;
    const lab = await home.lab("shared-net", "vps: { network: default }");
    refuse(1);
    const wait = ["--wait", "1s"];
    const rent = () =>
      home.trilab(["up", lab, "--seat", seat, "--on", "vps", "--cloud", "aws", ...wait], {
        ...env,
        AWS_ENDPOINT_URL_EC2: proxy.endpoint,
      });
    const run = await rent();
    expectError(run, 1, /does not answer SSH/);
    expect(run.stderr).toMatch(/no t3\.nano to give in eu-central-1 at the moment; trying eu-central-1a/);
    const machine = await instanceOf(seat);
    expect(machine?.Placement?.AvailabilityZone).toBe("eu-central-1a");
    expect((await rent()).stderr).not.toMatch(/trying/);
    expect((await instanceOf(seat))?.InstanceId).toBe(machine?.InstanceId);
    expectDone(await trilab("down", "shared-net", "--seat", seat));
    expect(await total(seat)).toBe(0);
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

describe("a seat with an end", () => {
  const seat = `t${process.pid}e`;

  test("extend promises nothing where the machine does not answer", async () => {
    expectError(await up(seat, "--ttl", "2m"), 1, /does not answer SSH/);
    const { expires } = JSON.parse(await readFile(home.record(LAB, seat), "utf8"));
    const before = await taggedEnds(seat);
    expect(new Set(Object.values(before))).toEqual(new Set([expires]));
    expect(Object.keys(before).length).toBe(9);
    expectError(await trilab("extend", "1h", "--seat", seat), 1, /was not extended/, /does not answer SSH/);
    expect(await taggedEnds(seat)).toEqual(before);
  });

  test("extend moves it in the machine and in every tag, and up leaves it there", async () => {
    await answering(seat, async (machine) => {
      const run = expectDone(await trilab("extend", "1h", "--seat", seat, "--json"));
      const { expires } = JSON.parse(run.stdout);
      expect(await machine.expires()).toBe(String(Math.floor(Date.parse(expires) / 1000)));
      const moved = await taggedEnds(seat);
      expect(Object.keys(moved).length).toBe(9);
      expect(new Set(Object.values(moved))).toEqual(new Set([expires]));
      expect(changesOf(await up(seat, "--json"))).toEqual(["same"]);
      // What is gone has the engine look at everything anew, and is made with the end in force.
      await moto.client.send(new DeleteKeyPairCommand({ KeyName: `trilab-${LAB}-${seat}-vps` }));
      expect(changesOf(await up(seat, "--json"))).toEqual(["create", "same"]);
      expect(new Set(Object.values(await taggedEnds(seat)))).toEqual(new Set([expires]));
    });
  });

  test("reap leaves it alone while it has time, whoever asks", async () => {
    expect(await reapOf(seat, home)).toMatchObject({ verdict: "live", known: true });
    expect(await reapOf(seat, stranger, "--others")).toMatchObject({ verdict: "live", known: false });
    expect(await things(seat)).toMatchObject({ instances: 1, vpcs: 1 });
    expectDone(await down(seat));
  });
});

describe("a seat whose time is up", () => {
  test("another state directory's reap lists it; its own removes it, with a receipt of zeros", async () => {
    const seat = `t${process.pid}x`;
    await up(seat, "--ttl", "1s");
    expect(await reapOf(seat, stranger)).toMatchObject({ verdict: "listed", known: false });
    expect(await reapOf(seat, home, "--dry-run")).toMatchObject({ verdict: "expired", known: true });
    expect(await things(seat)).toMatchObject({ instances: 1, vpcs: 1 });
    const receipt = { residue: [], left: { instance: 0, VPC: 0 }, asked: { aws: ["eu-central-1"] } };
    expect(await reapOf(seat, home)).toMatchObject({ outcome: "removed", receipt });
    expect(await total(seat)).toBe(0);
    expect(await reapOf(seat, home)).toBe(undefined);
  });

  test("what a killed up left is found by its tags and removed, with nothing else known of it", async () => {
    const seat = `t${process.pid}y`;
    const running = home.start(
      ["up", LAB, "--seat", seat, "--on", "vps", "--cloud", "aws", "--ttl", "1s"],
      env,
    );
    await until("a route table", async () => (await things(seat)).tables === 1);
    running.kill("SIGKILL");
    await running.ended;
    await endEngine();
    await rm(home.checkpoint(LAB, seat), { force: true });
    await rm(dirname(home.record(LAB, seat)), { recursive: true });
    expect(await things(seat)).toMatchObject({ vpcs: 1, tables: 1 });
    expect(await reapOf(seat, home)).toMatchObject({ verdict: "listed", known: false });
    expect(await reapOf(seat, home, "--unknown")).toMatchObject({ outcome: "removed" });
    expect(await total(seat)).toBe(0);
  });

  test("a region that can't be asked is named, and so is a seat in it that could not be removed", async () => {
    const seat = `t${process.pid}z`;
    await up(seat, "--ttl", "1s");
    const { AWS_ACCESS_KEY_ID: _, ...nobody } = env;
    const run = await home.trilab(["reap"], { ...nobody, AWS_ACCESS_KEY_ID: "" });
    expect(run).toMatchObject({ exitCode: 8 });
    expect(run.stderr).toMatch(/AWS was not asked: eu-central-1 .*no AWS credentials/);
    expect(run.stdout).toMatch(new RegExp(`${seat} .* failed: .*no AWS credentials`));
    expect(await reapOf(seat, home)).toMatchObject({ outcome: "removed" });
  });

  test("two hundred seats are asked about at once", async () => {
    const seat = `t${process.pid}h`;
    const expires = new Date(Date.now() + 3_600_000).toISOString();
    const ids = await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        const tags = { "trilab.lab": LAB, "trilab.seat": `${seat}${i}`, "trilab.expires": expires };
        const TagSpecifications = [{ ResourceType: "volume" as const, Tags: tagList(tags) }];
        const request = { AvailabilityZone: "eu-central-1a", Size: 1, TagSpecifications };
        return (await moto.client.send(new CreateVolumeCommand(request))).VolumeId;
      }),
    );
    proxy.reset();
    const run = expectDone(
      await stranger.trilab(["reap", "--json"], { ...env, AWS_ENDPOINT_URL_EC2: proxy.endpoint }),
    );
    const { seats } = JSON.parse(run.stdout) as { seats: { seat: string; verdict: string }[] };
    const ours = seats.filter((found) => found.seat.startsWith(seat));
    expect(ours.length).toBe(200);
    expect(new Set(ours.map(({ verdict }) => verdict))).toEqual(new Set(["live"]));
    expect(proxy.calls.length).toBeLessThan(20);
    expect(run.seconds).toBeLessThan(5);
    for (const VolumeId of ids) await moto.client.send(new DeleteVolumeCommand({ VolumeId }));
  });
});
