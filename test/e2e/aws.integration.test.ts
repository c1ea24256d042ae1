import { readFile, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import {
  AllocateAddressCommand,
  AssociateAddressCommand,
  CreateVolumeCommand,
  DeleteKeyPairCommand,
  DescribeAddressesCommand,
  DescribeSubnetsCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { describe, expect, test } from "vitest";
import { changesOf, LAB, ofSeat, openAws, taggedAs, upArgs } from "./aws-support.js";
import { expectDone, expectError, openHome, partsOf, until } from "./support.js";

const home = openHome();
const aws = openAws(home);

describe("a seat that is only rented", () => {
  const seat = `t${process.pid}a`;

  test("up rents it all; that nobody answers SSH is told in time, and the seat stays", async () => {
    const run = await aws.up(seat);
    expectError(run, 1, /vps trilab-\S+ does not answer SSH/, /Connection refused/, /--ssh-from/);
    expect(await aws.things(seat)).toMatchObject({ instances: 1, vpcs: 1, groups: 1, keys: 1, volumes: 1 });
    const { stdout } = expectDone(await aws.trilab("status"));
    expect(stdout).toMatch(
      /vps \(t3\.nano from AWS\) +running +\S+ +in \S+ +\$0\.\d+ so far, \$0\.\d+ by its end/,
    );
  });

  test("one that got another address in the console is looked for there", async () => {
    const address = async () =>
      JSON.parse(await readFile(home.record(LAB, seat), "utf8")).machines[0].address;
    const { InstanceId, PublicIpAddress } = (await aws.instanceOf(seat)) ?? {};
    expect(await address()).toBe(PublicIpAddress);
    const { AllocationId, PublicIp } = await aws.client.send(new AllocateAddressCommand({}));
    await aws.client.send(new AssociateAddressCommand({ InstanceId, AllocationId }));
    expectError(await aws.up(seat), 1, /does not answer SSH/);
    expect(await address()).toBe(PublicIp);
  });

  test("one that was stopped is started, and waited for", async () => {
    const { InstanceId = "" } = (await aws.instanceOf(seat)) ?? {};
    await aws.client.send(new StopInstancesCommand({ InstanceIds: [InstanceId] }));
    expect(expectDone(await aws.trilab("status")).stdout).toMatch(/stopped/);
    expectError(await aws.up(seat), 1, /does not answer SSH/);
    expect((await aws.instanceOf(seat))?.InstanceId).toBe(InstanceId);
  });

  test("one that has no address just now is not replaced for that, whatever is looked at anew", async () => {
    const { InstanceId, KeyName } = (await aws.instanceOf(seat)) ?? {};
    // With it gone the engine looks at everything.
    await aws.client.send(new DeleteKeyPairCommand({ KeyName }));
    aws.proxy.rewrite = (text) =>
      text.replace(/<association>.*?<\/association>/gs, "").replace(/<ipAddress>[^<]*<\/ipAddress>/g, "");
    await aws.up(seat);
    expect(await aws.things(seat)).toMatchObject({ instances: 1, keys: 1 });
    expect((await aws.instanceOf(seat))?.InstanceId).toBe(InstanceId);
    aws.proxy.reset();
    expectError(await aws.up(seat), 1, /does not answer SSH/);
    expect((await aws.instanceOf(seat))?.InstanceId).toBe(InstanceId);
  });

  test("one that was terminated by hand comes back", async () => {
    const InstanceIds = [(await aws.instanceOf(seat))?.InstanceId ?? ""];
    await aws.client.send(new TerminateInstancesCommand({ InstanceIds }));
    expect(expectDone(await aws.trilab("status")).stdout).toMatch(/gone/);
    expectError(await aws.up(seat), 1, /does not answer SSH/);
    expect(await aws.things(seat)).toMatchObject({ instances: 1, vpcs: 1 });
  });

  test("down takes it all away, and then there is no such seat", async () => {
    const receipt = JSON.parse(expectDone(await aws.down(seat)).stdout);
    // A minute at least is billed: of machine, disk and address.
    expect(receipt.cost).toBeGreaterThan(0.0001);
    expect(receipt.cost).toBeLessThan(0.01);
    expect(receipt.asked).toEqual([{ kind: "ec2", region: "eu-central-1", account: "123456789012" }]);
    expect(receipt.left).toMatchObject({
      instance: 0,
      VPC: 0,
      "elastic IP": 0,
      container: null,
      domain: null,
    });
    expect(await aws.total(seat)).toBe(0);
    expectError(await aws.down(seat), 6, /there is no seat/);
  });
});

describe("a rented machine that is stopped", () => {
  const seat = `t${process.pid}st`;
  const power = (verb: string, ...args: string[]) =>
    aws.trilab(verb, "vps", "--seat", seat, "--json", ...args);
  const recordOf = async () => JSON.parse(await readFile(home.record(LAB, seat), "utf8"));
  const statusOf = async () => {
    const { seats } = JSON.parse(expectDone(await aws.trilab("status", "--json")).stdout);
    return seats.find((row: { seat: string }) => row.seat === seat);
  };
  let before: { id: string; cost: { perHour: number } };

  test("keeps its disk and its end, has no address, and costs only its disk", async () => {
    expectError(await aws.up(seat, "--ttl", "2h"), 1, /does not answer SSH/);
    const id = (await aws.instanceOf(seat))?.InstanceId ?? "";
    before = { id, cost: (await statusOf()).cost };
    const run = expectDone(await power("stop"));
    expect(JSON.parse(run.stdout)).toMatchObject({
      ...{ schema: 1, kind: "stop", seat },
      targets: [{ target: "vps", ending: "clean" }],
    });
    expect(await aws.instanceOf(seat)).toBeUndefined();
    expect(await aws.things(seat)).toMatchObject({ instances: 1, volumes: 1, vpcs: 1 });
    const now = await statusOf();
    expect(now).toMatchObject({ state: "stopped", off: "stopped", address: "" });
    expect(now.cost.perHour).toBeGreaterThan(0);
    expect(now.cost.perHour).toBeLessThan(before.cost.perHour / 5);
    expect(now.cost.untilEnd).toBeLessThan(before.cost.perHour);
    expect(Object.values(await aws.taggedEnds(seat))).toContain(now.expires);
    expect(JSON.parse(expectDone(await power("stop")).stdout).targets[0].ending).toBe("off");
  });

  test("is told of by ssh, which asks nobody at an address that may be another's by now", async () => {
    const asks = aws.trilab("ssh", "vps", "--seat", seat, "--", "true");
    expectError(await asks, 1, /the vps of seat .* is stopped/, /trilab start vps/);
  });

  test("start learns its new address, and goes on where the cost stood", async () => {
    const { machines, vps } = await recordOf();
    await aws.answering(seat, async () => {
      const run = expectDone(await power("start"));
      const { InstanceId, PublicIpAddress } = (await aws.instanceOf(seat)) ?? {};
      expect(InstanceId).toBe(before.id);
      expect(PublicIpAddress).not.toBe(machines[0].address);
      expect(JSON.parse(run.stdout).targets).toMatchObject([{ started: true, address: PublicIpAddress }]);
      const after = await recordOf();
      expect(after.machines[0]).toEqual({ ...machines[0], address: PublicIpAddress, stopped: undefined });
      expect(after.vps).toMatchObject({ since: vps.since, instance: before.id });
      expect(after.vps.stoppedSeconds).toBeGreaterThan(0);
      expect((await statusOf()).cost.perHour).toBe(before.cost.perHour);
      expectDone(await aws.trilab("ssh", "vps", "--seat", seat, "--", "true"));
      // The state has the old address: the engine learns the new one, and makes nothing.
      expect(changesOf(await aws.up(seat, "--json"))).not.toContain("create");
      expect((await recordOf()).vps.since).toBe(vps.since);
    });
  });

  test("up starts it, too; restart gives it another address", async () => {
    await aws.answering(seat, async () => {
      expectDone(await power("stop", "--force"));
      expect([0, 5]).toContain((await aws.up(seat)).exitCode);
      expect((await recordOf()).machines[0].stopped).toBeUndefined();
      const address = (await aws.instanceOf(seat))?.PublicIpAddress;
      const run = expectDone(await power("restart"));
      const there = await aws.instanceOf(seat);
      expect(there?.InstanceId).toBe(before.id);
      expect(there?.PublicIpAddress).not.toBe(address);
      expect(JSON.parse(run.stdout).targets).toMatchObject([{ address: there?.PublicIpAddress }]);
    });
  });

  test("is removed by reap when its time is up, as nothing in it can end it", async () => {
    expectDone(await aws.down(seat));
    await aws.up(seat, "--ttl", "1s");
    expectDone(await power("stop"));
    expectError(await power("start"), 1, /time of seat .* is up/, /trilab up/);
    const asks = aws.trilab("ssh", "vps", "--seat", seat, "--", "true");
    expectError(await asks, 1, /is stopped/, /its time was up/, /trilab up/);
    const reaped = JSON.parse(expectDone(await aws.trilab("reap", "--json")).stdout).seats;
    expect(reaped.find((s: { seat: string }) => s.seat === seat)).toMatchObject({ outcome: "removed" });
    expect(await aws.total(seat)).toBe(0);
  });

  test("a spot instance can't be, and nothing is asked of AWS", async () => {
    const lab = await home.lab("spot", "vps: { spot: true }");
    const spot = `t${process.pid}sp`;
    await aws.trilab("up", lab, "--seat", spot, "--on", "vps", "--cloud", "aws", "--wait", "1s", "-y");
    aws.proxy.reset();
    expectError(await aws.trilab("stop", "--seat", spot), 2, /can't be stopped/, /spot instance/);
    expect(aws.proxy.calls).toEqual([]);
    expectDone(await aws.trilab("down", "spot", "--seat", spot));
  });
});

describe("credentials of another account", () => {
  const seat = `t${process.pid}c`;
  const other = "222222222222";
  const both = new RegExp(`rented in the AWS account 123456789012[^]*account ${other}; nothing was touched`);

  /** What nothing but the right account's may do with the seat. */
  async function refused(): Promise<void> {
    aws.proxy.reset();
    aws.proxy.account = other;
    expectError(await aws.down(seat), 3, both);
    expectError(await aws.down(seat, "--by-label"), 3, both);
    expectError(await aws.up(seat), 3, both);
    expectError(await aws.trilab("extend", "1h", "--seat", seat), 1, both);
    expectError(await aws.trilab("stop", "--seat", seat), 3, both);
    const reaped = await aws.trilab("reap");
    expect(reaped.exitCode).toBe(8);
    expect(reaped.stdout).toMatch(new RegExp(`${seat} .* failed: .*AWS account 123456789012`));
    expect(aws.proxy.calls.filter((call) => !call.startsWith("Describe"))).toEqual([]);
    expect(await aws.things(seat)).toMatchObject({ instances: 1, vpcs: 1 });
  }

  test("touch nothing of a seat, which stays known", async () => {
    await aws.up(seat, "--ttl", "1s");
    const [{ endpoint }] = JSON.parse(await readFile(home.record(LAB, seat), "utf8")).machines;
    expect(endpoint).toEqual({ kind: "ec2", region: "eu-central-1", account: "123456789012" });
    await refused();
  });

  test("nor of one whose record is older than that", async () => {
    const record = JSON.parse(await readFile(home.record(LAB, seat), "utf8"));
    delete record.machines[0].endpoint.account;
    await writeFile(home.record(LAB, seat), JSON.stringify(record));
    await refused();
    aws.proxy.reset();
    expectDone(await aws.down(seat));
    expect(await aws.total(seat)).toBe(0);
  });
});

describe("an AWS that can't be asked", () => {
  const seat = `t${process.pid}u`;
  test("hides nothing else of status, and has down touch nothing", async () => {
    await aws.up(seat);
    for (const env of [{ AWS_ACCESS_KEY_ID: "" }, { AWS_ENDPOINT_URL_EC2: "http://127.0.0.1:9" }]) {
      const ask = (...args: string[]) => home.trilab(args, { ...aws.env, ...env });
      const run = expectDone(await ask("status"));
      expect(run.stdout).toMatch(new RegExp(`${seat} +vps \\(t3\\.nano from AWS\\) +not answered`));
      expect(run.stderr).toMatch(/AWS can't be queried about seat .* (no AWS credentials|can't be reached)/);
      const untouched = /AWS can't be queried about seat .*; nothing of it was touched/;
      expectError(await ask("down", LAB, "--seat", seat), 3, untouched);
    }
    expectDone(await aws.down(seat));
    expect(await aws.total(seat)).toBe(0);
  });
});

describe("what AWS refuses", () => {
  const seat = `t${process.pid}f`;
  const rent = (vars: Record<string, string> = {}) => home.trilab(upArgs(seat), { ...aws.env, ...vars });

  test.each([
    ["no credentials", { AWS_ACCESS_KEY_ID: "" }, 3, /no AWS credentials/],
    ["no region", { AWS_REGION: "" }, 2, /no AWS region is configured/],
    ["a region that is none", { AWS_REGION: "europe" }, 2, /"europe" is not a region/],
  ])("%s: told before anything is made", async (_, vars, exitCode, says) => {
    expectError(await rent(vars), exitCode, says);
    expect(aws.proxy.calls).toEqual([]);
    expect(await aws.total(seat)).toBe(0);
  });

  test.each([
    ["UnauthorizedOperation", 403, /the permission is missing: ec2:RunInstances/],
    ["VcpuLimitExceeded", 400, /the account's quota is used up/],
    ["ExpiredToken", 400, /the AWS credentials have expired/],
    ["RequestExpired", 400, /clock/],
  ])("%s in the middle: told, and the next up goes on from there", async (code, status, says) => {
    aws.proxy.fail({ action: "RunInstances", code, status });
    expectError(await rent(), 1, says);
    expect(await aws.things(seat)).toMatchObject({ instances: 0, vpcs: 1, subnets: 1 });
  });

  test("being asked to slow down is waited out, and once all is well it is all there", async () => {
    aws.proxy.fail({ action: "RunInstances", code: "RequestLimitExceeded", status: 503, times: 2 });
    expectError(await rent(), 1, /does not answer SSH/);
    expect(await aws.things(seat)).toMatchObject({ instances: 1, vpcs: 1, subnets: 1 });
    expectDone(await aws.down(seat));
    expect(await aws.total(seat)).toBe(0);
  });
});

describe("a request that AWS takes and does not answer", () => {
  test("holds nobody up: a second Ctrl-C ends engine and plugin, too, and down takes all away at once", async () => {
    const seat = `t${process.pid}i`;
    const asked = new Promise<void>((resolve) => {
      aws.proxy.onCall = (action) => {
        if (action !== "RunInstances") return;
        resolve();
        return new Promise<void>(() => {});
      };
    });
    const running = home.start(upArgs(seat), aws.env);
    await asked;
    running.kill("SIGINT");
    await running.said("finishing the current step");
    running.kill("SIGINT");
    expect((await running.ended).exitCode).toBe(130);
    for (const part of ["engine", "aws plugin"] as const) expect(await partsOf(home, part)).toEqual([]);
    aws.proxy.reset();
    expect(await aws.things(seat)).toMatchObject({ instances: 0, vpcs: 1 });
    expectDone(await aws.down(seat));
    expect(await aws.total(seat)).toBe(0);
  });
});

describe("what costs money", () => {
  test("is not rented before somebody agreed to its price", async () => {
    const seat = `t${process.pid}p`;
    const args = upArgs(seat, "--ttl", "2h").filter((arg) => arg !== "-y");
    const price = /rents a t3\.nano from AWS in eu-central-1: \$0\.\d+ an hour, \$0\.\d+ for 2h/;
    expectError(await aws.trilab(...args), 2, price, /no terminal to ask on/, /-y/);
    expect(aws.proxy.calls).toEqual([]);
    expect(expectDone(await aws.trilab("status")).stdout).not.toContain(seat);
  });
});

describe("a budget", () => {
  const seat = `t${process.pid}b`;

  test("that is too small has nothing made, and says what would fit", async () => {
    const run = await aws.up(seat, "--ttl", "10h", "--budget", "0.05");
    expectError(
      run,
      2,
      /would cost \$0\.\d+, over the budget of \$0\.05/,
      /t3\.nano in eu-central-1/,
      /--ttl 4h/,
    );
    expect(aws.proxy.calls).toEqual([]);
    expect(expectDone(await aws.trilab("status")).stdout).not.toContain(seat);
  });

  test("that is enough is kept to by the seat that is there, whatever else is asked", async () => {
    expectError(await aws.up(seat, "--ttl", "2h", "--budget", "0.05"), 1, /does not answer SSH/);
    expectError(await aws.up(seat, "--ttl", "1m", "--budget", "0.01"), 2, /over the budget of \$0\.01/);
  });

  test("belongs to the seat: extend keeps to it, and can change it", async () => {
    const extend = (...args: string[]) => aws.trilab("extend", ...args, "--seat", seat);
    const budget = async () => JSON.parse(await readFile(home.record(LAB, seat), "utf8")).budget;
    expect(await budget()).toBe(0.05);
    await aws.answering(seat, async () => {
      expectError(await extend("300d"), 2, /over the budget of \$0\.05/, /trilab extend 2h\d+m/);
      expectError(await extend("none"), 2, /without end, over the budget of \$0\.05/);
      expectDone(await extend("1h"));
      expect(await budget()).toBe(0.05);
      expectDone(await extend("10h", "--budget", "0.5"));
      expect(await budget()).toBe(0.5);
      // What nobody asks for again is agreed to already.
      const args = upArgs(seat, "--json").filter((arg) => arg !== "-y");
      const run = await aws.trilab(...args, "--budget", "none");
      expect(changesOf(run)).toEqual(["same"]);
      expect(JSON.parse(run.stdout).cost.untilEnd).toBeGreaterThan(0.05);
      expect(await budget()).toBe(undefined);
    });
    expectDone(await aws.down(seat));
  });
});

describe("a zone that has no machine to give", () => {
  const refuse = (times: number): void => {
    aws.proxy.fail({ action: "RunInstances", code: "InsufficientInstanceCapacity", times });
  };
  const zones = async (seat: string): Promise<(string | undefined)[]> => {
    const { Subnets = [] } = await aws.client.send(new DescribeSubnetsCommand({ Filters: ofSeat(seat) }));
    return Subnets.map(({ AvailabilityZone }) => AvailabilityZone);
  };

  test("is told, and the next one is asked; the machine then stays there", async () => {
    const seat = `t${process.pid}n`;
    refuse(1);
    const run = await aws.up(seat);
    expectError(run, 1, /does not answer SSH/);
    expect(run.stderr).toMatch(
      /no capacity for t3\.nano in eu-central-1a at the moment; trying eu-central-1b/,
    );
    expect(await aws.things(seat)).toMatchObject({ instances: 1, vpcs: 1, subnets: 1, tables: 1 });
    expect(await zones(seat)).toEqual(["eu-central-1b"]);
    await aws.answering(seat, async () => {
      expect(changesOf(await aws.up(seat, "--json"))).toEqual(["same"]);
    });
    expectDone(await aws.down(seat));
    expect(await aws.total(seat)).toBe(0);
  });

  test("all of them refusing is an error that names them, and nothing but what down removes is left", async () => {
    const seat = `t${process.pid}m`;
    refuse(Number.POSITIVE_INFINITY);
    expectError(
      await aws.up(seat),
      1,
      /AWS has no capacity for t3\.nano in eu-central-1/,
      /eu-central-1a, eu-central-1b, eu-central-1c/,
      /vps\.size/,
    );
    expect(aws.proxy.calls.filter((call) => call === "RunInstances").length).toBe(3);
    expect(await aws.things(seat)).toMatchObject({ instances: 0, vpcs: 1, subnets: 1 });
    aws.proxy.reset();
    // The next up begins where the last one ended.
    expectError(await aws.up(seat), 1, /does not answer SSH/);
    expect(await zones(seat)).toEqual(["eu-central-1c"]);
    expectDone(await aws.down(seat));
    expect(await aws.total(seat)).toBe(0);
  });

  test("in the account's default network, too", async () => {
    const seat = `t${process.pid}q`;
    const lab = await home.lab("shared-net", "vps: { network: default }");
    refuse(1);
    const rent = () =>
      aws.trilab("up", lab, "--seat", seat, "--on", "vps", "--cloud", "aws", "--wait", "1s", "-y");
    const run = await rent();
    expectError(run, 1, /does not answer SSH/);
    expect(run.stderr).toMatch(
      /no capacity for t3\.nano in eu-central-1 at the moment; trying eu-central-1a/,
    );
    const machine = await aws.instanceOf(seat);
    expect(machine?.Placement?.AvailabilityZone).toBe("eu-central-1a");
    expect((await rent()).stderr).not.toMatch(/trying/);
    expect((await aws.instanceOf(seat))?.InstanceId).toBe(machine?.InstanceId);
    expectDone(await aws.trilab("down", "shared-net", "--seat", seat));
    expect(await aws.total(seat)).toBe(0);
  });
});

describe("what the state does not know", () => {
  test("an up that was killed, and its state lost: refused, then removed by its tags", async () => {
    const seat = `t${process.pid}k`;
    const running = home.start(upArgs(seat), aws.env);
    await until("an instance", async () => (await aws.things(seat)).instances === 1);
    await aws.kill(running);
    await rm(home.checkpoint(LAB, seat));
    expectError(await aws.up(seat), 1, /its state is lost/, /instance trilab-/);
    expectDone(await aws.down(seat, "--by-label"));
    expect(await aws.total(seat)).toBe(0);
  });

  test("a seat whose record is lost goes by its state; with that lost too, by its tags", async () => {
    const [a, b] = [`t${process.pid}r`, `t${process.pid}s`];
    for (const seat of [a, b]) {
      await aws.up(seat);
      expect(await aws.things(seat)).toMatchObject({ instances: 1 });
      await rm(dirname(home.record(LAB, seat)), { recursive: true });
    }
    expectDone(await aws.down(a));
    expect(await aws.total(a)).toBe(0);
    await rm(home.checkpoint(LAB, b));
    expectDone(await aws.down(b, "--by-label"));
    expect(await aws.total(b)).toBe(0);
  });

  test("what was added by hand, with the seat's tags, goes too; what is another owner's stays", async () => {
    const seat = `t${process.pid}o`;
    await aws.up(seat);
    const { owner } = JSON.parse(await readFile(home.record(LAB, seat), "utf8"));
    await aws.client.send(new AllocateAddressCommand(taggedAs("elastic-ip", { seat, owner })));
    const mine = { AvailabilityZone: "eu-central-1a", Size: 1 };
    await aws.client.send(new CreateVolumeCommand({ ...mine, ...taggedAs("volume", { seat, owner }) }));
    const theirs = { AvailabilityZone: "eu-central-1a", Size: 1 };
    await aws.client.send(
      new CreateVolumeCommand({ ...theirs, ...taggedAs("volume", { seat, owner: "you@there" }) }),
    );
    const run = expectDone(await aws.down(seat));
    expect(run.stderr).toMatch(/left alone: EBS volume vol-\w+, which belongs to you@there/);
    expect(await aws.things(seat)).toMatchObject({ instances: 0, vpcs: 0, volumes: 1 });
    expect(
      (await aws.client.send(new DescribeAddressesCommand({ Filters: ofSeat(seat) }))).Addresses,
    ).toEqual([]);
  });
});
