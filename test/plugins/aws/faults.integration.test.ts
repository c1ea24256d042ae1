import { DescribeInstancesCommand, TerminateInstancesCommand } from "@aws-sdk/client-ec2";
import * as aws from "@pulumi/aws";
import type { PulumiFn } from "@pulumi/pulumi/automation/index.js";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type AwsProxy, startAwsProxy } from "../../support/aws-proxy.js";
import { awsEnv, type Moto, startMoto } from "../../support/moto.js";
import { type Bench, openBench, uniqueName } from "../support.js";
import { type Knobs, rented, tagged } from "./support.js";

const seat = uniqueName("faults");
let moto: Moto;
let proxy: AwsProxy;
let bench: Bench;

beforeAll(async () => {
  moto = await startMoto();
  proxy = await startAwsProxy(moto.endpoint);
  bench = await openBench(uniqueName("awsf"), "aws");
  // What stands round the machine: each test then adds that one.
  await (await stackOf({ bare: true })).up();
});

afterEach(() => proxy.reset());

afterAll(async () => {
  await (await stackOf()).destroy();
  const left = await tagged(moto.client, seat);
  await bench?.close();
  await proxy?.stop();
  await moto?.stop();
  expect(Object.values(left).every((count) => count === 0)).toBe(true);
});

const run = (program: PulumiFn, env = {}) => bench.stack(program, { ...awsEnv(proxy.endpoint), ...env });
const stackOf = (knobs: Omit<Knobs, "seat"> = {}, env = {}) => run(rented({ seat, ...knobs }), env);

/** What `up` says when it fails. */
async function failing(knobs: Omit<Knobs, "seat"> = {}, env = {}): Promise<string> {
  return (await stackOf(knobs, env)).up().then(
    () => "it worked",
    (error: unknown) => String(error),
  );
}

const count = (action: string): number => proxy.calls.filter((call) => call === action).length;
const machines = async (): Promise<number> => (await tagged(moto.client, seat)).instances ?? -1;
const resources = async (): Promise<number> => {
  const { deployment } = await (await stackOf()).exportStack();
  return (deployment as { resources: { type: string }[] }).resources.filter(({ type }) =>
    type.startsWith("aws:"),
  ).length;
};

describe("what AWS refuses is told, and nothing is left of it", () => {
  test.each([
    ["InsufficientInstanceCapacity", "choose another availability zone", 500],
    ["VcpuLimitExceeded", "the account's quota is used up", 400],
    ["UnauthorizedOperation", "the permission is missing: ec2:RunInstances", 403],
    ["ExpiredToken", "the AWS credentials have expired", 403],
    ["SignatureDoesNotMatch", "clock", 403],
  ])("%s", async (code, says, status) => {
    proxy.fail({ action: "RunInstances", code, status });
    const text = await failing();
    expect(text).toContain(`why: ${code}: `);
    expect(text).toContain(says);
    expect(await machines()).toBe(0);
    expect(await resources()).toBe(7);
  });

  test("by moto's own rules: image, type", async () => {
    expect(await failing({ ami: "ami-00000000000000000" })).toMatch(
      /the image isn't there\s+why: InvalidAMIID/,
    );
    expect(await failing({ instanceType: "t3.nonsense" })).toMatch(/t3\.nonsense could not be created/);
    expect(await machines()).toBe(0);
  });

  test("a region that is none, and no credentials", async () => {
    expect(await failing({}, { AWS_REGION: "nowhere" })).toContain('"nowhere" is not a region of AWS');
    const text = await failing({}, { AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" });
    expect(text).toContain("there are no AWS credentials");
    expect(text).toContain("aws configure");
    expect(await resources()).toBe(7);
  });

  const bad = (inputs: object) =>
    new aws.ec2.Instance("bad", { ami: "ami-1", instanceType: "t3.micro", ...inputs });
  test.each<[string, () => void]>([
    ["iamInstanceProfile is not supported", () => bad({ iamInstanceProfile: "admin" })],
    ["aws:ec2/eip:Eip is not supported", () => new aws.ec2.Eip("bad", {})],
    ["aws:ec2/getVpc:getVpc is not supported", () => aws.ec2.getVpcOutput({ default: true })],
    ["the user data has 16385 bytes", () => bad({ userData: "x".repeat(16_385) })],
  ])("before anything is made: %s", async (says, make) => {
    const text = await (await run(async () => make())).preview().then(String, String);
    expect(text).toContain(says);
  });
});

describe("what passes by itself is waited for", () => {
  test("throttling is retried, and the run succeeds", async () => {
    proxy.fail({ action: "RunInstances", code: "RequestLimitExceeded", status: 503, times: 2 });
    proxy.fail({ action: "DescribeInstances", code: "RequestLimitExceeded", status: 503, times: 2 });
    const up = await (await stackOf()).up();
    expect(up.summary.resourceChanges).toMatchObject({ create: 1 });
    expect(count("RunInstances")).toBe(3);
    expect(await machines()).toBe(1);
  });

  test("a refresh that can't be made keeps the state", async () => {
    const before = await resources();
    proxy.fail({ action: "*", code: "ExpiredToken", status: 403 });
    const text = await (await stackOf()).refresh().then(String, String);
    expect(text).toContain("the AWS credentials have expired");
    expect(await resources()).toBe(before);
  });

  test("the firewall is let go of late: its removal waits", async () => {
    proxy.fail({ action: "DeleteSecurityGroup", code: "DependencyViolation", times: 2 });
    const stack = await stackOf();
    await stack.destroy();
    expect(count("DeleteSecurityGroup")).toBe(3);
    expect(await tagged(moto.client, seat)).toMatchObject({ instances: 0, groups: 0, vpcs: 0 });
    await (await stackOf({ bare: true })).up();
  });
});

describe("what fails after RunInstances", () => {
  test("is terminated", async () => {
    proxy.fail({ action: "DescribeNetworkInterfaces", code: "UnauthorizedOperation", status: 403 });
    const text = await failing();
    expect(text).toContain("the permission is missing: ec2:DescribeNetworkInterfaces");
    expect(await machines()).toBe(0);
    expect(await resources()).toBe(7);
  });

  test("and can't be terminated either is tracked, and goes with the next destroy", async () => {
    proxy.fail({ action: "DescribeNetworkInterfaces", code: "UnauthorizedOperation", status: 403 });
    proxy.fail({ action: "TerminateInstances", code: "UnauthorizedOperation", status: 403 });
    expect(await failing()).toContain("the permission is missing: ec2:");
    expect(await machines()).toBe(1);
    expect(await resources()).toBe(8);
    proxy.reset();
    await (await stackOf({ bare: true })).up();
    expect(await machines()).toBe(0);
  });

  test("terminated by AWS itself on the way up: its reason is told", async () => {
    // Ended by hand as soon as it is there, before the plugin looks at it for the first time.
    proxy.onCall = async (action) => {
      if (action !== "DescribeInstances" || count("RunInstances") === 0) return;
      const Filters = [
        { Name: "tag:trilab.seat", Values: [seat] },
        { Name: "instance-state-name", Values: ["running"] },
      ];
      const there = await moto.client.send(new DescribeInstancesCommand({ Filters }));
      const ids = there.Reservations?.flatMap((item) => item.Instances?.[0]?.InstanceId ?? []) ?? [];
      if (ids.length > 0) await moto.client.send(new TerminateInstancesCommand({ InstanceIds: ids }));
    };
    expect(await failing()).toMatch(/instance i-\w+ did not start\s+why: Client\.UserInitiatedShutdown/);
    expect(await machines()).toBe(0);
    expect(await resources()).toBe(7);
  });
});
