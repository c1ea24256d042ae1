import {
  CreateVpcCommand,
  DescribeInstanceAttributeCommand,
  DescribeInstancesCommand,
  DescribeNetworkInterfacesCommand,
  DescribeSecurityGroupsCommand,
  DescribeVolumesCommand,
  type Instance,
  RevokeSecurityGroupIngressCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import * as aws from "@pulumi/aws";
import type { CustomResourceOptions } from "@pulumi/pulumi";
import type { PulumiFn } from "@pulumi/pulumi/automation/index.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Moto, startMoto } from "../../support/moto.js";
import { type Bench, checkpointText, openBench, uniqueName } from "../support.js";
import { type Knobs, rented, tagged, tagsOf } from "./support.js";

const NOTHING = {
  instances: 0,
  volumes: 0,
  interfaces: 0,
  groups: 0,
  keys: 0,
  tables: 0,
  gateways: 0,
  subnets: 0,
  vpcs: 0,
};
const ALL = Object.fromEntries(Object.keys(NOTHING).map((key) => [key, 1]));

let moto: Moto;
let bench: Bench;

beforeAll(async () => {
  moto = await startMoto();
  bench = await openBench(uniqueName("aws"), "aws");
});

afterAll(async () => {
  await bench?.close();
  await moto?.stop();
});

const stackOf = (program: PulumiFn, env = {}) => bench.stack(program, { ...moto.env, ...env });

async function instance(id: string): Promise<Instance> {
  const answer = await moto.client.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
  const found = answer.Reservations?.[0]?.Instances?.[0];
  if (!found) throw new Error(`no instance ${id}`);
  return found;
}

describe("the life of a rented machine with the real engine and the unmodified SDK", () => {
  const seat = uniqueName("life");
  const up = async (knobs: Omit<Knobs, "seat"> = {}) => (await stackOf(rented({ seat, ...knobs }))).up();

  test("preview, create, no-op, live update, replacement, refresh, destroy", async () => {
    const preview = await (await stackOf(rented({ seat }))).preview();
    expect(preview.changeSummary).toEqual({ create: 9 });
    expect(await tagged(moto.client, seat)).toEqual(NOTHING);

    const created = await up();
    expect(created.summary.resourceChanges).toEqual({ create: 9 });
    const id = String(created.outputs.id?.value);
    const first = await instance(id);
    expect(created.outputs.address?.value).toBe(first.PublicIpAddress);
    // The newest of those that fit.
    expect(created.outputs.ami?.value).toBe("ami-0d12a0000000000a2");

    const tags = { "trilab.seat": seat, "trilab.expires": "1790000000" };
    expect(await tagged(moto.client, seat)).toEqual(ALL);
    expect(tagsOf(first.Tags)).toEqual(tags);
    expect(first).toMatchObject({
      State: { Name: "running" },
      InstanceType: "t3.micro",
      MetadataOptions: { HttpTokens: "required", HttpPutResponseHopLimit: 1, HttpEndpoint: "enabled" },
    });
    const [device] = first.BlockDeviceMappings ?? [];
    expect(first.BlockDeviceMappings).toHaveLength(1);
    expect(device?.Ebs?.DeleteOnTermination).toBe(true);
    const volumes = await moto.client.send(
      new DescribeVolumesCommand({ VolumeIds: [device?.Ebs?.VolumeId ?? ""] }),
    );
    expect(volumes.Volumes?.[0]).toMatchObject({ Encrypted: true, VolumeType: "gp3", Size: 8 });
    expect(tagsOf(volumes.Volumes?.[0]?.Tags)).toEqual(tags);
    const interfaces = await moto.client.send(
      new DescribeNetworkInterfacesCommand({
        NetworkInterfaceIds: [first.NetworkInterfaces?.[0]?.NetworkInterfaceId ?? ""],
      }),
    );
    expect(tagsOf(interfaces.NetworkInterfaces?.[0]?.TagSet)).toEqual(tags);
    const attribute = async (Attribute: "userData" | "instanceInitiatedShutdownBehavior") =>
      moto.client.send(new DescribeInstanceAttributeCommand({ InstanceId: id, Attribute }));
    const { UserData } = await attribute("userData");
    expect(Buffer.from(UserData?.Value ?? "", "base64").toString()).toBe("#cloud-config\nhostname: vps\n");
    expect(
      (await attribute("instanceInitiatedShutdownBehavior")).InstanceInitiatedShutdownBehavior?.Value,
    ).toBe("terminate");

    // The firewall: the learner alone comes in, and AWS's own "everything" went with the rules.
    const firewall = async () => {
      const GroupIds = (await instance(id)).SecurityGroups?.map((group) => group.GroupId ?? "") ?? [];
      const answer = await moto.client.send(new DescribeSecurityGroupsCommand({ GroupIds }));
      return answer.SecurityGroups ?? [];
    };
    const [group, other] = await firewall();
    expect(other).toBeUndefined();
    expect(group?.IpPermissions).toMatchObject([
      { IpProtocol: "tcp", FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: "203.0.113.7/32" }] },
    ]);
    expect(group?.IpPermissionsEgress).toMatchObject([
      { IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] },
    ]);

    const again = await up();
    expect(again.summary.resourceChanges).toEqual({ same: 9 });
    const quiet = await (await stackOf(rented({ seat }))).refresh();
    expect(quiet.summary.resourceChanges).toEqual({ same: 9 });
    expect((await up()).summary.resourceChanges).toEqual({ same: 9 });

    // In place: tags of everything that has some, the firewall, what a shutdown does.
    const moved = await up({ expires: "1790003600", learner: "198.51.100.9/32", behavior: "stop" });
    expect(moved.summary.resourceChanges).toEqual({ same: 2, update: 7 });
    expect(moved.outputs.id?.value).toBe(id);
    expect(tagsOf((await instance(id)).Tags)["trilab.expires"]).toBe("1790003600");
    const later = await moto.client.send(
      new DescribeVolumesCommand({ VolumeIds: [device?.Ebs?.VolumeId ?? ""] }),
    );
    expect(tagsOf(later.Volumes?.[0]?.Tags)["trilab.expires"]).toBe("1790003600");
    expect((await firewall())[0]?.IpPermissions?.[0]?.IpRanges?.map((range) => range.CidrIp)).toEqual([
      "198.51.100.9/32",
    ]);
    expect(
      (await attribute("instanceInitiatedShutdownBehavior")).InstanceInitiatedShutdownBehavior?.Value,
    ).toBe("stop");
    expect(
      (await up({ expires: "1790003600", learner: "198.51.100.9/32", behavior: "stop" })).summary
        .resourceChanges,
    ).toEqual({ same: 9 });
    await up();

    // By hand: a rule taken out comes back, and nothing else changes.
    await moto.client.send(
      new RevokeSecurityGroupIngressCommand({
        GroupId: group?.GroupId,
        IpPermissions: (await firewall())[0]?.IpPermissions,
      }),
    );
    const drift = await (await stackOf(rented({ seat }))).up({ refresh: true });
    expect(drift.summary.resourceChanges).toMatchObject({ update: 1 });
    expect((await firewall())[0]?.IpPermissions).toHaveLength(1);

    const replaced = await up({ userData: "#cloud-config\nhostname: other\n" });
    expect(replaced.summary.resourceChanges).toEqual({ same: 8, replace: 1 });
    const second = String(replaced.outputs.id?.value);
    expect(second).not.toBe(id);
    expect((await instance(id)).State?.Name).toBe("terminated");

    await moto.client.send(new TerminateInstancesCommand({ InstanceIds: [second] }));
    const refreshed = await (await stackOf(rented({ seat }))).refresh();
    expect(refreshed.summary.resourceChanges).toEqual({ same: 8, delete: 1 });
    const remade = await up();
    expect(remade.summary.resourceChanges).toEqual({ same: 8, create: 1 });
    expect(await tagged(moto.client, seat)).toEqual(ALL);

    // Nobody answers, or the key is no good: nothing may be forgotten.
    const dead = await stackOf(rented({ seat }), {
      AWS_ENDPOINT_URL_EC2: "http://127.0.0.1:9",
      AWS_MAX_ATTEMPTS: "1",
    });
    await expect(dead.refresh()).rejects.toThrow(/EC2 can't be reached/);
    const kept = (await dead.exportStack()).deployment as { resources: { type: string }[] };
    expect(kept.resources.map(({ type }) => type).filter((type) => type.startsWith("aws:"))).toHaveLength(8);

    await (await stackOf(rented({ seat }))).destroy();
    expect(await tagged(moto.client, seat)).toEqual(NOTHING);
  });

  test("a run killed after RunInstances finds its instance again, or ends it when it isn't what is wanted", async () => {
    const created = await up();
    const id = String(created.outputs.id?.value);
    const forget = async (): Promise<void> => {
      const stack = await stackOf(rented({ seat }));
      const state = await stack.exportStack();
      const deployment = state.deployment as { resources: { type: string }[] };
      deployment.resources = deployment.resources.filter(({ type }) => type !== "aws:ec2/instance:Instance");
      await stack.importStack({ ...state, deployment });
    };
    await forget();
    const adopted = await up({ expires: "1790007200" });
    expect(adopted.outputs.id?.value).toBe(id);
    expect(tagsOf((await instance(id)).Tags)["trilab.expires"]).toBe("1790007200");
    expect(await tagged(moto.client, seat)).toEqual(ALL);

    await forget();
    const other = await up({ userData: "#cloud-config\nhostname: other\n" });
    expect(other.outputs.id?.value).not.toBe(id);
    expect((await instance(id)).State?.Name).toBe("terminated");
    expect(await tagged(moto.client, seat)).toEqual(ALL);
    await (await stackOf(rented({ seat }))).destroy();
    expect(await tagged(moto.client, seat)).toEqual(NOTHING);
  });

  test("secrets stay secret", async () => {
    const pulumi = await import("@pulumi/pulumi");
    const program: PulumiFn = async () => {
      new aws.ec2.Instance("machine", {
        ami: "ami-0d12a0000000000a2",
        instanceType: "t3.micro",
        userData: pulumi.secret("#cloud-config\n# s3cr3t-value\n"),
      });
    };
    const stack = await stackOf(program);
    await stack.up();
    await stack.refresh();
    expect(await checkpointText(bench, stack.name)).not.toContain("s3cr3t-value");
    expect((await stack.up()).summary.resourceChanges).toEqual({ same: 2 });
    await stack.destroy();
  });
});

describe("providers, data sources and imports", () => {
  test("an explicit provider with endpoints, keys, flags and default tags", async () => {
    const seat = uniqueName("explicit");
    const program =
      (course: string): PulumiFn =>
      async () => {
        const provider = new aws.Provider("here", {
          region: "eu-west-1",
          accessKey: "test",
          secretKey: "test",
          endpoints: [{ ec2: moto.endpoint }],
          skipCredentialsValidation: true,
          skipMetadataApiCheck: true,
          skipRequestingAccountId: true,
          s3UsePathStyle: true,
          defaultTags: { tags: { course } },
        });
        const zones = await aws.getAvailabilityZones({ state: "available" }, { provider });
        const offered = await aws.ec2.getInstanceTypeOfferings(
          {
            locationType: "availability-zone",
            filters: [{ name: "instance-type", values: ["t3.micro"] }],
          },
          { provider },
        );
        const vpc = new aws.ec2.Vpc(
          "net",
          { cidrBlock: "10.213.1.0/24", tags: { "trilab.seat": seat } },
          { provider },
        );
        return { zones: zones.names, region: zones.id, offered: offered.locations, tags: vpc.tagsAll };
      };
    const first = await (await stackOf(program("one"))).up();
    expect(first.outputs.region?.value).toBe("eu-west-1");
    expect(first.outputs.zones?.value).toEqual(["eu-west-1a", "eu-west-1b", "eu-west-1c"]);
    expect(first.outputs.offered?.value).toContain("eu-west-1a");
    expect(first.outputs.tags?.value).toEqual({ course: "one", "trilab.seat": seat });
    expect((await (await stackOf(program("one"))).up()).summary.resourceChanges).toEqual({ same: 3 });
    const second = await (await stackOf(program("two"))).up();
    expect(second.outputs.tags?.value).toEqual({ course: "two", "trilab.seat": seat });
    await (await stackOf(program("two"))).destroy();
  });

  test("a tag of its own on what something else made", async () => {
    const seat = uniqueName("tag");
    const program =
      (value: string): PulumiFn =>
      async () => {
        const vpc = new aws.ec2.Vpc("net", { cidrBlock: "10.213.3.0/24", tags: { "trilab.seat": seat } });
        const group = vpc.id.apply(async (id) => {
          const Filters = [{ Name: "vpc-id", Values: [id ?? ""] }];
          const answer = await moto.client.send(new DescribeSecurityGroupsCommand({ Filters }));
          return answer.SecurityGroups?.[0]?.GroupId ?? "";
        });
        new aws.ec2.Tag("tag", { resourceId: group, key: "trilab.seat", value });
      };
    await (await stackOf(program(seat))).up();
    expect(await tagged(moto.client, seat)).toMatchObject({ groups: 1, vpcs: 1 });
    expect((await (await stackOf(program(seat))).refresh()).summary.resourceChanges).toEqual({ same: 3 });
    expect((await (await stackOf(program(seat))).up()).summary.resourceChanges).toEqual({ same: 3 });
    const moved = await (await stackOf(program(`${seat}-2`))).up();
    expect(moved.summary.resourceChanges).toEqual({ same: 2, update: 1 });
    expect(await tagged(moto.client, `${seat}-2`)).toMatchObject({ groups: 1, vpcs: 0 });
    await (await stackOf(program(seat))).destroy();
    expect(await tagged(moto.client, seat)).toEqual(NOTHING);
  });

  test("takes over by ID what was made by hand", async () => {
    const seat = uniqueName("hand");
    const made = await moto.client.send(
      new CreateVpcCommand({
        CidrBlock: "10.213.2.0/24",
        TagSpecifications: [{ ResourceType: "vpc", Tags: [{ Key: "trilab.seat", Value: seat }] }],
      }),
    );
    const program =
      (opts: CustomResourceOptions): PulumiFn =>
      async () => {
        new aws.ec2.Vpc("net", { cidrBlock: "10.213.2.0/24", tags: { "trilab.seat": seat } }, opts);
      };
    const imported = await (await stackOf(program({ import: made.Vpc?.VpcId ?? "" }))).up();
    expect(imported.summary.resourceChanges).toMatchObject({ import: 1 });
    expect((await (await stackOf(program({}))).up()).summary.resourceChanges).toEqual({ same: 2 });
    await (await stackOf(program({}))).destroy();
    expect(await tagged(moto.client, seat)).toEqual(NOTHING);
  });
});
